import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, Generator, ones, rand, randn, scaledDotProductAttention, tensor, zeros, type AttentionOptions, type Tensor } from '../index.ts';
import { broadcastableShapes, checkGradients, expectClose, expectTwins, runs, tensors } from '../testing/index.ts';
import { registry, type Op } from './op.ts';

const { composed } = registry.get('scaledDotProductAttention') as unknown as Op<object>;

interface Case {
  readonly inputs: readonly Tensor[];
  readonly causal: boolean;
  readonly segments: readonly number[] | null;
  readonly dropout: number;
  readonly scale: number;
  readonly seed: number;
}

/** Where sequences begin and end, some of them empty; null: one sequence. */
const cuts = (max: number): fc.Arbitrary<readonly number[] | null> => fc.option(fc.array(fc.nat(max), { maxLength: 3 }), { freq: 2 });
const segmentsAt = (cut: readonly number[], L: number): number[] => [0, ...cut.map((at) => Math.min(at, L)).toSorted((a, b) => a - b), L];

/** Queries, keys, values of any layout with batch axes that broadcast, without a mask, with a bool one, or with a float one that has −∞; in segments too. */
function cases(dtype: 'float32' | 'float64', max = 4): fc.Arbitrary<Case> {
  const length = fc.nat(max);
  const size = fc.integer({ min: 1, max });
  const setting = fc.record({ causal: fc.boolean(), dropout: fc.constantFrom(0, 0, 0.5, 1), scale: fc.constantFrom(0.5, 1, -0.25), seed: fc.nat(100) });
  const kinds = fc.constantFrom('none', 'bool', 'float');
  return fc.tuple(broadcastableShapes(4, { maxRank: 2, maxLength: 2 }), length, length, size, size, kinds, setting, cuts(max)).chain(([{ shapes }, L, keys, E, V, kind, one, cut]) => {
    const [S, segments] = cut === null ? [keys, null] : [L, segmentsAt(cut, L)];
    const [q, k, v] = [[L, E], [S, E], [S, V]].map((tail, i) => tensors({ dtype, shape: [...shapes[i], ...tail], range: [-2, 2] }));
    const scores = [...shapes[3], L, S];
    const additive = fc.oneof({ arbitrary: fc.integer({ min: -4, max: 4 }).map((n) => n / 4), weight: 3 }, { arbitrary: fc.constant(-Infinity), weight: 1 });
    const masks: fc.Arbitrary<Tensor>[] = kind === 'none' ? [] : [kind === 'bool' ? tensors({ dtype: 'bool', shape: scores }) : tensors({ dtype, shape: scores, values: additive })];
    return fc.tuple(q, k, v, ...masks).map((inputs) => ({ ...one, segments, inputs }));
  });
}

function fused({ seed, ...options }: Case, [q, k, v, mask]: readonly Tensor[]): Tensor {
  return scaledDotProductAttention(q, k, v, { ...options, mask: mask ?? null, generator: new Generator(seed) });
}

function twin({ scale, causal, segments, dropout, seed }: Case, all: readonly Tensor[]): Tensor {
  const attributes = { scale, causal, segments: segments === null ? null : Int32Array.from(segments), dropout: dropout === 0 ? null : { p: dropout, state: { seed, offset: 0 } } };
  return (composed as NonNullable<typeof composed>)(all, attributes);
}

/** The definition, one value after the other, for a single head. */
function naive(q: number[][], k: number[][], v: number[][], seen: (i: number, j: number) => boolean): number[][] {
  return q.map((query, i) => {
    const weights = k.map((key, j) => (seen(i, j) ? Math.exp(query.reduce((sum, x, e) => sum + x * key[e], 0) / Math.sqrt(query.length)) : 0));
    const total = weights.reduce((sum, w) => sum + w, 0);
    return v[0].map((_, c) => (total === 0 ? 0 : weights.reduce((sum, w, j) => sum + w * v[j][c], 0) / total));
  });
}

const rows = (x: Tensor) => x.toArray() as number[][];

describe('scaledDotProductAttention', () => {
  it('equals softmax between two products in float64, with the same draws: values within 2⁻²² and 1e-6, gradients within 1e-5', () => {
    fc.assert(fc.property(cases('float32'), (one) => {
      const options = { values: { rtol: 2 ** -22, atol: 1e-6 }, gradients: { rtol: 1e-5, atol: 1e-5 } };
      expectTwins((...all) => fused(one, all), (...all) => twin(one, all), one.inputs, options);
    }));
  });

  it('has gradients of both orders that central differences confirm', () => {
    // A float mask keeps away from −∞, where differences are NaN.
    const finite = ({ inputs: [, , , mask] }: Case) => mask === undefined || mask.dtype === 'bool' || mask.isFinite().all().item();
    fc.assert(fc.property(cases('float64', 3).filter(finite), (one) => {
      checkGradients((...all) => fused(one, all), one.inputs, { order: 2, rtol: 1e-4, atol: 1e-6 });
    }), { numRuns: runs(1 / 5) });
  });

  it('is its definition on one head, causal or not, within 1e-12', () => {
    const generator = new Generator(3);
    const [q, k, v] = [randn([5, 3], { dtype: 'float64', generator }), randn([7, 3], { dtype: 'float64', generator }), randn([7, 2], { dtype: 'float64', generator })];
    expectClose(scaledDotProductAttention(q, k, v), naive(rows(q), rows(k), rows(v), () => true), { rtol: 1e-12 });
    expectClose(scaledDotProductAttention(q, k, v, { causal: true }), naive(rows(q), rows(k), rows(v), (i, j) => j <= i), { rtol: 1e-12 });
  });

  it('crosses the borders of blocks of rows: 70 queries by 900 keys, with everything on', () => {
    const generator = new Generator(4);
    const [q, k, v, additive] = [[70, 3], [900, 3], [900, 2], [70, 900]].map((shape) => randn(shape, { dtype: 'float64', generator }));
    for (const mask of [additive, additive.gt(0)]) {
      const one: Case = { inputs: [q, k, v, mask], causal: true, segments: null, dropout: 0.25, scale: 0.5, seed: 1 };
      expectTwins((...all) => fused(one, all), (...all) => twin(one, all), one.inputs, { values: { rtol: 1e-11, atol: 1e-11 } });
    }
  });

  it('gives 0 and no gradient to a query that sees nothing; NaN only where a NaN is seen', () => {
    const mask = tensor([[false, false], [true, false]]);
    const [q, k, v] = [ones([2, 3], { requiresGrad: true }), ones([2, 3], { requiresGrad: true }), tensor([[1, 2], [3, 4]], { requiresGrad: true })];
    for (const each of [mask, tensor([[-Infinity, -Infinity], [0, -Infinity]])]) {
      expectClose(scaledDotProductAttention(q, k, v, { mask: each }), [[0, 0], [1, 2]]);
    }
    scaledDotProductAttention(q, k, v, { mask }).sum().backward();
    for (const leaf of [q, k]) expectClose(leaf.grad ?? ones([]), zeros([2, 3]));
    expectClose(v.grad ?? zeros([]), [[1, 1], [0, 0]]);
    expectClose(scaledDotProductAttention(ones([1, 2]), zeros([0, 2]), zeros([0, 3])), [[0, 0, 0]]);
    const lost = scaledDotProductAttention(ones([2, 1]), tensor([[NaN], [1]]), ones([2, 1]), { mask: tensor([[false, true], [true, true]]) });
    expectClose(lost, [[1], [NaN]]);
    expect(scaledDotProductAttention(ones([1, 1]), tensor([[NaN], [-Infinity]]), ones([2, 1])).item()).toBeNaN();
  });

  it('drops weights by the share p, scales the others, and draws the same again on the way back', () => {
    const options: AttentionOptions = { dropout: 0.25, generator: new Generator(5) };
    const v = ones([50, 1], { requiresGrad: true });
    const y = scaledDotProductAttention(zeros([400, 2]), zeros([50, 2]), v, options);
    expect(y.mean().item()).toBeCloseTo(1, 1);
    y.sum().backward();
    expectClose(v.grad?.sum() ?? zeros([]), y.sum(), { rtol: 1e-6 });
    expectClose(scaledDotProductAttention(zeros([3, 2]), zeros([2, 2]), ones([2, 1]), { dropout: 1 }), zeros([3, 1]));
    expectClose(scaledDotProductAttention(zeros([3, 2]), zeros([2, 2]), ones([2, 1]), { dropout: 0.9, training: false }), ones([3, 1]));
  });

  it('serves groups of heads with shared keys and values as if each were repeated', () => {
    const generator = new Generator(6);
    const [q, k, v] = [rand([2, 6, 3, 4], { generator }), rand([2, 2, 5, 4], { generator }), rand([2, 2, 5, 3], { generator })];
    const repeat = (x: Tensor) => x.unsqueeze(2).expand([2, 2, 3, ...x.shape.slice(2)]).reshape([2, 6, ...x.shape.slice(2)]);
    for (const mask of [null, rand([2, 1, 3, 5], { generator }).gt(0.3), rand([6, 3, 5], { generator }), rand([5], { generator })]) {
      const expected = scaledDotProductAttention(q, repeat(k), repeat(v), { mask });
      expectClose(scaledDotProductAttention(q, k, v, { mask, groupedHeads: true }), expected, { rtol: 1e-6 });
    }
    expect(() => scaledDotProductAttention(q, k, v)).toThrow('do not broadcast');
    expect(() => scaledDotProductAttention(q.slice(1, 0, 5), k, v, { groupedHeads: true })).toThrow('the heads (axis -3) of q [2, 5, 3, 4] must be a multiple of those of k [2, 2, 5, 4]');
  });

  it('gives each of the sequences in segments what it gives them alone, values and gradients', () => {
    const generator = new Generator(8);
    const segments = [0, 5, 5, 6, 13];
    const [q, k, v, g] = [4, 4, 3, 3].map((size) => randn([2, 13, size], { dtype: 'float64', generator }));
    const bias = randn([13, 13], { dtype: 'float64', generator });
    for (const causal of [false, true]) {
      const [all, parts] = [0, 1].map(() => [q, k, v, bias].map((x) => tensor(x.toArray() as number[][], { dtype: 'float64', requiresGrad: true })));
      const together = scaledDotProductAttention(all[0], all[1], all[2], { mask: all[3], segments, causal });
      const alone = segments.slice(1).map((end, i) => {
        const [a, b, c] = parts.slice(0, 3).map((x) => x.slice(1, segments[i], end));
        return scaledDotProductAttention(a, b, c, { mask: parts[3].slice(0, segments[i], end).slice(1, segments[i], end), causal });
      });
      expectClose(together, concat(alone, 1), { rtol: 1e-12, atol: 1e-12 });
      together.mul(g).sum().backward();
      concat(alone, 1).mul(g).sum().backward();
      all.forEach((x, i) => expectClose(x.grad as Tensor, parts[i].grad as Tensor, { rtol: 1e-12, atol: 1e-12 }));
    }
  });

  it('keeps nothing of the size of the scores', () => {
    const q = ones([4, 6, 2], { requiresGrad: true });
    const saved = scaledDotProductAttention(q, q, q).gradFn?.saved as { readonly extras: readonly { readonly storage: { readonly data: ArrayLike<number> } }[] };
    expect(saved.extras.map(({ storage }) => storage.data.length)).toEqual([24]);
  });

  it('says what does not fit', () => {
    const x = zeros([2, 3, 4]);
    expect(() => scaledDotProductAttention(zeros([4]), x, x)).toThrow('scaledDotProductAttention: q must have at least two axes, [..., length, size], not [4]');
    expect(() => scaledDotProductAttention(x, zeros([2, 3, 5]), x)).toThrow('q [2, 3, 4] and k [2, 3, 5] must have the same size on the last axis');
    expect(() => scaledDotProductAttention(x, x, zeros([2, 4, 4]))).toThrow('k [2, 3, 4] and v [2, 4, 4] must have the same length on the axis before the last');
    expect(() => scaledDotProductAttention(x, x, x, { mask: ones([2, 3], { dtype: 'bool' }) })).toThrow('the mask [2, 3] does not broadcast to [..., 3, 3], queries by keys');
    expect(() => scaledDotProductAttention(x, x, x, { mask: ones([3, 3], { dtype: 'int32' }) })).toThrow('not int32; use mask.ne(0) for bool');
    for (const segments of [[], [0], [1, 3], [0, 2], [0, 2, 1, 3], [0, 1.5, 3]]) {
      expect(() => scaledDotProductAttention(x, x, x, { segments })).toThrow(`segments must be whole numbers that rise from 0 to the number of queries, 3, not [${segments.join(', ')}]; for lengths`);
    }
    expect(() => scaledDotProductAttention(x, zeros([2, 4, 4]), zeros([2, 4, 4]), { segments: [0, 3] })).toThrow('with segments there must be as many keys (4) as queries (3)');
    expect(() => scaledDotProductAttention(x, x, x, { dropout: 2 })).toThrow('scaledDotProductAttention: the probability must be from 0 to 1, not 2');
    expect(() => scaledDotProductAttention(x, x, x, { scale: NaN })).toThrow('the scale must be a number, not NaN');
  });
});
