import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { trainTiny, type Outcome } from './tiny.ts';
import type { Orders } from './trainee.ts';

/** Five in CI, twenty when more runs of everything are asked for. */
const KILLS = Number(process.env['STRIDED_RUNS'] ?? 50) > 50 ? 20 : 5;
const STEPS = 50 * KILLS;

let root = '';
let uninterrupted: Outcome = {};
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'strided-kill-'));
  uninterrupted = await trainTiny({ seed: 1, steps: STEPS });
});
afterAll(() => rm(root, { recursive: true, force: true }));

interface Ended {
  /** The last step that it said, that it started from if it made none, -1 if it had not come so far. */
  readonly step: number;
  readonly from: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly lines: readonly string[];
}

/** Runs the trainee in a process of its own; `watch` hears of each line and may kill it. */
function train(orders: Orders, watch: (line: string, kill: () => void) => void, fileSizeLimit?: number): Promise<Ended> {
  const command = [process.execPath, '--conditions=strided-source', join(import.meta.dirname, 'trainee.ts'), JSON.stringify(orders)];
  // bash counts in kilobytes.
  const [file, ...args] = fileSizeLimit === undefined ? command : ['bash', '-c', `ulimit -f ${fileSizeLimit}; exec "$@"`, 'bash', ...command];
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const whole = (rest + text).split('\n');
    rest = whole.pop() ?? '';
    for (const line of whole) {
      lines.push(line);
      watch(line, () => child.kill('SIGKILL'));
    }
  });
  watch('', () => child.kill('SIGKILL'));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      const numbers = lines.flatMap((line) => /^(?:start|step) (\d+)$/.exec(line)?.[1] ?? []).map(Number);
      resolve({ step: numbers.at(-1) ?? -1, from: numbers[0] ?? -1, code, signal, lines });
    });
  });
}

/** When to kill: at a random moment from the spawn on, or a random fraction of a step or checkpoint after a random step. */
function randomMoment(): { readonly name: string; readonly watch: (line: string, kill: () => void) => void } {
  if (Math.random() < 0.3) {
    const delay = Math.random() * 600;
    return { name: `${delay.toFixed()} ms after it was started`, watch: (line, kill) => void (line === '' && sleep(delay).then(kill)) };
  }
  let left = 1 + Math.floor(Math.random() * 50);
  const name = `${left} steps after it began`;
  const delay = Math.random() * 4;
  return { name, watch: (line, kill) => void (line.startsWith('step') && --left === 0 && (delay < 1 ? kill() : sleep(delay).then(kill))) };
}

describe('kill', () => {
  it(`a process killed with SIGKILL at ${KILLS} random moments, resumed each time, has the loss curve and weights of an uninterrupted run, bit for bit`, async () => {
    const orders = { folder: join(root, 'random'), outcome: join(root, 'random.json'), steps: STEPS, every: 3 };
    const story: string[] = [];
    for (let kills = 0; kills < KILLS;) {
      const { name, watch } = randomMoment();
      const { code, signal, step, from, lines } = await train(orders, watch);
      expect(lines.filter((line) => /^(?:error|warning)/.test(line))).toEqual([]);
      expect(signal ?? code).toBeOneOf(['SIGKILL', 0]);
      if (code === 0) {
        // It was too fast for us: the rest of the kills hit another run, from the start.
        expect(JSON.parse(await readFile(orders.outcome, 'utf8'))).toEqual(uninterrupted);
        await Promise.all([rm(orders.folder, { recursive: true }), rm(orders.outcome)]);
      } else story.push(`kill ${++kills}: ${name}: ${step < 0 ? 'before it had begun' : `at step ${step}, gone on from ${from}`}`);
    }
    const last = await train(orders, () => {});
    story.push(`then to the end, from step ${last.from}`);
    process.stdout.write(`${story.join('\n')}\n`);
    expect(JSON.parse(await readFile(orders.outcome, 'utf8'))).toEqual(uninterrupted);
    expect((await readdir(orders.folder)).length).toBe(2);
  });

  it('killed halfway through writing a checkpoint: what it left is cleared away, the checkpoint before serves', async () => {
    const orders = { folder: join(root, 'writing'), outcome: join(root, 'writing.json'), steps: STEPS, every: 10 };
    const first = await train({ ...orders, dieWriting: 30 }, () => {});
    expect(first.signal).toBe('SIGKILL');
    const left = await readdir(orders.folder);
    expect(left.filter((name) => name.endsWith('.tmp'))).toHaveLength(1);
    expect(left.filter((name) => !name.endsWith('.tmp'))).toEqual(['step-00000010.safetensors', 'step-00000020.safetensors']);
    const second = await train(orders, () => {});
    expect(second.from).toBe(20);
    expect((await readdir(orders.folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect(JSON.parse(await readFile(orders.outcome, 'utf8'))).toEqual(uninterrupted);
  });

  it.skipIf(process.platform === 'win32')('a disk that takes no more: training stops with an error that says so, nothing is lost, and it goes on when there is room', async () => {
    const orders = { folder: join(root, 'full'), outcome: join(root, 'full.json'), steps: STEPS, every: 10 };
    const stopped = await train(orders, () => {}, 8);
    expect(stopped.lines.at(-1)).toMatch(/^error Trainer: the checkpoint of step \d+ could not be written \(.*step-\d+\.safetensors: cannot write it: .*\); put that right and resume/);
    expect(existsSync(orders.outcome)).toBe(false);
    const left = await readdir(orders.folder);
    expect(left).toHaveLength(2);
    expect(left.filter((name) => name.endsWith('.tmp'))).toEqual([]);
    const resumed = await train(orders, () => {});
    expect(resumed.from).toBe(stopped.step - 10);
    expect(JSON.parse(await readFile(orders.outcome, 'utf8'))).toEqual(uninterrupted);
  });
});
