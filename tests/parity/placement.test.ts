import { randn, scope, zeros, type Tensor } from '@strided/tensor';
import { expect, it, vi } from 'vitest';
import { runJob } from '../../packages/tensor/src/kernels/wasm/share.ts';
import { expectSameBits } from './bits.ts';
import { runtime } from './levels.ts';

vi.mock(import('../../packages/tensor/src/kernels/wasm/share.ts'), async (load) => {
  const share = await load();
  return { ...share, runJob: vi.fn<typeof share.runJob>(share.runJob) };
});

/** Ops whose kernels wait for memory, each on large operands. */
const ops: readonly (readonly [string, (x: Tensor, row: Tensor) => Tensor])[] = [
  ['add', (x, row) => x.add(row)], ['sub', (x, row) => row.sub(x)], ['mul', (x) => x.mul(1.1)], ['div', (x, row) => x.div(row)], ['square', (x) => x.square()],
  ['relu', (x) => x.relu()], ['contiguous', (x) => x.transpose().contiguous()], ['addInPlace', (x, row) => x.clone().addInPlace(row)],
  ['indexSelect', (x) => x.indexSelect(0, zeros([90], { dtype: 'int32' }))],
];

it.skipIf(runtime === null).each(ops)('%s gives the same bits where its operands lie in the heap and where they do not', (_, run) => {
  const [x, row] = [randn([70, 50]), randn([1, 50])];
  const jobs = vi.mocked(runJob).mock.calls;
  jobs.length = 0;
  const outside = run(x, row);
  expect(jobs).toEqual([]);
  const inside = scope(() => {
    const placed = x.clone();
    jobs.length = 0;
    return run(placed, row.clone());
  });
  expect(jobs.length).toBeGreaterThan(0);
  expectSameBits(inside, outside);
});
