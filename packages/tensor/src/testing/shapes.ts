import fc from 'fast-check';

export interface ShapeConstraints {
  /** Default 0: scalars occur. */
  readonly minRank?: number;
  /** Default 4. */
  readonly maxRank?: number;
  /** The least length of an axis. Default 0: empty tensors occur; give 1 for ops that refuse them. */
  readonly minLength?: number;
  /** The greatest length of an axis. Default 4. */
  readonly maxLength?: number;
}

/** Lengths of axes: mostly 1 and more, with 1 itself often and 0 seldom, so that most tensors hold values. */
function lengths({ minLength = 0, maxLength = 4 }: ShapeConstraints): fc.Arbitrary<number> {
  const usual = fc.integer({ min: Math.min(Math.max(minLength, 1), maxLength), max: maxLength });
  const special = [1, 0].filter((length) => length >= minLength && length <= maxLength);
  return fc.oneof({ arbitrary: usual, weight: 8 }, ...special.map((length) => ({ arbitrary: fc.constant(length), weight: length === 0 ? 1 : 3 })));
}

/**
 * Shapes of tensors: scalars, empty ones and axes of length 1 among them.
 *
 * @example
 * fc.assert(fc.property(shapes({ maxRank: 3 }), (shape) => zeros(shape).size === sizeOf(shape)));
 */
export function shapes(constraints: ShapeConstraints = {}): fc.Arbitrary<number[]> {
  const { minRank = 0, maxRank = 4 } = constraints;
  return fc.array(lengths(constraints), { minLength: minRank, maxLength: maxRank, size: 'max' });
}

/** Shapes that broadcast together, and the shape that they stretch to. */
export interface BroadcastShapes {
  readonly shapes: readonly (readonly number[])[];
  readonly result: readonly number[];
}

/**
 * `count` shapes that broadcast together: each is the result without some leading axes and with some axes set to 1.
 *
 * @example
 * fc.property(broadcastableShapes(2), ({ shapes: [a, b], result }) => …)
 */
export function broadcastableShapes(count = 2, constraints: ShapeConstraints = {}): fc.Arbitrary<BroadcastShapes> {
  return shapes(constraints).chain((full) => {
    const one = fc.record({
      lead: fc.oneof(fc.constant(0), fc.nat(Math.max(0, full.length - (constraints.minRank ?? 0)))),
      stretched: fc.array(fc.boolean(), { minLength: full.length, maxLength: full.length }),
    });
    const cut = ({ lead, stretched }: { lead: number; stretched: boolean[] }) => full.map((length, i) => (stretched[i] ? 1 : length)).slice(lead);
    return fc.array(one, { minLength: count, maxLength: count }).map((operands) => {
      const list = operands.map(cut);
      const rank = Math.max(0, ...list.map((shape) => shape.length));
      const result = Array.from({ length: rank }, (_, i) => {
        const met = list.map((shape) => shape[i - rank + shape.length]).find((length) => length !== undefined && length !== 1);
        return met ?? 1;
      });
      return { shapes: list, result };
    });
  });
}
