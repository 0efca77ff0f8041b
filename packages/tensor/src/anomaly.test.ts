import { describe, expect, it } from 'vitest';
import { detectAnomaly } from './anomaly.ts';
import { backward } from './autograd.ts';
import { ones, tensor, zeros } from './creation.ts';
import { apply, anomalyCheck, defineOp } from './ops/op.ts';
import type { Tensor } from './tensor.ts';

const made = (op: string) => new RegExp(`^detectAnomaly: ${op} is the first to make a NaN, in a result of shape \\[[\\d, ]*\\], from inputs without one; look at the values it is given$`);
const leaf = (values: number[]) => tensor(values, { requiresGrad: true, dtype: 'float64' });

describe('detectAnomaly', () => {
  it('names the op that makes the first NaN, not those that pass it on', () => {
    const x = leaf([-1, 4]);
    expect(() => detectAnomaly(() => x.mul(2).sqrt().exp().sum().backward())).toThrow(made('sqrt'));
    expect(() => detectAnomaly(() => zeros([2]).div(zeros([2])))).toThrow(made('div'));
    expect(() => detectAnomaly(() => ones([2]).div(0).sub(ones([2]).div(0)))).toThrow(made('sub'));
    expect(() => detectAnomaly(() => zeros([2]).divInPlace(zeros([2])))).toThrow(made('div'));
  });

  it('with infinite, names the op that makes the first infinity', () => {
    expect(detectAnomaly(() => zeros([2]).log().exp()).toArray()).toEqual([0, 0]);
    expect(() => detectAnomaly(() => zeros([2]).log().exp(), { infinite: true })).toThrow('detectAnomaly: log is the first to make a NaN or an infinity, in a result of shape [2]');
    expect(() => detectAnomaly(() => leaf([1e-310]).reciprocal().mul(0).sum(), { infinite: true })).toThrow('reciprocal is the first to make a NaN or an infinity');
    expect(detectAnomaly(() => leaf([Infinity, 1]).sqrt(), { infinite: true }).toArray()).toEqual([Infinity, 1]);
  });

  it('lets NaN pass that came from outside', () => {
    const x = leaf([Number.NaN, 1]);
    const loss = detectAnomaly(() => {
      const y = x.log().mul(2).add(x.sqrt()).maximum(0).sum();
      backward(y);
      return y;
    });
    expect([loss.item(), x.grad?.toArray()]).toEqual([Number.NaN, [Number.NaN, 2.5]]);
  });

  it('names the op whose way back makes it', () => {
    // √x at 0: 0 · ∞
    expect(() => detectAnomaly(() => leaf([0, 1]).sqrt().mul(0).sum().backward())).toThrow(made('backward of sqrt'));
    // What a rule is made of is its own matter.
    const rule = defineOp({ name: 'testDetour', forward: ([a]) => a, backward: (g: Tensor) => [g.div(0).sub(g.div(0)).isNaN().cast('float64')] });
    const x = leaf([1]);
    detectAnomaly(() => apply(rule, [x], undefined).sum().backward());
    expect(x.grad?.toArray()).toEqual([1]);
  });

  it('finds a NaN that only the sum of gradients makes', () => {
    const x = leaf([0]);
    const loss = () => {
      const y = x.mul(1);
      return y.sqrt().add(y.sqrt().neg()).sum();
    };
    expect(() => detectAnomaly(() => loss().backward())).toThrow(made('the sum of the gradients of mul'));
    expect(() => detectAnomaly(() => x.sqrt().sub(x.sqrt()).sum().backward())).toThrow(made('the sum of the gradients of a leaf'));
  });

  it('finds a NaN that a hook makes', () => {
    const x = leaf([1]);
    x.registerHook((g) => g.mul(Number.NaN));
    expect(() => detectAnomaly(() => x.mul(2).sum().backward())).toThrow(made('a hook'));
  });

  it('with createGraph too', () => {
    expect(() => detectAnomaly(() => leaf([0, 1]).sqrt().mul(0).sum().backward(undefined, { createGraph: true }))).toThrow(made('backward of sqrt'));
  });

  it('returns what its callback returns, refuses async ones, and leaves nothing behind', () => {
    expect(detectAnomaly(() => 5)).toBe(5);
    expect(() => detectAnomaly(async () => {})).toThrow('detectAnomaly: the callback must be synchronous');
    expect(() => detectAnomaly(() => { throw new Error('mine'); })).toThrow('mine');
    expect(anomalyCheck()).toBeNull();
    expect(zeros([1]).div(0).isNaN().item()).toBe(true);
  });
});
