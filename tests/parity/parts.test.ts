import { expect, it } from 'vitest';
import { checks, resultOf } from '../../packages/tensor/src/kernels/wasm/checks.ts';
import type { Exports, Job } from '../../packages/tensor/src/kernels/wasm/exports.ts';
import { Room } from '../../packages/tensor/src/kernels/wasm/room.ts';
import type { Runtime } from '../../packages/tensor/src/kernels/wasm/runtime.ts';
import { chosen, level, runtime } from './levels.ts';

/** The same functions, each job shared out in `parts`, the last part first: no part may need another. */
function shared(exports: Exports, parts: number): Exports {
  const entries = Object.entries(exports).map(([name, run]: [string, unknown]) => {
    if (/Bytes$|^probe$/.test(name)) return [name, run];
    const all: Job = (job) => {
      for (let part = parts - 1; part >= 0; part--) (run as Job)(job, part, parts);
    };
    return [name, all];
  });
  return Object.fromEntries(entries) as Exports;
}

it.skipIf(runtime === null).each([2, 3, 7, 64])(`at level ${level} a job in %d parts gives the same bits as in one`, (parts) => {
  // Without threads: they would share the parts out themselves.
  const { pool: _, ...whole } = chosen();
  const split: Runtime = { ...whole, exports: shared(whole.exports, parts) };
  whole.heap.scratch(() => {
    const room = new Room(whole.heap, parts);
    for (const { name, run } of checks) expect(resultOf(run, split, room), name).toEqual(resultOf(run, whole, room));
  });
});
