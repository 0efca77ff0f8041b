import { Generator, ones, randn, zeros, type Tensor } from '@strided/tensor';
import { broadcastableShapes, expectClose, tensors } from '@strided/tensor/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AttentionOptions } from '../../packages/tensor/src/kernels/contract.ts';
import { jsKernels } from '../../packages/tensor/src/kernels/js/index.ts';
import { attention, attentionBackward, takesAttention } from '../../packages/tensor/src/kernels/wasm/attention.ts';
import type { Runtime } from '../../packages/tensor/src/kernels/wasm/runtime.ts';
import { expectSameBits } from './bits.ts';
import { chosen, level, runtime, runtimeOf } from './levels.ts';

interface Case {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  readonly mask: Tensor | null;
  readonly g: Tensor;
  readonly options: AttentionOptions;
}

const length = fc.oneof({ arbitrary: fc.integer({ min: 1, max: 12 }), weight: 2 }, fc.constantFrom(15, 16, 17, 20, 33, 65));
const size = fc.integer({ min: 1, max: 10 });
const dropout = fc.record({ p: fc.constantFrom(0.1, 0.5), state: fc.record({ seed: fc.nat(), offset: fc.oneof(fc.nat(9), fc.constantFrom(2 ** 32 - 2, 2 ** 32 - 1)).map((block) => block * 4) }) });
const options: fc.Arbitrary<AttentionOptions> = fc.record({ scale: fc.constantFrom(0.5, 1, -0.25), causal: fc.boolean(), segments: fc.constant(null), dropout: fc.option(dropout, { freq: 2 }) });
const additive = fc.oneof({ arbitrary: fc.integer({ min: -8, max: 8 }).map((n) => n / 4), weight: 3 }, fc.constant(-Infinity));

/** Where sequences that lie one after the other begin and end, some of them empty; null: one sequence. */
const cuts = fc.option(fc.array(fc.nat(), { maxLength: 4 }), { freq: 2 });

/** Heads of any layout with batch axes that broadcast, as the op stretches them, with every kind of mask, in segments too. */
const cases: fc.Arbitrary<Case> = fc
  .tuple(broadcastableShapes(4, { maxRank: 2, maxLength: 3, minLength: 1 }), length, length, size, size, fc.constantFrom('none', 'bool', 'float', 'keys'), cuts)
  .chain(([{ shapes, result: batch }, L, keys, E, V, kind, cut]) => {
    const [S, segments] = cut === null ? [keys, null] : [L, [0, ...cut.map((at) => at % (L + 1)).toSorted((a, b) => a - b), L]];
    const [q, k, v] = [[L, E], [S, E], [S, V]].map((tail, i) => tensors({ shape: [...shapes[i], ...tail], range: [-2, 2] }).map((x) => x.expand([...batch, ...tail])));
    const own = kind === 'keys' ? [...shapes[3].map(() => 1), 1, S] : [...shapes[3], L, S];
    const stretched = (x: Tensor): Tensor => x.expand([...batch, L, S]);
    const mask = kind === 'none' ? fc.constant(null) : kind === 'float' ? tensors({ shape: own, values: additive }).map(stretched) : tensors({ dtype: 'bool', shape: own }).map(stretched);
    return fc.record({ q, k, v, mask: mask as fc.Arbitrary<Tensor | null>, g: tensors({ shape: [...batch, L, V], range: [-2, 2] }), options: options.map((one) => ({ ...one, segments })) });
  });

const results = ['out', 'logSumExp', 'q', 'k', 'v', 'mask'] as const;
type Result = Readonly<Record<(typeof results)[number], Tensor>>;

function run(on: Runtime | null, { q, k, v, mask, g, options: how }: Case): Result {
  const lead = q.shape.slice(0, -1);
  const [out, logSumExp] = [zeros([...lead, v.shape[v.rank - 1]]), zeros([...lead, 1], { dtype: 'float64' })];
  const gradients = { q: zeros(q.shape), k: zeros(k.shape), v: zeros(v.shape), mask: mask?.dtype === 'float32' ? zeros(mask.shape) : null };
  if (on === null) {
    jsKernels.attention(q, k, v, mask, how, out, logSumExp);
    jsKernels.attentionBackward(q, k, v, mask, how, logSumExp, g, gradients);
  } else {
    attention(on, q, k, v, mask, how, out, logSumExp);
    attentionBackward(on, q, k, v, mask, how, logSumExp, g, gradients);
  }
  return { out, logSumExp, ...gradients, mask: gradients.mask ?? zeros([]) };
}

const largest = (x: Tensor): number => (x.size === 0 ? 0 : (x.abs().max().item() as number));

/** A bound of the scores' magnitude: what their rounding is relative to. */
const scoreBound = ({ q, k, options: { scale } }: Case): number => 1 + Math.abs(scale) * Math.sqrt(q.shape[q.rank - 1]) * largest(q) * largest(k);

/** Within the documented bounds of the js loops, which round once. */
function expectParity(given: Case): void {
  const [ours, exact] = [run(chosen(), given), run(null, given)];
  const bound = scoreBound(given);
  const drops = given.options.dropout === null ? 1 : 1 / (1 - given.options.dropout.p);
  expectClose(ours.logSumExp, exact.logSumExp, { rtol: 5e-7, atol: 5e-7 * bound });
  const { q, k, v, g, options: { scale } } = given;
  expectClose(ours.out, exact.out, { atol: 1e-6 * bound * largest(v) * drops });
  // A slope is a difference of products of g and v.
  const slope = 2e-6 * bound * largest(g) * largest(v) * v.shape[v.rank - 1] * drops;
  expectClose(ours.mask, exact.mask, { atol: slope });
  expectClose(ours.q, exact.q, { atol: 2 * slope * Math.abs(scale) * largest(k) });
  const L = q.shape[q.rank - 2];
  expectClose(ours.k, exact.k, { atol: slope * Math.abs(scale) * largest(q) * Math.sqrt(L) });
  expectClose(ours.v, exact.v, { atol: 1e-6 * bound * largest(g) * drops * Math.sqrt(L) });
}

const plain: AttentionOptions = { scale: 0.125, causal: false, segments: null, dropout: null };

/** Heads as views of one projection [B, L, 3, H, E]. */
function projected(B: number, L: number, H: number, E: number): [Tensor, Tensor, Tensor] {
  const all = randn([B, L, 3, H, E], { generator: new Generator(7) });
  return [0, 1, 2].map((i) => all.slice(2, i, i + 1).reshape([B, L, H, E]).transpose(1, 2)) as [Tensor, Tensor, Tensor];
}

describe.skipIf(runtime === null)(`attention at level ${level}`, () => {
  it('and its gradients equal the js loops on any layout, with any mask, causal, dropped: values within 1e-6, logSumExp within 5e-7, gradients within 4e-6 of the largest score', () => {
    fc.assert(fc.property(cases, expectParity));
  });

  it.each([[300, 16, 8], [16, 300, 3], [5, 600, 70], [130, 130, 64], [1, 1, 1]])('%d queries by %d keys of size %d: blocks of keys, of queries and of columns', (L, S, E) => {
    const generator = new Generator(L + S);
    const [q, k, v] = [[2, L, E], [2, S, E], [2, S, 33]].map((shape) => randn(shape, { generator }));
    const bias = randn([2, L, S], { generator });
    for (const mask of [null, bias, bias.gt(0), bias.slice(1, 0, 1).expand([2, L, S])]) {
      for (const causal of [false, true]) expectParity({ q, k, v, mask, g: randn([2, L, 33], { generator }), options: { ...plain, causal, dropout: { p: 0.25, state: { seed: 3, offset: 4 } } } });
    }
  });

  it('drops where 16 bits of a draw equal those of p what the js loops drop: some of half a million scores', () => {
    const [L, S] = [512, 512];
    const [q, k] = [zeros([2, L, 8]), zeros([2, S, 8])];
    const v = ones([2, S, 1]);
    const given = { q, k, v, mask: null, g: v, options: { ...plain, dropout: { p: 0.3, state: { seed: 1, offset: 0 } } } };
    const [ours, exact] = [run(chosen(), given), run(null, given)];
    // Each value is a count of what was kept.
    const counts = (x: Tensor): number[] => Array.from(x.mul(S * 0.7).round().toTypedArray());
    expect(counts(ours.out)).toEqual(counts(exact.out));
  });

  it('keeps the digits of weights where scores are large: gradients of values within 2e-6 at scores of 3000', () => {
    const [L, S] = [3, 37];
    const [q, k] = [[L, 10], [S, 10]].map((shape) => zeros(shape).add(Math.fround(17.3)));
    const given: Case = { q, k, v: randn([S, 4]), mask: null, g: randn([L, 4]), options: { ...plain, scale: 1 } };
    expectClose(run(chosen(), given).v, run(null, given).v, { atol: 2e-6 / S * largest(given.g) * L });
  });

  it('takes a hundred sequences of 1 to 40 as it takes them alone', () => {
    const generator = new Generator(9);
    const segments = [0];
    for (let i = 0; i < 100; i++) segments.push(segments[i] + 1 + generator.integer(40));
    const L = segments[100];
    const [q, k, v] = [8, 8, 5].map((width) => randn([3, L, width], { generator }));
    const { out } = run(chosen(), { q, k, v, mask: null, g: v, options: { ...plain, segments } });
    for (let i = 0; i < 100; i++) {
      const [a, b, c, part] = [q, k, v, out].map((x) => x.slice(1, segments[i], segments[i + 1]));
      expectSameBits(part.clone(), run(chosen(), { q: a, k: b, v: c, mask: null, g: c, options: plain }).out);
    }
  });

  it('reads heads where a projection left them', () => {
    const [q, k, v] = projected(2, 37, 3, 8);
    expectParity({ q, k, v, mask: null, g: projected(2, 37, 3, 8)[1], options: plain });
  });

  it('gives 0 and −∞ to a query that sees nothing, NaN where a NaN or +∞ is seen, and to no other', () => {
    const [L, S] = [19, 21];
    const [q, k, v, g] = [randn([L, 4]), randn([S, 4]), randn([S, 5]), randn([L, 5])];
    const mask = zeros([L, S]);
    for (let key = 0; key < S; key++) for (const row of [3, 18]) mask.storage.data[row * S + key] = -Infinity;
    mask.storage.data[7 * S + 4] = NaN;
    mask.storage.data[8 * S + 4] = Infinity;
    const bool = zeros([L, S], { dtype: 'bool' });
    for (let i = 0; i < L; i++) if (i !== 5) bool.storage.data.fill(1, i * S, i * S + 20);
    const poisoned = k.clone();
    poisoned.storage.data.fill(NaN, 20 * 4);
    for (const given of [{ q, k, v, mask, g, options: plain }, { q, k: poisoned, v, mask: bool, g, options: plain }, { q, k: poisoned, v, mask: null, g, options: { ...plain, causal: true } }]) {
      const [ours, exact] = [run(chosen(), given), run(null, given)];
      for (const name of ['out', 'logSumExp', 'v', 'mask'] as const) expectClose(ours[name], exact[name], { atol: 1e-5 });
      // What no query sees is not multiplied: the js loops make NaN of 0·NaN.
      if (given.k === k) for (const name of ['q', 'k'] as const) expectClose(ours[name], exact[name], { atol: 1e-5 });
    }
    expect(run(chosen(), { q, k, v, mask, g, options: plain }).logSumExp.isNaN().sum().item()).toBe(2);
  });
});

const [narrow, wide] = [runtimeOf('relaxed'), runtimeOf('simd256')];

it.skipIf(narrow === null || wide === null)('relaxed and simd256 compute the same bits, forward and backward', () => {
  fc.assert(fc.property(cases, (given) => {
    const [one, other] = [run(narrow, given), run(wide, given)];
    for (const name of results) expectSameBits(other[name], one[name]);
  }));
});

it('leaves to the js loops what is small, of another dtype, or dropped for certain', () => {
  const x = (shape: number[], dtype: 'float32' | 'float64' = 'float32') => zeros(shape, { dtype });
  expect(takesAttention(x([4, 16, 8]), x([4, 16, 8]), null, plain)).toBe(true);
  expect(takesAttention(x([1, 4, 8]), x([1, 4, 8]), null, plain)).toBe(false);
  expect(takesAttention(x([4, 16, 8], 'float64'), x([4, 16, 8], 'float64'), null, plain)).toBe(false);
  expect(takesAttention(x([4, 16, 8]), x([4, 0, 8]), null, plain)).toBe(false);
  expect(takesAttention(x([4, 16, 8]), x([4, 16, 8]), null, { ...plain, dropout: { p: 1, state: { seed: 0, offset: 0 } } })).toBe(false);
});
