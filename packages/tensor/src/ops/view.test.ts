import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arange, zeros } from '../creation.ts';
import { dtypes, type DType } from '../dtype.ts';
import { ArgumentError, IndexError, ShapeError } from '../errors.ts';
import { Generator } from '../random.ts';
import type { Tensor } from '../tensor.ts';
import { checkGradients, runs, shapes, tensors } from '../testing/index.ts';

/** The layouts behind these ops are proved against lists of elements in layout.test.ts; here: axes, gradients, what is shared. */

const flat = (x: Tensor): number[] => Array.from(x.toTypedArray());
const any = (constraints: Parameters<typeof shapes>[0] = {}) => fc.constantFrom<DType>(...dtypes).chain((dtype) => tensors({ dtype, shape: shapes(constraints) }));
const axisOf = (x: Tensor, n: number) => (n % (2 * x.rank)) - x.rank;
/** Any axis from either end, for a tensor that has one. */
const seed = fc.nat(1000);

/** Each view, with arguments that fit the tensor, drawn from a seed. */
const views: Record<string, (x: Tensor, generator: Generator) => Tensor | readonly Tensor[]> = {
  reshape: (x) => x.reshape([x.size, 1]),
  'reshape of the transposed': (x) => (x.rank < 2 ? x : x.transpose(0, 1).reshape([-1])),
  flatten: (x, g) => (x.rank < 2 ? x.flatten() : x.flatten(g.integer(x.rank), -1)),
  permute: (x, g) => x.permute(g.shuffle(x.shape.map((_, i) => i - (i % 2) * x.rank))),
  transpose: (x, g) => (x.rank === 0 ? x : x.transpose(g.integer(x.rank), g.integer(x.rank))),
  expand: (x) => x.expand([2, ...x.shape.map((length) => (length === 1 ? 3 : -1))]),
  slice: (x, g) => (x.rank === 0 ? x : x.slice(g.integer(x.rank), g.integer(9) - 4, g.integer(9) - 4, [1, 2, -1, -2][g.integer(4)])),
  narrow: (x, g) => {
    if (x.rank === 0) return x;
    const axis = g.integer(x.rank);
    const start = g.integer(x.shape[axis] + 1);
    return x.narrow(axis, start, g.integer(x.shape[axis] - start + 1));
  },
  select: (x, g) => (x.size === 0 || x.rank === 0 ? x : x.select(-1, g.integer(x.shape[x.rank - 1]))),
  squeeze: (x) => x.squeeze(),
  unsqueeze: (x, g) => x.unsqueeze(g.integer(x.rank + 1)),
  flip: (x) => [x.flip(), x.flip(x.shape.map((_, i) => i).slice(1))],
  diagonal: (x, g) => (x.rank < 2 ? x : x.diagonal(g.integer(5) - 2, 0, -1)),
  split: (x, g) => (x.rank === 0 ? x : x.split(g.integer(3) + 1, -1)),
  chunk: (x, g) => (x.rank === 0 ? x : x.chunk(g.integer(3) + 1)),
  unbind: (x) => (x.size === 0 || x.rank === 0 ? x : x.unbind(-1)),
  clone: (x) => x.clone(),
  contiguous: (x) => x.contiguous(),
};

describe.each(Object.entries(views))('%s', (name, view) => {
  it('has gradients of both orders that central differences confirm', () => {
    fc.assert(
      fc.property(tensors({ dtype: 'float64', shape: shapes({ maxRank: 3, maxLength: 3 }) }), seed, (x, n) => {
        checkGradients((a) => view(a, new Generator(n)), [x], { order: 2 });
      }),
      { numRuns: runs(2 / 5) },
    );
  });

  it('keeps dtype and memory', () => {
    fc.assert(
      fc.property(any(), seed, (x, n) => {
        const found = view(x, new Generator(n));
        const copies = ['clone', 'contiguous', 'reshape', 'reshape of the transposed', 'flatten'].includes(name);
        for (const each of Array.isArray(found) ? (found as Tensor[]) : [found as Tensor]) {
          expect(each.dtype).toBe(x.dtype);
          if (!copies && each !== x) expect(each.storage === x.storage && each.base === x).toBe(true);
        }
      }),
      { numRuns: runs(2 / 5) },
    );
  });
});

describe('laws', () => {
  it('transposing twice, flipping twice, permuting back, reshaping back: the same values', () => {
    fc.assert(
      fc.property(any({ minRank: 1 }), seed, (x, n) => {
        const [a, b] = [axisOf(x, n), axisOf(x, n >> 4)];
        expect(x.transpose(a, b).transpose(a, b).toArray()).toEqual(x.toArray());
        expect(x.flip(a).flip(a).toArray()).toEqual(x.toArray());
        expect(flat(x.flip())).toEqual(flat(x).toReversed());
        expect(x.reshape([x.size]).reshape(x.shape).toArray()).toEqual(x.toArray());
        const order = new Generator(n).shuffle(x.shape.map((_, i) => i));
        const back = order.map((_, i) => order.indexOf(i));
        expect(x.permute(order).permute(back).toArray()).toEqual(x.toArray());
        expect(x.unsqueeze(a).squeeze(a).shape).toEqual(x.shape);
      }),
    );
  });

  it('split, chunk and unbind cut an axis into all of its parts', () => {
    fc.assert(
      fc.property(any({ minRank: 1 }), seed, fc.integer({ min: 1, max: 5 }), (x, n, size) => {
        const axis = axisOf(x, n);
        const length = x.shape.at(axis) as number;
        const rows = x.transpose(0, axis).toArray() as unknown[];
        const parts = (list: readonly Tensor[]) => list.flatMap((part) => part.transpose(0, axis).toArray() as unknown[]);
        const split = x.split(size, axis);
        expect(parts(split)).toEqual(rows);
        expect(split.slice(0, -1).every((part) => part.shape.at(axis) === size)).toBe(true);
        const chunks = x.chunk(size, axis);
        expect(parts(chunks)).toEqual(rows);
        expect(chunks.length).toBeLessThanOrEqual(size);
        expect(parts(x.split([length, 0], axis))).toEqual(rows);
        const at = (axis + x.rank) % x.rank;
        const front = x.permute([at, ...x.shape.map((_, i) => i).filter((i) => i !== at)]);
        expect(x.unbind(axis).map((each) => each.toArray())).toEqual(front.toArray());
      }),
    );
  });

  it('a write through a view of a view reaches the first', () => {
    const x = arange(12).reshape([3, 4]);
    x.transpose().slice(0, 1, 3).flip(1).select(1, 0).fill(-1);
    expect(x.toArray()).toEqual([[0, 1, 2, 3], [4, 5, 6, 7], [8, -1, -1, 11]]);
  });

  it('view never copies, reshape does only where it must', () => {
    const x = arange(6).reshape([2, 3]);
    expect(x.view([-1]).storage).toBe(x.storage);
    expect(x.transpose().reshape([6]).storage).not.toBe(x.storage);
    expect(x.transpose().reshape([6]).base).toBeNull();
    expect(x.transpose().unsqueeze(1).reshape([3, 2]).storage).toBe(x.storage);
    expect(() => x.transpose().view([6])).toThrow('view: [3, 2] with strides [1, 3] cannot be seen as [6] without a copy; use reshape()');
  });
});

describe('refusals', () => {
  const x = zeros([2, 3]);
  it.each<[string, () => unknown, string, new (message: string) => Error]>([
    ['reshape', () => x.reshape([4]), 'reshape: [2, 3] (6 values) cannot become [4]: that holds 4 values', ShapeError],
    ['reshape to bare numbers', () => x.reshape(3 as never), 'reshape: the shape must be one array of numbers, such as [0, 1], not 3', ArgumentError],
    ['permute by bare numbers', () => x.permute(1 as never), 'permute: the order must be one array of numbers, such as [0, 1], not 1', ArgumentError],
    ['expand to bare numbers', () => x.expand(2 as never), 'expand: the shape must be one array of numbers, such as [0, 1], not 2', ArgumentError],
    ['options in the place of axes', () => x.sum({ keepDims: true } as never), 'sum: the axes must be one array of numbers, such as [0, 1], not object', ArgumentError],
    ['flatten', () => x.flatten(1, 0), 'flatten: the first axis (1) must not come after the last (0)', IndexError],
    ['permute', () => x.permute([0]), 'permute: [0] must name each of the 2 axes of [2, 3] once', ShapeError],
    ['transpose', () => zeros([2]).transpose(), 'transpose: axis -2 does not exist: 1 axes are numbered -1 to 0', IndexError],
    ['expand', () => x.expand([2, 2]), 'expand: [2, 3] does not expand to [2, 2]', ShapeError],
    ['expand of a new axis to -1', () => x.expand([-1, 2, 3]), 'expand: the shape [-1, 2, 3] must hold whole numbers from 0', ShapeError],
    ['slice', () => x.slice(2), 'slice: axis 2 does not exist', IndexError],
    ['slice by 0', () => x.slice(0, 0, 1, 0), 'slice: the step must be a whole number other than 0, not 0', IndexError],
    ['narrow', () => x.narrow(0, 1, 2), 'narrow: 2 values from 1 are not inside axis 0 of [2, 3]', IndexError],
    ['select', () => x.select(1, 3), 'select: index 3 is outside axis 1 of [2, 3], which has 3 values', IndexError],
    ['squeeze', () => x.squeeze(5), 'squeeze: axis 5 does not exist', IndexError],
    ['unsqueeze', () => x.unsqueeze(4), 'unsqueeze: axis 4 does not exist', IndexError],
    ['flip', () => x.flip([0, 0]), 'flip: axis 0 is named twice; name each axis once', IndexError],
    ['diagonal', () => x.diagonal(0, 0, -2), 'diagonal: the two axes must differ, both are 0', IndexError],
    ['diagonal by a fraction', () => x.diagonal(0.5), 'diagonal: the offset must be a whole number, not 0.5', IndexError],
    ['split', () => x.split(0), 'split: the size must be a whole number from 1, not 0', ArgumentError],
    ['split into', () => x.split([1, 2]), 'split: the sizes [1, 2] must be whole numbers that add up to 2, the length of axis 0 of [2, 3]', ShapeError],
    ['chunk', () => x.chunk(0), 'chunk: the count must be a whole number from 1, not 0', ArgumentError],
  ])('%s says what is wrong', (_, run, message, kind) => {
    expect(run).toThrow(message);
    expect(run).toThrow(kind);
  });
});
