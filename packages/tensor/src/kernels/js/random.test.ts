import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sizeOf } from '../../layout.ts';
import { philox } from '../../random.ts';
import { allocate } from '../../storage.ts';
import { layouts, shapes } from '../../testing/index.ts';
import { dropFactors, dropout, random } from './random.ts';

const state = fc.record({ seed: fc.nat(), offset: fc.nat(1000).map((block) => block * 4) });

/** Word i of a stream, from the block it is in. */
function wordAt(seed: number, index: number): number {
  const words = new Uint32Array(4);
  philox(seed, Math.floor(index / 4), words);
  return words[index % 4];
}

describe('random kernels', () => {
  it('uniform, bernoulli and normal are functions of word i of the stream alone: the same dense and on strides', () => {
    fc.assert(fc.property(shapes().chain((shape) => fc.tuple(fc.constant(shape), layouts(shape, { expanded: false }))), state, ([shape, { layout, length }], at) => {
      const size = sizeOf(shape);
      const word = (i: number) => wordAt(at.seed, at.offset + i);
      for (const kind of [{ kind: 'uniform' }, { kind: 'normal' }, { kind: 'bernoulli', p: 0.3 }] as const) {
        const dense = allocate(shape, 'float32');
        random(kind, at, dense);
        const { storage } = allocate([length], 'float32');
        random(kind, at, { storage, layout });
        const values = dense.storage.data;
        for (let i = 0; i < size; i++) {
          const index = shape.reduceRight<{ rest: number; offset: number }>(({ rest, offset }, axis, n) => ({ rest: Math.floor(rest / axis), offset: offset + (rest % axis) * layout.strides[n] }), { rest: i, offset: layout.offset });
          expect(storage.data[index.offset]).toBe(values[i]);
          if (kind.kind === 'uniform') expect(values[i]).toBe((word(i) >>> 8) / 2 ** 24);
          if (kind.kind === 'bernoulli') expect(values[i]).toBe(word(i) / 2 ** 32 < 0.3 ? 1 : 0);
          if (kind.kind === 'normal') {
            const radius = Math.sqrt(-2 * Math.log((word(i - (i % 2)) + 1) / 2 ** 32));
            const angle = (2 * Math.PI * word(i - (i % 2) + 1)) / 2 ** 32;
            expect(values[i]).toBe(Math.fround(radius * (i % 2 === 0 ? Math.cos(angle) : Math.sin(angle))));
          }
        }
      }
    }));
  });

  it('dropFactors of any stretch of a stream are what dropout multiplies by there', () => {
    fc.assert(fc.property(state, fc.nat(40), fc.nat(20), fc.constantFrom(0.2, 0.5, 1), (at, start, count, p) => {
      const all = allocate([start + count], 'float64');
      const one = allocate([start + count], 'float64');
      one.storage.data.fill(1);
      dropout(one, p, at, all);
      const factors = new Float64Array(count);
      dropFactors(at, start, p, factors);
      expect([...factors]).toEqual([...all.storage.data.subarray(start)]);
    }));
  });
});
