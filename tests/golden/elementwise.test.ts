import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as s from '@strided/tensor';

/** Accuracy against values computed with 60 digits (elementwise/generate.py), special values against NumPy's. */

type Entry = number | string;
const cases = JSON.parse(readFileSync(new URL('elementwise/cases.json', import.meta.url), 'utf8')) as {
  readonly unary: Record<string, readonly (readonly [Entry, Entry])[]>;
  readonly binary: Record<string, readonly (readonly [Entry, Entry, Entry])[]>;
};

const read = (entry: Entry): number => Number(entry === 'inf' ? Infinity : entry === '-inf' ? -Infinity : entry);

/**
 * Units in the last place of float64 by which a result may miss the true value, where it is not rounded once (half a
 * unit). gelu's are many because rounding x² moves e^(−x²) by x² units: up to 12² on its left tail.
 */
const ulps: Record<string, number> = {
  exp: 1, expm1: 1, log: 1, log2: 1, log10: 1.5, log1p: 1, sin: 1, cos: 1, tan: 1, asin: 1, acos: 1, atan: 1, atan2: 1, tanh: 1.5,
  rsqrt: 1, sigmoid: 2, erf: 2, softplus: 2, silu: 3, pow: 1, gelu: 200, geluTanh: 200,
};

/** The distance of two neighbouring float64 values around x. */
function ulp(x: number): number {
  const exponent = Math.max(-1022, Math.floor(Math.log2(Math.abs(x))));
  return 2 ** (exponent - 52);
}

const f64 = (values: readonly number[]) => s.tensor([...values], { dtype: 'float64' });
const f32 = (values: readonly number[]) => s.tensor([...values]);

const functions: Record<string, (...x: s.Tensor[]) => s.Tensor> = {
  ...(s as unknown as Record<string, (...x: s.Tensor[]) => s.Tensor>),
  geluTanh: (x) => s.gelu(x, { approximate: 'tanh' }),
};

function check(name: string, rows: readonly (readonly Entry[])[]): void {
  const bound = ulps[name] ?? 0.5;
  const columns = rows[0].map((_, i) => rows.map((row) => read(row[i])));
  const want = columns.pop() as number[];
  const got = functions[name](...columns.map(f64)).toTypedArray();
  const got32 = functions[name](...columns.map(f32)).toTypedArray();
  want.forEach((value, i) => {
    const where = `${name}(${columns.map((column) => String(column[i])).join(', ')})`;
    if (!Number.isFinite(value) || value === 0) {
      expect(Object.is(got[i], value), `${where} is ${value}, not ${got[i]}`).toBe(true);
    } else {
      const error = Math.abs(got[i] - value) / ulp(value);
      expect(error <= bound, `${where} is ${value}, not ${got[i]}: ${error} ulp`).toBe(true);
    }
    // A float64 result rounded to float32 is at most one float32 away from the true value's rounding.
    const rounded = Math.fround(value);
    const step = Math.max(Math.abs(rounded) * 2 ** -23, 2 ** -149);
    const close = Object.is(got32[i], rounded) || Math.abs(got32[i] - rounded) <= step;
    expect(close, `float32: ${where} is ${rounded}, not ${got32[i]}`).toBe(true);
  });
}

describe('elementwise functions equal 60-digit values and NumPy’s special values', () => {
  for (const [name, rows] of Object.entries({ ...cases.unary, ...cases.binary })) {
    const bound = ulps[name] === undefined ? 'correctly rounded' : `within ${ulps[name]} ulp (relative ${(ulps[name] * 2 ** -52).toPrecision(2)})`;
    it(`${name} is ${bound} in float64, and within 1 ulp in float32, for ${rows.length} arguments`, () => check(name, rows));
  }
});
