import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HalfFormat } from '../../packages/tensor/src/kernels/contract.ts';
import { jsKernels } from '../../packages/tensor/src/kernels/js/index.ts';
import { narrow, takesHalves, widen } from '../../packages/tensor/src/kernels/wasm/halves.ts';
import { chosen, level, runtime } from './levels.ts';

const bitsOf = (values: Float32Array): Uint32Array => new Uint32Array(values.buffer, values.byteOffset, values.length);

/** Where rounding decides: a value, the middle between two of each format, and the neighbours of all of them. */
const endings = [0, 1, 0xfff, 0x1000, 0x1001, 0x1fff, 0x2000, 0x3000, 0x7fff, 0x8000, 0x8001, 0xffff];

describe.skipIf(runtime === null)(`16-bit floats at level ${level}`, () => {
  describe.each<HalfFormat>(['float16', 'bfloat16'])('%s', (format) => {
    it('widens each of its values to the bits of the js loops', () => {
      // Some of them twice: more than a chunk, and an end that fills no register.
      const halves = Uint16Array.from({ length: 70_003 }, (_, i) => i);
      const [values, expected] = [0, 1].map(() => new Float32Array(halves.length));
      widen(chosen(), format, halves, values);
      jsKernels.widen(format, halves, expected);
      expect(bitsOf(values)).toEqual(bitsOf(expected));
    });

    it('rounds every float32 beside a border, infinities, NaN and subnormals to the bits of the js loops', () => {
      const values = new Float32Array(65536);
      const [halves, expected] = [0, 1].map(() => new Uint16Array(values.length));
      for (const ending of endings) {
        for (let upper = 0; upper < values.length; upper++) bitsOf(values)[upper] = (upper << 16) | ending;
        narrow(chosen(), format, values, halves);
        jsKernels.narrow(format, values, expected);
        expect(halves).toEqual(expected);
      }
    });

    it('converts any number of values at any place and touches nothing beside them', () => {
      fc.assert(fc.property(fc.array(fc.nat({ max: 0xffff }), { maxLength: 60 }), fc.nat({ max: 5 }), fc.nat({ max: 5 }), (bits, before, after) => {
        const halves = Uint16Array.from([...new Array<number>(before).fill(1), ...bits]).subarray(before);
        const [values, expected] = [0, 1].map(() => new Float32Array(before + bits.length + after).fill(7));
        const inside = (all: Float32Array): Float32Array => all.subarray(before, before + bits.length);
        widen(chosen(), format, halves, inside(values));
        jsKernels.widen(format, halves, inside(expected));
        expect(bitsOf(values)).toEqual(bitsOf(expected));
        const back = new Uint16Array(values.length).fill(7);
        narrow(chosen(), format, inside(values), back.subarray(before, before + bits.length));
        expect([...back]).toEqual([...new Array<number>(before).fill(7), ...bits, ...new Array<number>(after).fill(7)]);
      }));
    });
  });
});

it('does not start the engine for a few values', () => {
  expect([takesHalves(100_000, false), takesHalves(100_000, true), takesHalves(10, true)]).toEqual([false, true, false]);
});
