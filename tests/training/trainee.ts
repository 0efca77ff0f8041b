/**
 * The process that kill.test.ts kills. Its argument is JSON: where checkpoints go, where the outcome goes when training
 * is complete, and at which step's checkpoint to kill itself halfway through the file. It says each step as it is made.
 */
import { writeFileSync, writeSync } from 'node:fs';
import { encodeSafetensors, type saveSafetensors } from '@strided/tensor';
import { writeFileAtomic } from '@strided/tensor/files';
import { trainTiny } from './tiny.ts';

export interface Orders {
  readonly folder: string;
  readonly outcome: string;
  readonly steps: number;
  readonly every: number;
  readonly dieWriting?: number;
}

const { folder, outcome, steps, every, dieWriting } = JSON.parse(process.argv[2]) as Orders;

const save: typeof saveSafetensors = async (path, tensors, options) => {
  const bytes = encodeSafetensors(tensors, options);
  const dies = String(path).endsWith(`${dieWriting}.safetensors`);
  function* chunks(): Generator<Uint8Array> {
    yield bytes.subarray(0, bytes.length / 2);
    if (dies) process.kill(process.pid, 'SIGKILL');
    yield bytes.subarray(bytes.length / 2);
  }
  await writeFileAtomic(path, chunks());
};

try {
  const result = await trainTiny({
    seed: 1, steps, resume: 'auto',
    checkpoint: { folder, every, ...(dieWriting === undefined ? {} : { save }) },
    reporter: {
      onStart: ({ step }) => say(`start ${step}`),
      onStep: ({ step }) => say(`step ${step}`),
      onWarning: (message) => say(`warning ${message}`),
    },
  });
  writeFileSync(outcome, JSON.stringify(result));
} catch (error) {
  say(`error ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

/** Written at once: what a killed process had in a stream's memory is lost. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}
