import { fromTypedArray, noGrad, type Tensor } from '@strided/tensor';
import { Table } from '../layers.ts';

/**
 * Fixed positions ("Attention is all you need", section 3.5): [1, length, width] with
 * sin(p·10000^(−2i/width)) in column 2i and the cosine of it in column 2i + 1. The angles are rounded to float32 as in
 * BERT-pytorch, because that is what trained weights have seen: at position 500 it moves a value by up to 1e-5.
 */
export function sinusoidalPositions(length: number, width: number): Tensor<'float32'> {
  const table = new Float32Array(length * width);
  for (let column = 0; column < width; column++) {
    const exponent = Math.fround((column - (column % 2)) * Math.fround(-Math.log(10000) / width));
    const frequency = Math.fround(Math.exp(exponent));
    const wave = column % 2 === 0 ? Math.sin : Math.cos;
    for (let p = 0; p < length; p++) table[p * width + column] = wave(Math.fround(p * frequency));
  }
  return fromTypedArray(table, [1, length, width]);
}

/**
 * The same angles in float64, as transformers computes them: [length, width] with sines in even columns and cosines in
 * odd ones, or with `halves` all sines first.
 */
export function sineTable(length: number, width: number, { halves }: { readonly halves: boolean }): Tensor<'float32'> {
  const table = new Float32Array(length * width);
  const sines = Math.ceil(width / 2);
  for (let p = 0; p < length; p++) {
    for (let column = 0; column < width; column++) {
      const pair = Math.floor(column / 2);
      const angle = p / 10000 ** ((2 * pair) / width);
      const odd = column % 2 === 1;
      table[p * width + (halves ? pair + (odd ? sines : 0) : column)] = odd ? Math.cos(angle) : Math.sin(angle);
    }
  }
  return fromTypedArray(table, [length, width]);
}

/** A table of positions that starts as sines and cosines, and is trained from there. */
export class SineTable extends Table {
  /** What it starts as. */
  fillSines(): void {
    const [length, width] = this.weight.shape;
    noGrad(() => this.weight.copyFrom(sineTable(length, width, { halves: false })));
  }
}

/** start … start + length − 1 as [1, length]. */
export function countedPositions(length: number, start = 0): Tensor<'int32'> {
  return fromTypedArray(Int32Array.from({ length }, (_, i) => start + i), [1, length]);
}

/** For each id of [B, S], how many of its row up to there are not the padding id, on top of those that came before, `start` [B]. */
export function countTokens(ids: Tensor, paddingId: number, start?: readonly number[]): number[][] {
  const values = ids.toTypedArray();
  const [batch, length] = ids.shape;
  return Array.from({ length: batch }, (_, row) => {
    let count = start?.[row] ?? 0;
    return Array.from({ length }, (__, i) => (values[row * length + i] === paddingId ? count : ++count));
  });
}

/**
 * RoBERTa's positions of ids [B, S]: the padding id + the running count of ids that are not the padding id, whatever the
 * attention mask says; padding itself has the padding id.
 */
export function positionsAfterPadding(ids: Tensor, paddingId: number, counts: readonly (readonly number[])[] = countTokens(ids, paddingId)): Tensor<'int32'> {
  const running = counts.flat();
  return fromTypedArray(Int32Array.from(ids.toTypedArray(), (id, i) => (id === paddingId ? paddingId : paddingId + running[i])), ids.shape);
}

/** MPNet's bucket (as T5's) of every distance: [S, S] of query i and key j; half of the buckets for each direction. */
export function relativeBuckets(length: number, buckets = 32, maxDistance = 128): Tensor<'int32'> {
  const half = buckets >> 1;
  const exact = half >> 1;
  const bucket = (distance: number): number => {
    if (distance < exact) return distance;
    // In float32, step by step: a distance of 64 is on the edge of a bucket.
    const share = Math.fround(Math.fround(Math.log(Math.fround(distance / exact))) / Math.fround(Math.log(maxDistance / exact)));
    return Math.min(half - 1, exact + Math.trunc(Math.fround(share * (half - exact))));
  };
  const table = new Int32Array(length * length);
  for (let i = 0; i < length; i++) {
    for (let j = 0; j < length; j++) table[i * length + j] = bucket(Math.abs(i - j)) + (j > i ? half : 0);
  }
  return fromTypedArray(table, [length, length]);
}

/** DeBERTa's bucket of a distance: exact up to half the buckets, then logarithmic up to `maxDistance`. */
export function logBucket(distance: number, buckets: number, maxDistance: number): number {
  const half = buckets >> 1;
  const size = Math.abs(distance);
  if (size <= half) return distance;
  const log = (x: number): number => Math.fround(Math.log(Math.fround(x)));
  const share = Math.fround(log(size / half) / log((maxDistance - 1) / half));
  return Math.sign(distance) * (Math.ceil(Math.fround(share * (half - 1))) + half);
}
