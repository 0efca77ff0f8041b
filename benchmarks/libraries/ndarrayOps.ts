import { createRequire } from 'node:module';
import type { NdArray } from 'ndarray';

/** ndarray-ops has no types of its own; the first array is where the result goes. */
interface NdarrayOps {
  add(out: NdArray, a: NdArray, b: NdArray): void;
  addeq(out: NdArray, a: NdArray): void;
  adds(out: NdArray, a: NdArray, s: number): void;
  mul(out: NdArray, a: NdArray, b: NdArray): void;
  muls(out: NdArray, a: NdArray, s: number): void;
  exp(out: NdArray, a: NdArray): void;
  sqrt(out: NdArray, a: NdArray): void;
  assign(out: NdArray, a: NdArray): void;
  sum(a: NdArray): number;
  sup(a: NdArray): number;
}

export const nd = createRequire(import.meta.url)('ndarray-ops') as NdarrayOps;
