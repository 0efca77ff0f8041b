import { describe, expect, it } from 'vitest';
import { noGrad } from '../autograd.ts';
import { ones, tensor, zeros } from '../creation.ts';
import { AutogradError, ScopeError, ShapeError } from '../errors.ts';
import { fromNdarray } from '../interop/fromNdarray.ts';
import { persist } from '../persist.ts';
import { scope } from '../scope.ts';
import { assign } from './assign.ts';

describe('assign', () => {
  it('takes over the memory of a tensor that has its own, and views of the target see it', () => {
    const target = zeros([2, 3]);
    const view = target.select(0, 1);
    const source = tensor([[1, 2, 3], [4, 5, 6]]);
    const array = source.storage.data;
    assign(target, source);
    expect(target.storage.data).toBe(array);
    expect(view.toArray()).toEqual([4, 5, 6]);
    expect(() => source.add(1)).toThrow(ScopeError);
  });

  it('copies where it cannot: parts, other dtypes, memory of others, other scopes', () => {
    const whole = tensor([1, 2, 3, 4]);
    const sources = [whole.slice(0, 0, 2), tensor([1, 2], { dtype: 'float64' }), fromNdarray({ data: new Float32Array([1, 2, 9]).subarray(0, 2), shape: [2], stride: [1], offset: 0 })];
    for (const source of sources) {
      const target = zeros([2]);
      assign(target, source);
      expect(target.toArray()).toEqual([1, 2]);
      expect(source.toArray()).toEqual([1, 2]);
    }
    const outside = zeros([2]);
    scope(() => assign(outside, tensor([5, 6])));
    expect(outside.toArray()).toEqual([5, 6]);
    const held = ones([300, 300]);
    persist([held]);
    assign(held, zeros([300, 300]));
    expect(held.sum().item()).toBe(0);
    const [shared, tied] = [zeros([2]), zeros([2]).detach()];
    expect(() => assign(shared, ones([3]))).toThrow(ShapeError);
    assign(tied, tied);
    expect(tied.toArray()).toEqual([0, 0]);
  });

  it('is a write that backward notices, and is refused where the graph needs the old value', () => {
    const x = ones([2], { requiresGrad: true });
    const scale = tensor([2, 3]);
    const y = x.mul(scale).sum();
    assign(scale, tensor([5, 5]));
    expect(() => y.backward()).toThrow('changed afterwards by assign');
    expect(() => assign(x, zeros([2]))).toThrow(AutogradError);
    noGrad(() => assign(x, zeros([2])));
    expect(x.toArray()).toEqual([0, 0]);
  });
});
