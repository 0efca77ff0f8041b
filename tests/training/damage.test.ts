import fc from 'fast-check';
import { readdirSync } from 'node:fs';
import { mkdtemp, open, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readCheckpoint } from '@strided/nn';
import { CheckpointError, FormatError, saveSafetensors, StridedError, tensor } from '@strided/tensor';
import { trainTiny, type Outcome } from './tiny.ts';

/** What a real disk does to checkpoints: each test resumes a run to step 20 of which the files of steps 10 and 15 are there. */
const STEPS = 20;
const file = (step: number): string => `step-000000${step}.safetensors`;

let root = '';
let folder = '';
let uninterrupted: Outcome = {};
let ten: Uint8Array;
let fifteen: Uint8Array;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'strided-damage-'));
  uninterrupted = await trainTiny({ seed: 3, steps: STEPS });
  const made = join(root, 'made');
  const signal = new AbortController();
  await trainTiny({ seed: 3, steps: STEPS, checkpoint: { folder: made, every: 5 }, reporter: { onStep: ({ step }) => step === 15 && signal.abort() }, signal: signal.signal });
  [ten, fifteen] = await Promise.all([10, 15].map((step) => readFile(join(made, file(step)))));
});
afterAll(() => rm(root, { recursive: true, force: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(root, 'run-'));
  await writeFile(join(folder, file(10)), ten);
  await writeFile(join(folder, file(15)), fifteen);
});

async function resume(onCheckpoint = (): void => {}): Promise<{ readonly outcome: Outcome; readonly warnings: readonly string[]; readonly from: number }> {
  const warnings: string[] = [];
  let from = -1;
  const outcome = await trainTiny({
    seed: 99, steps: STEPS, resume: true, checkpoint: { folder, every: 5 },
    reporter: { onWarning: (message) => warnings.push(message), onStart: ({ step }) => (from = step), onCheckpoint },
  });
  return { outcome, warnings, from };
}

describe('a damaged checkpoint', () => {
  it('whole ones: goes on from the newest, without a word', async () => {
    expect(await resume()).toEqual({ outcome: uninterrupted, warnings: [], from: 15 });
    expect((await readdir(folder)).sort()).toEqual([file(15), file(20)]);
  });

  it.each([0, 5, 8, 100, 3000, -1])('the newest cut off to %i bytes: a warning names it, the one before serves, the run ends the same', async (length) => {
    await truncate(join(folder, file(15)), length < 0 ? fifteen.length - 1 : length);
    const { outcome, warnings, from } = await resume();
    expect(from).toBe(10);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(join(folder, file(15)));
    expect(warnings[0]).toContain(`training goes on from ${join(folder, file(10))}`);
    expect(warnings[0]).not.toContain('\n');
    expect(outcome).toEqual(uninterrupted);
  });

  it('one bit of the newest flipped: the checksum tells, the one before serves', async () => {
    const handle = await open(join(folder, file(15)), 'r+');
    await handle.write(Uint8Array.of(fifteen[fifteen.length - 9] ^ 4), 0, 1, fifteen.length - 9);
    await handle.close();
    const { outcome, warnings, from } = await resume();
    expect(from).toBe(10);
    expect(warnings).toEqual([expect.stringContaining(`${join(folder, file(15))}: is damaged (its content does not match its checksum)`)]);
    expect(outcome).toEqual(uninterrupted);
  });

  it('no flipped bit anywhere and no cut goes unnoticed', async () => {
    const path = join(folder, 'any.safetensors');
    await fc.assert(fc.asyncProperty(fc.nat({ max: fifteen.length - 1 }), fc.nat({ max: 7 }), async (at, bit) => {
      const bytes = Uint8Array.from(fifteen);
      bytes[at] ^= 1 << bit;
      await writeFile(path, bytes);
      await expect(readCheckpoint(path)).rejects.toThrow(StridedError);
      await writeFile(path, fifteen.subarray(0, at));
      await expect(readCheckpoint(path)).rejects.toThrow(FormatError);
    }));
  });

  it('a damaged one that the new run does not overwrite goes when a new one is in place, and counts for nothing', async () => {
    await rename(join(folder, file(15)), join(folder, file(17)));
    await truncate(join(folder, file(17)), 50);
    const seen: string[][] = [];
    const onCheckpoint = (): void => void seen.push(readdirSync(folder).sort());
    expect((await resume(onCheckpoint)).outcome).toEqual(uninterrupted);
    expect(seen).toEqual([[file(10), file(15)], [file(15), file(20)]]);
  });

  it('none readable: one line that names the folder, the number and a cause; nothing is deleted', async () => {
    for (const step of [10, 15]) await truncate(join(folder, file(step)), 4);
    await expect(resume()).rejects.toThrow(CheckpointError);
    await expect(resume()).rejects.toThrow(`${folder}: none of its 2 checkpoints can be read (${join(folder, file(15))}: has 4 bytes`);
    expect(await readdir(folder)).toHaveLength(2);
  });

  it('another file of tensors under the name of a checkpoint is none', async () => {
    await saveSafetensors(join(folder, file(16)), { weight: tensor([1]) });
    const { warnings, from } = await resume();
    expect(from).toBe(15);
    expect(warnings).toEqual([expect.stringContaining(`${join(folder, file(16))}: is not a checkpoint of a Trainer`)]);
  });
});
