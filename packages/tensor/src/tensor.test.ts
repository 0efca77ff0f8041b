import fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { arange, ones, tensor, zeros } from './creation.ts';
import { dtypes, type DType } from './dtype.ts';
import { ShapeError } from './errors.ts';
import type { Nested, Tensor } from './tensor.ts';
import { tensors } from './testing/index.ts';

const any = fc.constantFrom<DType>(...dtypes).chain((dtype) => tensors({ dtype, special: true }));

/** The values by the definition of strides, one index at a time. */
function nested(x: Tensor): unknown {
  const { shape, strides, offset } = x.layout;
  const walk = (axis: number, at: number): unknown => {
    if (axis < shape.length) return Array.from({ length: shape[axis] }, (_, i) => walk(axis + 1, at + i * strides[axis]));
    const value = x.storage.data[at];
    return x.dtype === 'bool' ? value !== 0 : value;
  };
  return walk(0, offset);
}

describe('reading', () => {
  it('gives the values in row-major order, whatever the layout', async () => {
    await fc.assert(
      fc.asyncProperty(any, async (x) => {
        const expected = nested(x);
        expect(x.toArray()).toEqual(expected);
        const flat = x.rank === 0 ? [expected] : (expected as unknown[]).flat(Infinity);
        const typed = x.toTypedArray();
        expect(Array.from(typed, (value) => (x.dtype === 'bool' ? value !== 0 : value))).toEqual(flat);
        expect(typed.constructor).toBe(x.storage.data.constructor);
        expect(await x.data()).toEqual(typed);
        expect([x.size, x.rank, x.byteLength]).toEqual([flat.length, x.shape.length, typed.byteLength]);
        if (x.size === 1) expect(x.item()).toEqual(flat[0]);
        else expect(() => x.item()).toThrow(`item: only a tensor of one value has an item, not shape [${x.shape.join(', ')}]; use toArray()`);
      }),
    );
  });

  it('always copies: what is read never writes to the tensor', async () => {
    await fc.assert(
      fc.asyncProperty(any, async (x) => {
        const before = x.storage.data.slice();
        x.toTypedArray().fill(1);
        (await x.data()).fill(1);
        const array = x.toArray();
        if (Array.isArray(array)) array.splice(0);
        expect(x.storage.data).toEqual(before);
        // Nor does a write to the tensor change what was read.
        if (x.size === 0) return;
        const read = [x.toTypedArray(), await x.data()];
        const copies = read.map((each) => each.slice());
        x.storage.data.fill(0);
        expect(read).toEqual(copies);
      }),
    );
  });

  it('has the types of its dtype', () => {
    expectTypeOf(tensor([true]).toArray()).toEqualTypeOf<Nested<boolean>>();
    expectTypeOf(tensor([1]).item()).toEqualTypeOf<number>();
    expectTypeOf(tensor([1]).toTypedArray()).toEqualTypeOf<Float32Array>();
    expectTypeOf(arange(3).data()).toEqualTypeOf<Promise<Int32Array>>();
    expectTypeOf(tensor(new Int8Array(1))).toEqualTypeOf<Tensor<'int8'>>();
    expectTypeOf(zeros([1], { dtype: 'float64' })).toEqualTypeOf<Tensor<'float64'>>();
    expect(tensor([true]).item()).toBe(true);
  });
});

describe('iteration', () => {
  it('walks the first axis, as views', () => {
    fc.assert(
      fc.property(any, (x) => {
        if (x.rank === 0) expect(() => [...x]).toThrow(ShapeError);
        else expect([...x].map((each) => each.toArray())).toEqual(nested(x));
      }),
    );
    expect(() => [...zeros([])]).toThrow('iteration: a scalar has no axis to walk; use item()');
    const x = zeros([2, 2]);
    for (const row of x) row.addInPlace(1);
    expect(x.toArray()).toEqual([[1, 1], [1, 1]]);
    const leaf = ones([2], { requiresGrad: true });
    const [a, b] = leaf;
    a.mul(b).backward();
    expect(leaf.grad?.toArray()).toEqual([1, 1]);
  });
});

describe('a tensor', () => {
  it('knows whether it is contiguous, and becomes so by a copy only if it is not', () => {
    const x = arange(6).reshape([2, 3]);
    expect(x.contiguous()).toBe(x);
    const turned = x.transpose();
    expect([turned.isContiguous, turned.contiguous().isContiguous, turned.contiguous().storage === x.storage]).toEqual([false, true, false]);
    expect(turned.contiguous().toArray()).toEqual(turned.toArray());
  });

  it('detach shares memory, clone does not', () => {
    const x = ones([2], { requiresGrad: true });
    expect(x.detach()).toMatchObject({ storage: x.storage, requiresGrad: false, base: null });
    const copy = x.clone();
    expect(copy.storage).not.toBe(x.storage);
    copy.sum().backward();
    expect(x.grad?.toArray()).toEqual([1, 1]);
  });
});
