import { randn, zeros, type Tensor } from '@strided/tensor';
import { shapes, tensors } from '@strided/tensor/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsKernels } from '../../packages/tensor/src/kernels/js/index.ts';
import { copy, takesCopy } from '../../packages/tensor/src/kernels/wasm/move.ts';
import { chosen, level, runtime } from './levels.ts';
import { placedIn } from './placed.ts';

const dtype = fc.constantFrom('float32' as const, 'int32' as const);
const small = shapes({ maxRank: 5, maxLength: 7, minLength: 1 });
/** Planes that are turned in several tiles, with a rest. */
const planes = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 4, max: 40 }), fc.integer({ min: 4, max: 40 }));

const cases = fc.tuple(dtype, fc.oneof(small, planes.map((plane) => [...plane]))).chain(([kind, shape]) =>
  fc.record({ x: tensors({ dtype: kind, shape, special: true }), out: tensors({ dtype: kind, shape, layout: 'unshared' }) }),
);

/** Everything in a storage, also what the view leaves out. */
const bits = ({ storage: { data } }: Tensor): Int32Array => new Int32Array(new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice().buffer);

function expectSameCopy(x: Tensor, out: Tensor): void {
  const { heap } = chosen();
  heap.scratch(() => {
    const [from, to, exact] = [placedIn(heap, x), placedIn(heap, out), placedIn(heap, out)];
    copy(chosen(), from, to);
    jsKernels.copy(from, exact);
    expect(bits(to)).toEqual(bits(exact));
  });
}

describe.skipIf(runtime === null)(`copies at level ${level}`, () => {
  it('from any layout to any layout are those of the js loops, and nothing beside them is written', () => {
    fc.assert(fc.property(cases, ({ x, out }) => expectSameCopy(x, out)));
  });

  it('axes in any order, whole tiles and rests', () => {
    fc.assert(fc.property(fc.shuffledSubarray([0, 1, 2], { minLength: 3 }), planes, (order, plane) => {
      const x = randn(plane).permute(order);
      expectSameCopy(x, zeros(x.shape));
    }));
  });

  it('rows long enough for the host to copy, and a value repeated', () => {
    const x = randn([3, 1200]);
    for (const view of [x.narrow(1, 7, 900), x.flip([1]), x.narrow(1, 5, 1).expand([3, 1200]), x.narrow(0, 1, 1).expand([3, 1200])]) expectSameCopy(view, zeros(view.shape));
  });
});

it('takes large copies of four bytes a value, of as many axes as the nest has', () => {
  const x = zeros([64, 64]);
  expect(takesCopy(x.transpose(), x)).toBe(true);
  expect(takesCopy(x, zeros([64, 64], { dtype: 'int32' }))).toBe(false);
  expect(takesCopy(zeros([64, 64], { dtype: 'bool' }), zeros([64, 64], { dtype: 'bool' }))).toBe(false);
  const many = zeros([4, 2, 4, 2, 4, 2, 4, 4]);
  expect(takesCopy(many, many)).toBe(true);
  const turned = many.permute([7, 6, 5, 4, 3, 2, 1, 0]);
  expect(takesCopy(turned, zeros(turned.shape))).toBe(false);
});
