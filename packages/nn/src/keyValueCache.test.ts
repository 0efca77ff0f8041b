import { concat, Generator, noGrad, randn, scope, tensor, type Tensor } from '@strided/tensor';
import { expectClose } from '@strided/tensor/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyValueCache } from './keyValueCache.ts';
import { MultiHeadAttention } from './attention.ts';

const exact = { rtol: 0, atol: 0 };
const numbers = (seed: number, ...shape: number[]): Tensor => randn(shape, { generator: new Generator(seed) });

type Action = { readonly kind: 'append'; readonly length: number; readonly recorded: boolean } | { readonly kind: 'crop'; readonly share: number } | { readonly kind: 'reorder' } | { readonly kind: 'clear' };
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('append' as const), length: fc.constantFrom(1, 1, 2, 30, 70), recorded: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crop' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'reorder' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'clear' as const }) },
);

describe('KeyValueCache', () => {
  it('holds what a list of all positions holds, and never more room than its bound', () => {
    fc.assert(fc.property(fc.array(action, { maxLength: 12 }), fc.constantFrom(100, 300, Infinity), (actions, maxLength) => {
      const cache = new KeyValueCache({ maxLength });
      let model: { keys: Tensor; values: Tensor } | null = null;
      actions.forEach((each, i) => {
        if (each.kind === 'append') {
          const [keys, values] = [numbers(2 * i, 2, 3, each.length, 4), numbers(2 * i + 1, 2, 3, each.length, 4)];
          const before = cache.length;
          if (before + each.length > maxLength) {
            expect(() => cache.append(keys, values)).toThrow(`holds ${before} positions, and ${each.length} more are above its maxLength, ${maxLength}`);
            return;
          }
          const given = { keys: keys.clone(), values: values.clone() };
          const all = cache.append(keys, values, { recorded: each.recorded });
          model = model === null ? given : { keys: concat([model.keys, given.keys], -2), values: concat([model.values, given.values], -2) };
          expectClose(all.keys, model.keys, exact);
          // What was given is the caller's: nothing is written into it.
          expectClose(keys, given.keys, exact);
        } else if (each.kind === 'crop') {
          const length = Math.floor(each.share * cache.length);
          cache.crop(length);
          model = model === null || length === 0 ? null : { keys: model.keys.narrow(-2, 0, length), values: model.values.narrow(-2, 0, length) };
        } else if (each.kind === 'reorder') {
          cache.reorder(tensor([1, 0], { dtype: 'int32' }));
          model = model === null ? null : { keys: model.keys.flip(0), values: model.values.flip(0) };
        } else {
          cache.clear();
          model = null;
        }
        expect(cache.length).toBe(model?.keys.shape[2] ?? 0);
        if (model === null) return;
        expectClose(cache.keys as Tensor, model.keys, exact);
        expectClose(cache.values as Tensor, model.values, exact);
        for (const room of cache.buffers()) expect(room.shape[2]).toBeLessThanOrEqual(maxLength);
      });
    }));
  });

  it('writes new positions in place: room is made a few times, not at each step', () => {
    const cache = new KeyValueCache({ maxLength: 200 });
    const rooms = new Set<unknown>();
    for (let i = 0; i < 200; i++) {
      cache.append(numbers(i, 1, 1, 1, 2), numbers(i, 1, 1, 1, 2));
      rooms.add(cache.keyRoom);
    }
    expect(rooms.size).toBeLessThanOrEqual(5);
    expect(cache.keyRoom?.shape).toEqual([1, 1, 200, 2]);
    expect([...cache.buffers()].length).toBe(2);
    expect(cache.stateDict().size).toBe(0);
    expect(String(cache)).toBe('KeyValueCache(200 positions of 200)');
  });

  it('leaves alone what a recorded step needs, whichever tensors have gradients', () => {
    const attention = new MultiHeadAttention(4, 2);
    attention.freeze();
    // Keys have no gradient, queries do: backward through step 1 needs the keys as they were then.
    attention.query.unfreeze();
    const x = numbers(1, 1, 4, 4);
    const run = (): { readonly loss: Tensor; readonly gradient: unknown } => {
      attention.zeroGrad();
      const cache = new KeyValueCache();
      noGrad(() => attention.forward(x.narrow(1, 0, 2), { cache, causal: true }));
      const loss = attention.forward(x.narrow(1, 2, 1), { cache, causal: true }).output.sum().add(attention.forward(x.narrow(1, 3, 1), { cache, causal: true }).output.square().sum());
      loss.backward();
      return { loss, gradient: attention.query.weight.grad };
    };
    const whole = (): { readonly loss: Tensor; readonly gradient: unknown } => {
      attention.zeroGrad();
      const { output } = attention.forward(x, { causal: true });
      const loss = output.narrow(1, 2, 1).sum().add(output.narrow(1, 3, 1).square().sum());
      loss.backward();
      return { loss, gradient: attention.query.weight.grad };
    };
    const [cached, full] = [run(), whole()];
    expectClose(cached.loss, full.loss, { rtol: 1e-5, atol: 1e-6 });
    expectClose(cached.gradient as Tensor, full.gradient as Tensor, { rtol: 1e-5, atol: 1e-6 });
  });

  it('outlives the scopes of its steps', () => {
    const [wanted, cache] = [new KeyValueCache(), new KeyValueCache()];
    for (let i = 0; i < 70; i++) {
      const add = (to: KeyValueCache): unknown => to.append(numbers(2 * i, 2, 3, 1, 64), numbers(2 * i + 1, 2, 3, 1, 64)).keys;
      add(wanted);
      if (i % 3 === 0) scope(() => void scope(() => void add(cache)));
      else scope(() => void add(cache));
    }
    expectClose(cache.keys as Tensor, wanted.keys as Tensor, exact);
    expectClose(cache.values as Tensor, wanted.values as Tensor, exact);
    scope(() => cache.reorder(tensor([1, 0], { dtype: 'int32' })));
    expectClose(cache.keys as Tensor, (wanted.keys as Tensor).flip(0), exact);
  });

  it('refuses keys of another batch, width or dtype, and lengths that are none', () => {
    const cache = new KeyValueCache();
    cache.append(numbers(1, 2, 3, 4, 5), numbers(2, 2, 3, 4, 5));
    expect(() => cache.append(numbers(1, 1, 3, 1, 5), numbers(2, 1, 3, 1, 5))).toThrow('[1, 3, 1, 5] must go with those of earlier positions, [2, 3, …, 5]');
    expect(() => cache.append(numbers(1, 2, 3, 1, 5).cast('float64'), numbers(2, 2, 3, 1, 5))).toThrow('float64 keys do not go with the float32 ones');
    expect(() => cache.crop(5)).toThrow('from 0 to 4, not 5');
    expect(() => new KeyValueCache({ maxLength: 0 })).toThrow('must be above 0, not 0');
    expect(cache.length).toBe(4);
  });
});
