import { noGrad, scope, tensor } from '@strided/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rotations } from './rotary.ts';

/** x of one head at a position, turned pair by pair in complex numbers. */
function turned(x: readonly number[], position: number, theta: number): number[] {
  const half = x.length / 2;
  return x.map((_, i) => {
    const angle = Math.fround(Math.fround(1 / Math.fround(theta ** Math.fround((2 * (i % half)) / x.length))) * position);
    const [re, im] = [x[i % half], x[(i % half) + half]];
    return i < half ? re * Math.cos(angle) - im * Math.sin(angle) : re * Math.sin(angle) + im * Math.cos(angle);
  });
}

describe('rotations', () => {
  it('turn by the same angles whatever positions were asked for before: none, far ones, others in a scope', () => {
    const places = fc.oneof(
      { arbitrary: fc.record({ places: fc.array(fc.nat(40), { minLength: 1, maxLength: 5 }), dtype: fc.constantFrom('int32', 'float32') }), weight: 3 },
      fc.record({ places: fc.array(fc.constantFrom(-3, 8191, 8192, 100_000), { minLength: 1, maxLength: 2 }), dtype: fc.constant('int32') }),
      fc.record({ places: fc.constant([0.5, 3]), dtype: fc.constant('float32') }),
    );
    fc.assert(fc.property(fc.array(fc.tuple(places, fc.constantFrom(100, 1e4), fc.boolean()), { minLength: 1, maxLength: 4 }), (calls) => {
      const rotations = new Rotations(6);
      const x = [0.5, -1, 2, 1.5, 0.25, -3];
      for (const [{ places: row, dtype }, theta, inScope] of calls) {
        const call = (): number[][] => rotations.at(tensor([row], { dtype: dtype as 'int32' }), theta).rotate(tensor(row.map(() => x)).reshape([1, 1, row.length, 6])).reshape([row.length, 6]).toArray() as number[][];
        const actual = noGrad(() => (inScope ? scope(() => ({ call: call() })).call : call()));
        row.forEach((place, i) => turned(x, place, theta).forEach((value, j) => expect(actual[i][j]).toBeCloseTo(value, 5)));
      }
    }), { numRuns: 40 });
  });
});
