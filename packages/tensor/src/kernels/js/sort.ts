import type { DType, TypedArray } from '../../dtype.ts';
import type { View } from '../../storage.ts';
import { loads } from './convert.ts';
import { forEachLane } from './iterate.ts';

/**
 * Sorting lanes by keys: unsigned words whose order is the order of the values, NaN last, −0 equal to 0. A lane's order
 * is found by counting (radix) sort, byte by byte from the least significant: stable, and linear in the lane's length.
 */
class LaneSorter {
  readonly #n: number;
  readonly #dtype: DType;
  readonly #descending: boolean;
  /** The keys' words, the least significant first: two for float64. */
  readonly #words: readonly Uint32Array[];
  readonly #counts = new Int32Array(256);
  #order: Int32Array;
  #spare: Int32Array;
  /** One value or a lane of them, and their bits. */
  readonly #floats: Float32Array | Float64Array;
  readonly #bits: Uint32Array;

  constructor(n: number, dtype: DType, descending: boolean) {
    this.#n = n;
    this.#dtype = dtype;
    this.#descending = descending;
    this.#words = Array.from({ length: dtype === 'float64' ? 2 : 1 }, () => new Uint32Array(n));
    this.#order = new Int32Array(n);
    this.#spare = new Int32Array(n);
    this.#floats = dtype === 'float64' ? new Float64Array(n) : new Float32Array(dtype === 'float32' ? n : 0);
    this.#bits = new Uint32Array(this.#floats.buffer);
  }

  /** The positions of the lane's values in sorted order; the array is reused. */
  sort(data: TypedArray, ix: number, sx: number): Int32Array {
    this.#encode(data, ix, sx);
    const order = this.#order;
    for (let i = 0; i < this.#n; i++) order[i] = i;
    if (this.#n <= 40) this.#insertionSort();
    else for (const word of this.#words) for (let shift = 0; shift < 32; shift += 8) this.#pass(word, shift);
    return this.#order;
  }

  #encode(data: TypedArray, ix: number, sx: number): void {
    const [low, high] = this.#words;
    const n = this.#n;
    if (this.#dtype === 'float32' || this.#dtype === 'float64') {
      const floats = this.#floats;
      const bits = this.#bits;
      // Adding 0 turns −0 into 0.
      for (let i = 0; i < n; i++, ix += sx) floats[i] = data[ix] + 0;
      if (this.#dtype === 'float32') {
        for (let i = 0; i < n; i++) low[i] = floats[i] !== floats[i] ? 0xffffffff : bits[i] ^ ((bits[i] >> 31) | 0x80000000);
      } else {
        for (let i = 0; i < n; i++) {
          const nan = floats[i] !== floats[i];
          const sign = bits[2 * i + 1] >> 31;
          low[i] = nan ? 0xffffffff : bits[2 * i] ^ sign;
          high[i] = nan ? 0xffffffff : bits[2 * i + 1] ^ (sign | 0x80000000);
        }
      }
    } else for (let i = 0; i < n; i++, ix += sx) low[i] = data[ix] ^ 0x80000000;
    if (this.#descending) for (const word of this.#words) for (let i = 0; i < n; i++) word[i] = ~word[i];
  }

  #insertionSort(): void {
    const [low, high = low] = this.#words;
    const order = this.#order;
    for (let i = 1; i < this.#n; i++) {
      const [h, l] = [high[i], low[i]];
      let j = i - 1;
      for (; j >= 0; j--) {
        const other = order[j];
        if (high[other] < h || (high[other] === h && low[other] <= l)) break;
        order[j + 1] = other;
      }
      order[j + 1] = i;
    }
  }

  #pass(word: Uint32Array, shift: number): void {
    const n = this.#n;
    const counts = this.#counts.fill(0);
    for (let i = 0; i < n; i++) counts[(word[i] >>> shift) & 255]++;
    // Where all share one byte there is nothing to do.
    if (counts[(word[0] >>> shift) & 255] === n) return;
    for (let digit = 0, start = 0; digit < 256; digit++) {
      const count = counts[digit];
      counts[digit] = start;
      start += count;
    }
    const [from, to] = [this.#order, this.#spare];
    for (let i = 0; i < n; i++) {
      const at = from[i];
      to[counts[(word[at] >>> shift) & 255]++] = at;
    }
    this.#order = to;
    this.#spare = from;
  }
}

export function argSort(x: View, axis: number, descending: boolean, out: View): void {
  const [source, target] = [x.storage.data, out.storage.data];
  const n = x.layout.shape[axis];
  if (n === 0) return;
  const [sx, so] = [x.layout.strides[axis], out.layout.strides[axis]];
  const sorter = new LaneSorter(n, x.storage.dtype, descending);
  forEachLane(x.layout.shape, [x.layout, out.layout], axis, ([ix, io]) => {
    const order = sorter.sort(source, ix, sx);
    for (let i = 0; i < n; i++) target[io + i * so] = order[i];
  });
}

/** Whether a comes before b from the smallest on, NaN after everything. */
function isBelow(a: number, b: number): boolean {
  return a < b || (b !== b && a === a);
}

export function topK(x: View, axis: number, largest: boolean, out: View): void {
  const [source, target] = [x.storage.data, out.storage.data];
  const n = x.layout.shape[axis];
  const k = out.layout.shape[axis];
  if (k === 0) return;
  const [sx, so] = [x.layout.strides[axis], out.layout.strides[axis]];
  const shape = out.layout.shape;
  // Sorting is linear, so a heap pays only while few values get into it.
  if (k > n / 16) {
    const sorter = new LaneSorter(n, x.storage.dtype, largest);
    forEachLane(shape, [x.layout, out.layout], axis, ([ix, io]) => {
      const order = sorter.sort(source, ix, sx);
      for (let i = 0; i < k; i++) target[io + i * so] = order[i];
    });
    return;
  }
  const load = loads[x.storage.dtype];
  const lane = new Float64Array(n);
  // A heap of the k best so far with the worst of them on top; of equal values the later is worse.
  const values = new Float64Array(k);
  const places = new Int32Array(k);
  const isWorse = (a: number, i: number, b: number, j: number): boolean =>
    (largest ? isBelow(a, b) : isBelow(b, a)) || (i > j && !(largest ? isBelow(b, a) : isBelow(a, b)));
  /** Lets (value, place) sink from `at` in a heap of `size`. */
  const sink = (value: number, place: number, at: number, size: number): void => {
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && isWorse(values[child + 1], places[child + 1], values[child], places[child])) child++;
      if (!isWorse(values[child], places[child], value, place)) break;
      values[at] = values[child];
      places[at] = places[child];
      at = child;
    }
    values[at] = value;
    places[at] = place;
  };
  forEachLane(shape, [x.layout, out.layout], axis, ([ix, io]) => {
    load(n, source, ix, sx, lane);
    for (let i = 0; i < k; i++) {
      values[i] = lane[i];
      places[i] = i;
    }
    for (let i = (k >> 1) - 1; i >= 0; i--) sink(values[i], places[i], i, k);
    for (let i = k; i < n; i++) {
      const value = lane[i];
      // The usual case first; a NaN on either side is looked at more closely.
      if (largest ? value <= values[0] : value >= values[0]) continue;
      if (isWorse(values[0], places[0], value, i)) sink(value, i, 0, k);
    }
    for (let size = k - 1; size >= 0; size--) {
      target[io + size * so] = places[0];
      if (size > 0) sink(values[size], places[size], 0, size);
    }
  });
}
