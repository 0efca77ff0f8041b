import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MemoryError, rand, scope } from '@strided/tensor';
import { describe, expect, it } from 'vitest';
import { Heap } from '../../packages/tensor/src/kernels/wasm/heap.ts';
import { matmul } from '../../packages/tensor/src/kernels/wasm/matmul.ts';
import { currentChoice } from '../../packages/tensor/src/kernels/wasm/settings.ts';

interface Found {
  /** Resident memory, in MB, when a tenth of the rounds had passed, and the most afterwards. */
  readonly settled: number;
  readonly most: number;
  /** MB of WebAssembly memory. */
  readonly heap: number;
}

async function run(program: string, count: number): Promise<Found> {
  const file = join(import.meta.dirname, 'memory.child.ts');
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=strided-source', file, program, String(count)]);
  return JSON.parse(stdout) as Found;
}


// Half a minute in all: what runs long is the point.
describe('memory stays bounded without anything being disposed', () => {
  // The last number: what the collector may be late by, in MB. A hundred models that stayed would be 2,000.
  it.concurrent.each([
    ['a million eager ops in one synchronous loop', 'eager', 1_000_000, 120],
    ['10,000 training steps of varying lengths', 'training', 10_000, 120],
    ['10,000 inferences of varying lengths, in scopes and in none', 'inference', 10_000, 120],
    ['100 models of 20 MB, dropped, with an await between', 'models', 100, 300],
    ['100 models of 20 MB whose weights are packed, dropped, with an await between', 'packedModels', 100, 300],
  ])('%s', async (_, program, count, slack) => {
    const { settled, most, heap } = await run(program, count);
    expect(most - settled, JSON.stringify({ settled, most, heap })).toBeLessThan(slack);
    // Models are freed some at a time, when the collector has come by.
    expect(heap).toBeLessThan(300);
  }, 300_000);
});

describe('out of memory', () => {
  it('is an error that says how much was asked for and what is in use, and leaves the engine usable', () => {
    const { runtime } = currentChoice();
    if (runtime === null) return;
    const { exports, level } = runtime;
    const memory = new WebAssembly.Memory({ initial: 2, maximum: 20 });
    // The kernels compute in the memory that they were started with: only the way into this one is tried.
    const heap = new Heap(memory);
    const [x, w, out] = [rand([64, 512]), rand([512, 512]), rand([64, 512])];
    expect(() => matmul({ exports, level, heap }, x, w, out)).toThrow(MemoryError);
    expect(() => matmul({ exports, level, heap }, x, w, out)).toThrow(/no room for \d+ more bytes of working memory: \d+ are in use and the host stops at \d+/);
    expect(heap.used).toBe(0);
    expect(scope(() => x.matmul(w).sum().item())).toBeGreaterThan(0);
  });
});
