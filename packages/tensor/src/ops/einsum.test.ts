import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arange, dot, einsum, ones, outer, tensor, zeros, type Tensor } from '../index.ts';
import { checkGradients, expectClose, runs, tensors } from '../testing/index.ts';

const letters = ['a', 'b', 'c', 'D'];

interface Case {
  readonly equation: string;
  readonly terms: readonly string[];
  readonly output: string;
  readonly inputs: readonly Tensor[];
}

/** Equations of one to three operands with repeated, lone, shared and transposed indices, and operands of any layout. */
function cases(dtype: 'float64' | 'int32', most = 3): fc.Arbitrary<Case> {
  const term = fc.array(fc.constantFrom(...letters), { maxLength: 3 }).map((list) => list.join(''));
  const lengths = fc.tuple(...letters.map(() => fc.nat(3)));
  return fc.tuple(fc.array(term, { minLength: 1, maxLength: most }), lengths, fc.shuffledSubarray(letters)).chain(([terms, sizes, order]) => {
    const output = order.filter((letter) => terms.some((one) => one.includes(letter))).join('');
    const shape = (one: string) => [...one].map((letter) => sizes[letters.indexOf(letter)]);
    return fc.tuple(...terms.map((one) => tensors({ dtype, shape: shape(one), range: [-3, 3] }))).map((inputs) => ({ equation: `${terms.join(',')}->${output}`, terms, output, inputs }));
  });
}

/** The definition: a loop over every index. */
function naive({ terms, output, inputs }: Case): number[] {
  const used = letters.filter((letter) => terms.some((term) => term.includes(letter)));
  const lengths = new Map<string, number>();
  terms.forEach((term, n) => [...term].forEach((letter, axis) => lengths.set(letter, inputs[n].shape[axis])));
  const values = inputs.map((input) => input.toTypedArray());
  const result = new Array<number>([...output].reduce((size, letter) => size * (lengths.get(letter) ?? 1), 1)).fill(0);
  const flat = (term: string, at: ReadonlyMap<string, number>) => [...term].reduce((sum, letter) => sum * (lengths.get(letter) ?? 1) + (at.get(letter) ?? 0), 0);
  const visit = (depth: number, at: Map<string, number>): void => {
    if (depth === used.length) {
      result[flat(output, at)] += terms.reduce((product, term, n) => product * values[n][flat(term, at)], 1);
      return;
    }
    for (let i = 0; i < (lengths.get(used[depth]) ?? 1); i++) visit(depth + 1, at.set(used[depth], i));
  };
  visit(0, new Map());
  return result;
}

describe('einsum', () => {
  it('is the loop over every index within 1e-12, for diagonals, lone indices, products and transpositions', () => {
    fc.assert(fc.property(cases('float64'), (one) => {
      const result = einsum(one.equation, ...one.inputs);
      expectClose(result, Float64Array.from(naive(one)), { rtol: 1e-12, atol: 1e-12 });
      expect(result.rank).toBe(one.output.length);
    }));
  });

  it('is exact for integers', () => {
    fc.assert(fc.property(cases('int32'), (one) => {
      const result = einsum(one.equation, ...one.inputs);
      expect(result.dtype).toBe('int32');
      expect([...result.toTypedArray()]).toEqual(naive(one).map((value) => value + 0));
    }));
  });

  it('has gradients of both orders that central differences confirm', () => {
    fc.assert(fc.property(cases('float64', 2), (one) => {
      checkGradients((...all) => einsum(one.equation, ...all), one.inputs, { order: 2 });
    }), { numRuns: runs(1 / 5) });
  });

  const a = arange(0, 6, 1, { dtype: 'float64' }).reshape([2, 3]);
  const b = arange(0, 12, 1, { dtype: 'float64' }).reshape([3, 4]);
  const square = arange(9).reshape([3, 3]);

  it('finds the result itself: each name that occurs once, A–Z before a–z', () => {
    expectClose(einsum('ij,jk', a, b), a.matmul(b));
    expectClose(einsum('ba', a), a.transpose());
    expectClose(einsum('aB', a), a.transpose());
    expect(einsum('ii', square).item()).toBe(12);
    expect(einsum('ij,ij', a, a).shape).toEqual([]);
    expect(einsum(' i j , j k -> i k ', a, b).shape).toEqual([2, 4]);
  });

  it('aligns and broadcasts an ellipsis, puts it first, and sums it where the result lacks it', () => {
    const batch = arange(0, 24, 1, { dtype: 'float64' }).reshape([4, 2, 3]);
    expectClose(einsum('...ij,...jk', batch, b), batch.matmul(b));
    expectClose(einsum('...ij,jk->...ik', batch, b), batch.matmul(b));
    expectClose(einsum('i...->...i', batch), batch.permute([1, 2, 0]));
    expectClose(einsum('...', batch), batch);
    expectClose(einsum('...i->i', batch), batch.sum([0, 1]));
    expectClose(einsum('...i,...i->...', batch, batch.slice(0, 0, 1)), batch.mul(batch.slice(0, 0, 1)).sum(-1));
    expectClose(einsum('...ii->...i', square.unsqueeze(0)), [[0, 4, 8]]);
  });

  it('repeats axes of length 1, and adds up their repetitions', () => {
    expectClose(einsum('ij,jk->ik', a, ones([1, 4], { dtype: 'float64' })), a.sum(1, { keepDims: true }).expand([2, 4]));
    expectClose(einsum('i,i->i', a.select(0, 1), ones([1], { dtype: 'float64' })), a.select(0, 1));
  });

  it('meets dtypes as arithmetic does', () => {
    expect(einsum('i,i->i', ones([2], { dtype: 'bool' }), ones([2], { dtype: 'bool' })).dtype).toBe('int32');
    expect(einsum('i->', ones([2], { dtype: 'uint8' })).dtype).toBe('uint8');
    expect(einsum('i,j', ones([2]), ones([2], { dtype: 'float64' })).dtype).toBe('float64');
  });

  it('says what it cannot read, and what does not fit', () => {
    const refuse = (equation: string, ...operands: Tensor[]) => ({ toThrow: (message: string) => expect(() => einsum(equation, ...operands)).toThrow(message) });
    refuse('ij,jk', a).toThrow("einsum 'ij,jk': it names 2 operands, but 1 is given");
    refuse('i1', a).toThrow(`einsum 'i1': "1" in 'i1' has no meaning; an equation holds letters, '...', ',' and one '->'`);
    refuse('i..j', a).toThrow(`"." in 'i..j' has no meaning`);
    refuse('...i...', a).toThrow("'...i...' has more than one '...'");
    refuse('ij->i->j', a).toThrow("'->' occurs more than once");
    refuse('ij->k', a).toThrow('the result has the index k, which no operand has');
    refuse('ij->ii', a).toThrow('the result has the index i twice');
    refuse('i', a).toThrow("'i' names 1 axis, but operand 0 [2, 3] has 2; add '...' for the others");
    refuse('ijk...', a).toThrow("'ijk...' names at least 3 axes, but operand 0 [2, 3] has 2");
    refuse('ii', a).toThrow('index i stands for axes of lengths 2 and 3 of one operand [2, 3], whose diagonal needs equal ones');
    refuse('ij,kj', a, b).toThrow("einsum 'ij,kj': index j has lengths 3 and 4, which must be equal or one of them 1");
    refuse('...,...', a, b).toThrow('axis -2 of the ellipsis has lengths 2 and 3');
    expect(() => einsum('')).toThrow('it needs at least one operand');
  });

  it('takes scalars', () => {
    expectClose(einsum('', tensor(3)), 3);
    expectClose(einsum(',i->i', tensor(3), tensor([1, 2])), [3, 6]);
  });
});

describe('dot and outer', () => {
  it('are sums and tables of products', () => {
    fc.assert(fc.property(fc.nat(5), fc.nat(5), (m, n) => {
      const [x, y] = [arange(m).add(1), arange(n).add(2)];
      expect(outer(x, y).shape).toEqual([m, n]);
      expectClose(outer(x, y).flatten(), Float32Array.from({ length: m * n }, (_, i) => (Math.floor(i / n) + 1) * ((i % n) + 2)));
      expect(dot(x, x).item()).toBe((m * (m + 1) * (2 * m + 1)) / 6);
    }));
    checkGradients((x, y) => [outer(x, y), dot(x, y)], [tensor([1, 2], { dtype: 'float64' }), tensor([3, -1], { dtype: 'float64' })], { order: 2 });
  });

  it('say what does not fit', () => {
    expect(() => dot(ones([2]), ones([3]))).toThrow('dot: the vectors have 2 and 3 values; both must have the same number');
    expect(() => dot(zeros([2, 2]), ones([2]))).toThrow('dot: both operands must have one axis, not [2, 2] and [2]; use matmul() for matrices');
    expect(() => outer(tensor(1), ones([2]))).toThrow('outer: both operands must have one axis, not [] and [2]; use flatten() first');
  });
});
