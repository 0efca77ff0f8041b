import fc from 'fast-check';
import ndarray from 'ndarray';
import { describe, expect, it } from 'vitest';
import { noGrad } from '../autograd.ts';
import { arange, ones, tensor, zeros } from '../creation.ts';
import { dtypes, type DType, type TypedArray } from '../dtype.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import type { Tensor } from '../tensor.ts';
import { shapes, tensors } from '../testing/index.ts';
import { fromNdarray, toNdarray } from './ndarray.ts';

/** Every value by ndarray's own indexing, in row-major order. */
function read(array: ndarray.NdArray<TypedArray>): number[] {
  const walk = (index: number[]): number[] =>
    index.length === array.dimension ? [array.get(...index)] : Array.from({ length: array.shape[index.length] }, (_, i) => walk([...index, i])).flat();
  return walk([]);
}
const flat = (x: Tensor): number[] => Array.from(x.toTypedArray());

const views: Record<string, (array: ndarray.NdArray<Float64Array>) => ndarray.NdArray<Float64Array>> = {
  itself: (a) => a,
  transposed: (a) => a.transpose(1, 0),
  backwards: (a) => a.step(-1, -1),
  stepped: (a) => a.step(2, -1),
  inner: (a) => a.lo(1, 1).hi(2, 2),
  picked: (a) => a.pick(1, null),
  'all of it': (a) => a.lo(1, 0).transpose(1, 0).step(-1, 2),
};

describe('fromNdarray', () => {
  it.each(Object.entries(views))('shares memory both ways with an array %s', (_, view) => {
    const array = view(ndarray(Float64Array.from({ length: 12 }, (__, i) => i), [3, 4]));
    const x = fromNdarray(array);
    expect([x.shape, x.dtype]).toEqual([array.shape, 'float64']);
    expect(flat(x)).toEqual(read(array));
    const first = array.shape.map(() => 0);
    array.set(...first, -5);
    expect(flat(x)[0]).toBe(-5);
    x.fill(77);
    expect(read(array)).toEqual(new Array(x.size).fill(77));
    expect(array.data.filter((value) => value === 77)).toHaveLength(x.size);
  });

  it('does not follow later changes of the array\'s shape', () => {
    const array = ndarray(new Float64Array(4), [2, 2]);
    const x = fromNdarray(array);
    array.shape[0] = 1;
    expect(x.shape).toEqual([2, 2]);
  });

  it('takes what is merely built like one, with gradients if asked', () => {
    const x = fromNdarray({ data: new Float32Array([1, 2, 3]), shape: [2], stride: [-2], offset: 2 }, { requiresGrad: true });
    x.mul(x).sum().backward();
    expect(x.grad?.toArray()).toEqual([6, 2]);
  });

  it('notices a write through another tensor on the same array, and only clone() is safe from outside', () => {
    const data = new Float64Array([1, 2]);
    const array = ndarray(data);
    const x = fromNdarray(array, { requiresGrad: true });
    const y = x.square().sum();
    fromNdarray(array).fill(5);
    expect(() => y.backward()).toThrow('backward of square: a value of shape [2] that square needs was changed afterwards by fill');
    const copy = fromNdarray(array).clone();
    copy.requiresGrad = true;
    const z = copy.square().sum();
    data.fill(0);
    z.backward();
    expect(copy.grad?.toArray()).toEqual([10, 10]);
  });

  it('refuses data without a dtype and layouts that reach outside', () => {
    expect(() => fromNdarray(ndarray([1, 2]) as never)).toThrow('fromNdarray: Array is no typed array with a dtype; use Float32Array, Float64Array, Int32Array, Uint8Array or Int8Array');
    expect(() => fromNdarray(ndarray(new Uint16Array(2)) as never)).toThrow(DTypeError);
    const data = new Float32Array(4);
    const make = (shape: number[], stride: number[], offset: number) => () => fromNdarray({ data, shape, stride, offset });
    expect(make([3], [2], 0)).toThrow('fromNdarray: shape [3] with strides [2] and offset 0 reaches elements 0 to 4 of an array of 4');
    expect(make([2], [-1], 0)).toThrow('reaches elements -1 to 0');
    expect(make([2], [], 0)).toThrow('fromNdarray: strides [] and offset 0 must be whole numbers, one stride for each axis of [2]');
    expect(make([2], [0.5], 0)).toThrow(ShapeError);
    expect(make([-2], [1], 0)).toThrow('fromNdarray: the shape [-2]');
    expect(make([0], [9], 77)().shape).toEqual([0]);
  });
});

describe('toNdarray', () => {
  it('shows the same values on the same memory, for every dtype and layout', () => {
    const any = fc.constantFrom<DType>(...dtypes).chain((dtype) => tensors({ dtype, shape: shapes({ maxRank: 4 }) }));
    fc.assert(
      fc.property(any, (x) => {
        const array = toNdarray(x);
        expect([array.shape, array.stride, array.offset]).toEqual([x.shape, x.strides, x.layout.offset]);
        expect(array.data).toBe(x.storage.data);
        expect(read(array as ndarray.NdArray<TypedArray>)).toEqual(flat(x));
        const back = fromNdarray(array as ndarray.NdArray<TypedArray>);
        expect(back.storage).toBe(x.storage);
      }),
    );
  });

  it('of a scalar and of a slice', () => {
    expect(toNdarray(tensor(3)).get()).toBe(3);
    const x = arange(6).reshape([2, 3]);
    toNdarray(x.slice(1, undefined, undefined, -2)).set(1, 0, 9);
    expect(x.toArray()).toEqual([[0, 1, 2], [3, 4, 9]]);
  });

  it('refuses what requires grad', () => {
    const x = ones([2], { requiresGrad: true });
    for (const each of [x, x.mul(2)]) expect(() => toNdarray(each)).toThrow('use toNdarray(x.detach()), or x.detach().clone()');
    expect(toNdarray(x.detach()).data).toBe(x.storage.data);
    expect(toNdarray(noGrad(() => x.mul(2))).get(0)).toBe(2);
    expect(toNdarray(zeros([0, 3])).shape).toEqual([0, 3]);
  });
});
