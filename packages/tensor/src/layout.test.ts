import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IndexError, ShapeError } from './errors.ts';
import {
  broadcastShapes, checkShape, contiguous, diagonal, expand, extent, flip, inferShape, isContiguous, mayOverlapItself, normalizeAxes,
  normalizeAxis, permute, reshape, select, sizeOf, slice, unsqueeze, type Layout, type Shape,
} from './layout.ts';
import { broadcastableShapes, layouts, shapes } from './testing/index.ts';

/**
 * The oracle knows no strides: it is the list of the storage elements that an array shows, in row-major order.
 * A view is a function from its index to the index that it shows of what it was taken from.
 */
interface Listed {
  readonly shape: Shape;
  readonly elements: readonly number[];
}

function indices(shape: Shape): number[][] {
  return shape.reduce<number[][]>((heads, length) => heads.flatMap((head) => Array.from({ length }, (_, i) => [...head, i])), [[]]);
}

const elementAt = ({ shape, elements }: Listed, index: readonly number[]): number => elements[index.reduce((at, i, axis) => at * shape[axis] + i, 0)];

function viewOf(from: Listed, shape: Shape, map: (index: number[]) => number[]): Listed {
  return { shape, elements: indices(shape).map((index) => elementAt(from, map(index))) };
}

function list({ shape, strides, offset }: Layout): Listed {
  return { shape, elements: indices(shape).map((index) => index.reduce((at, i, axis) => at + i * strides[axis], offset)) };
}

/** Python's x[start:stop:step] of a list, by the methods of arrays. */
function pythonSlice<T>(values: readonly T[], start: number | undefined, stop: number | undefined, step: number): T[] {
  const mirrored = (bound: number | undefined) => (bound === undefined ? undefined : bound < 0 ? -1 - bound : Math.max(0, values.length - 1 - bound));
  const run = step > 0 ? values.slice(start, stop) : values.toReversed().slice(mirrored(start), mirrored(stop));
  return run.filter((_, i) => i % Math.abs(step) === 0);
}

type Step = (layout: Layout, listed: Listed) => readonly [Layout, Listed];

/** One view operation, made to fit whatever layout it meets. */
const step: fc.Arbitrary<Step> = fc.tuple(fc.constantFrom('permute', 'slice', 'select', 'unsqueeze', 'flip', 'diagonal', 'expand'), fc.array(fc.nat(11), { minLength: 5, maxLength: 5 })).map(
  ([name, [n0, n1, n2, n3, n4]]): Step => (layout, listed) => {
    const { shape } = layout;
    const rank = shape.length;
    const axis = rank === 0 ? 0 : n0 % rank;
    const same = [layout, listed] as const;
    if (name === 'unsqueeze' && rank < 5) {
      const at = n0 % (rank + 1);
      return [unsqueeze(layout, at), viewOf(listed, shape.toSpliced(at, 0, 1), (index) => index.toSpliced(at, 1))];
    }
    if (name === 'expand' && rank < 5) {
      const target = [...(n0 % 2 === 0 ? [n1 % 4] : []), ...shape.map((length) => (length === 1 ? n2 % 4 : length))];
      const lead = target.length - rank;
      return [expand('test', layout, target), viewOf(listed, target, (index) => index.slice(lead).map((i, a) => (shape[a] === 1 ? 0 : i)))];
    }
    if (rank === 0) return same;
    if (name === 'permute') {
      const order = shape.map((_, i) => i).sort((a, b) => ((a * 7 + n1) % 5) - ((b * 7 + n1) % 5));
      const inverse = order.map((_, i) => order.indexOf(i));
      return [permute('test', layout, order), viewOf(listed, order.map((a) => shape[a]), (index) => inverse.map((i) => index[i]))];
    }
    if (name === 'slice') {
      const [start, stop] = [n1, n2].map((n) => (n === 11 ? undefined : n - 5));
      const by = n3 - 5 === 0 ? 6 : n3 - 5;
      const kept = pythonSlice(Array.from({ length: shape[axis] }, (_, i) => i), start, stop, by);
      return [slice('test', layout, axis, start, stop, by), viewOf(listed, shape.with(axis, kept.length), (index) => index.with(axis, kept[index[axis]]))];
    }
    if (name === 'select' && shape[axis] > 0) {
      const at = (n1 % (2 * shape[axis])) - shape[axis];
      const from = at < 0 ? at + shape[axis] : at;
      return [select('test', layout, axis, at), viewOf(listed, shape.toSpliced(axis, 1), (index) => index.toSpliced(axis, 0, from))];
    }
    if (name === 'flip') {
      const axes = shape.map((_, i) => i).filter((i) => (n1 >> i) % 2 === 1);
      return [flip(layout, axes), viewOf(listed, shape, (index) => index.map((i, a) => (axes.includes(a) ? shape[a] - 1 - i : i)))];
    }
    if (name === 'diagonal' && rank >= 2) {
      const other = (axis + 1 + (n1 % (rank - 1))) % rank;
      const shift = (n4 % 7) - 3;
      const length = Array.from({ length: shape[axis] }, (_, i) => i + shift).filter((j) => j >= 0 && j < shape[other]).length;
      const rest = shape.filter((_, i) => i !== axis && i !== other);
      const map = (index: number[]) => {
        const at = index[rest.length];
        let next = 0;
        return shape.map((_, i) => (i === axis ? at - Math.min(shift, 0) : i === other ? at + Math.max(shift, 0) : index[next++]));
      };
      return [diagonal(layout, shift, axis, other), viewOf(listed, [...rest, length], map)];
    }
    return same;
  },
);

const placed = shapes({ maxRank: 4 }).chain((shape) => layouts(shape)).map(({ layout }) => layout);

/** Two shapes of one size: the same factors, cut at other places, with axes of length 1 anywhere. */
const twoShapes = fc.array(fc.constantFrom(1, 2, 2, 3, 3, 4), { maxLength: 4 }).chain((factors) => {
  const cut = fc.array(fc.boolean(), { minLength: factors.length, maxLength: factors.length }).map((cuts) => {
    const shape: number[] = [];
    factors.forEach((factor, i) => {
      if (cuts[i] || shape.length === 0) shape.push(factor);
      else shape[shape.length - 1] *= factor;
    });
    return shape;
  });
  return fc.tuple(cut, cut);
});

describe('views', () => {
  it('show what their index functions say, views of views too', () => {
    fc.assert(
      fc.property(placed, fc.array(step, { maxLength: 6 }), (start, steps) => {
        let [layout, listed] = [start, list(start)];
        for (const next of steps) {
          [layout, listed] = next(layout, listed);
          expect(list(layout)).toEqual(listed);
        }
      }),
    );
  });

  it('never reach outside the elements they were taken from', () => {
    fc.assert(
      fc.property(placed, fc.array(step, { maxLength: 6 }), (start, steps) => {
        const inside = new Set(list(start).elements);
        let [layout, listed] = [start, list(start)];
        for (const next of steps) [layout, listed] = next(layout, listed);
        expect(list(layout).elements.every((element) => inside.has(element))).toBe(true);
      }),
    );
  });

  it('slice takes infinite bounds as the ends and refuses what is no whole number', () => {
    const row = contiguous([5]);
    expect(list(slice('x', row, 0, -Infinity, Infinity)).elements).toEqual([0, 1, 2, 3, 4]);
    expect(list(slice('x', row, 0, Infinity, -Infinity, -2)).elements).toEqual([4, 2, 0]);
    expect(() => slice('x', row, 0, 0, 5, 0)).toThrow('x: the step must be a whole number other than 0, not 0');
    expect(() => slice('x', row, 0, 0.5, undefined)).toThrow('x: the bounds of a slice must be whole numbers, not 0.5');
    expect(() => slice('x', row, 0, 0, Number.NaN)).toThrow(IndexError);
  });

  it('select refuses indices outside the axis', () => {
    for (const index of [3, -4, 0.5, Number.NaN]) expect(() => select('x', contiguous([3]), 0, index)).toThrow(`x: index ${index} is outside axis 0 of [3], which has 3 values`);
  });
});

describe('reshape', () => {
  it('keeps the order, and is null exactly when no strides can do it', () => {
    fc.assert(
      fc.property(
        twoShapes.chain(([from, to]) => fc.tuple(layouts(from), fc.constant(to))),
        ([{ layout }, to]) => {
          const { elements } = list(layout);
          // If strides exist they are these: one step along an axis tells its stride.
          const [first] = elements;
          const strides = to.map((length, axis) => (length > 1 ? elements[sizeOf(to.slice(axis + 1))] - first : 0));
          const exists = list({ shape: to, strides, offset: first }).elements.every((element, i) => element === elements[i]);
          const result = reshape(layout, to);
          expect(result !== null).toBe(exists);
          if (result !== null) expect(list(result)).toEqual({ shape: to, elements });
        },
      ),
    );
  });

  it('of nothing is always possible', () => {
    expect(reshape({ shape: [2, 0], strides: [7, 9], offset: 3 }, [0, 5, 1])).toEqual(contiguous([0, 5, 1], 3));
  });

  it('inferShape fills in the one -1', () => {
    expect(inferShape('x', [2, 6], [-1, 4])).toEqual([3, 4]);
    expect(inferShape('x', [], [-1])).toEqual([1]);
    expect(inferShape('x', [0, 3], [-1, 3])).toEqual([0, 3]);
    expect(() => inferShape('x', [6], [4])).toThrow('x: [6] (6 values) cannot become [4]: that holds 4 values');
    expect(() => inferShape('x', [6], [-1, -1])).toThrow('only one axis may be -1');
    expect(() => inferShape('x', [6], [4, -1])).toThrow('6 is not a multiple of 4');
    expect(() => inferShape('x', [0], [0, -1])).toThrow('-1 could be anything beside an axis of length 0');
    expect(() => inferShape('x', [6], [-2, 3])).toThrow(ShapeError);
  });
});

describe('facts about a layout', () => {
  it('isContiguous says whether the elements follow each other', () => {
    const dense = shapes().map((shape) => contiguous(shape, 3));
    fc.assert(
      fc.property(fc.oneof(placed, dense), fc.array(step, { maxLength: 2 }), (start, steps) => {
        let [layout, listed] = [start, list(start)];
        for (const next of steps) [layout, listed] = next(layout, listed);
        expect(isContiguous(layout)).toBe(listed.elements.every((element, i) => element === layout.offset + i));
      }),
    );
  });

  it('extent is the least and greatest element', () => {
    fc.assert(
      fc.property(placed, (layout) => {
        const { elements } = list(layout);
        expect(extent(layout)).toEqual(elements.length === 0 ? null : { first: Math.min(...elements), last: Math.max(...elements) });
      }),
    );
  });

  it('mayOverlapItself is exact for views of dense arrays', () => {
    fc.assert(
      fc.property(shapes().map((shape) => contiguous(shape)), fc.array(step, { maxLength: 6 }), (start, steps) => {
        let [layout, listed] = [start, list(start)];
        for (const next of steps) [layout, listed] = next(layout, listed);
        expect(mayOverlapItself(layout)).toBe(new Set(listed.elements).size < listed.elements.length);
      }),
    );
  });

  it('mayOverlapItself never misses an overlap, whatever the strides', () => {
    const strange = fc.array(fc.tuple(fc.nat(4), fc.integer({ min: -5, max: 5 })), { maxLength: 4 });
    fc.assert(
      fc.property(strange, (axes) => {
        const layout = { shape: axes.map(([length]) => length), strides: axes.map(([, stride]) => stride), offset: 50 };
        const { elements } = list(layout);
        if (new Set(elements).size < elements.length) expect(mayOverlapItself(layout)).toBe(true);
      }),
    );
  });
});

describe('shapes and axes', () => {
  it('broadcastShapes gives the shape that all stretch to, in any order', () => {
    fc.assert(
      fc.property(broadcastableShapes(3), ({ shapes: [a, b, c], result }) => {
        expect(broadcastShapes('x', a, b, c)).toEqual(result);
        expect(broadcastShapes('x', c, a, b)).toEqual(result);
        for (const shape of [a, b, c]) expect(list(expand('x', contiguous(shape), result)).shape).toEqual(result);
      }),
    );
  });

  it('broadcastShapes names the axis that does not fit', () => {
    expect(() => broadcastShapes('add', [2, 3], [4, 3])).toThrow(
      'add: shapes [2, 3] and [4, 3] do not broadcast: axis -2 has lengths 2 and 4, which must be equal or one of them 1',
    );
    expect(() => broadcastShapes('add', [0], [2])).toThrow(ShapeError);
  });

  it('expand refuses fewer axes and other lengths', () => {
    expect(() => expand('x', contiguous([2, 3]), [3])).toThrow('x: [2, 3] does not expand to [3]');
    expect(() => expand('x', contiguous([1, 1]), [])).toThrow('x: [1, 1] does not expand to []');
    expect(() => expand('x', contiguous([2]), [4])).toThrow('each axis must be equal or 1');
  });

  it('axes count from either end and are named once', () => {
    expect(normalizeAxis('x', -1, 3)).toBe(2);
    expect(normalizeAxes('x', undefined, 2)).toEqual([0, 1]);
    expect(normalizeAxes('x', [-1, 0], 3)).toEqual([0, 2]);
    expect(() => normalizeAxis('x', 3, 3)).toThrow('x: axis 3 does not exist: 3 axes are numbered -3 to 2');
    expect(() => normalizeAxis('x', 0, 0)).toThrow('a scalar has no axes');
    expect(() => normalizeAxis('x', 0.5, 3)).toThrow(IndexError);
    expect(() => normalizeAxes('x', [0, -3], 3)).toThrow('x: axis 0 is named twice; name each axis once');
    expect(() => permute('x', contiguous([2, 3]), [0])).toThrow('x: [0] must name each of the 2 axes of [2, 3] once');
    expect(() => permute('x', contiguous([2, 3]), [1, -1])).toThrow(ShapeError);
  });

  it('a shape holds whole numbers from 0 whose product counts exactly', () => {
    expect(checkShape('x', [])).toEqual([]);
    for (const bad of [[-1], [1.5], [Number.NaN], [2 ** 53], [2 ** 30, 2 ** 30]]) expect(() => checkShape('x', bad)).toThrow(ShapeError);
  });
});
