import { ArgumentError } from './errors.ts';

/**
 * Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers:
 * as easy as 1, 2, 3", SC 2011). Number i of a stream is a pure function of (seed, i), so a mask can be
 * computed again instead of stored, and is the same in every kernel and on any number of threads.
 */

const M0 = 0xd2511f53 | 0;
const M1 = 0xcd9e8d57 | 0;
const W0 = 0x9e3779b9 | 0;
const W1 = 0xbb67ae85 | 0;

/**
 * The high 32 bits of the 64-bit product of two unsigned 32-bit numbers, in halves of 16 bits. All 32-bit numbers here
 * are JavaScript's signed ones, whatever their sign means: V8 then computes in registers (ten times as fast).
 */
function multiplyHigh(a: number, bHigh: number, bLow: number): number {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const cross1 = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) | 0;
  const cross2 = (Math.imul(aLow, bHigh) + (cross1 & 0xffff)) | 0;
  return (Math.imul(aHigh, bHigh) + (cross1 >>> 16) + (cross2 >>> 16)) | 0;
}

/**
 * The four 32-bit words of block `block` of the stream of `seed`, written to `out[0..3]`.
 * Both are integers below 2⁵³; each fills 64 bits of Philox's key and counter. `beside`: the counter's third word, another
 * stream of the same seed. Seven rounds are the fewest that pass all of BigCrush (the paper, table 2).
 */
export function philox(seed: number, block: number, out: Uint32Array, rounds: 7 | 10 = 10, beside: 0 | 1 = 0): void {
  let k0 = seed | 0;
  let k1 = (seed / 4294967296) | 0;
  let c0 = block | 0;
  let c1 = (block / 4294967296) | 0;
  let c2: number = beside;
  let c3 = 0;
  for (let round = 0; round < rounds; round++) {
    const high0 = multiplyHigh(c0, M0 >>> 16, M0 & 0xffff);
    const high1 = multiplyHigh(c2, M1 >>> 16, M1 & 0xffff);
    const low0 = Math.imul(M0, c0);
    const low1 = Math.imul(M1, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + W0) | 0;
    k1 = (k1 + W1) | 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** What a generator needs to go on exactly where it stopped. */
export interface GeneratorState {
  readonly seed: number;
  readonly offset: number;
}

/**
 * A stream of random numbers that is a pure function of its seed.
 *
 * @example
 * const generator = new Generator(42);
 * generator.uniform();               // in [0, 1)
 * generator.integer(6);              // 0 … 5
 * const state = generator.state;     // { seed, offset }: restore with generator.state = state
 */
export class Generator {
  #seed: number;
  #offset = 0;
  #block = -1;
  readonly #words = new Uint32Array(4);

  constructor(seed: number) {
    this.#seed = checkSeed(seed);
  }

  get state(): GeneratorState {
    return { seed: this.#seed, offset: this.#offset };
  }

  set state(state: GeneratorState) {
    const seed = checkSeed(state.seed);
    this.#offset = checkSeed(state.offset, 'Generator.state: an offset');
    this.#seed = seed;
    this.#block = -1;
  }

  /** Takes the next `count` numbers out of the stream for a kernel and returns where they start (a multiple of 4). */
  reserve(count: number): GeneratorState {
    const start = Math.ceil(this.#offset / 4) * 4;
    this.#offset = start + count;
    return { seed: this.#seed, offset: start };
  }

  /** The next unsigned 32-bit integer. */
  next(): number {
    const block = Math.floor(this.#offset / 4);
    if (block !== this.#block) {
      philox(this.#seed, block, this.#words);
      this.#block = block;
    }
    return this.#words[this.#offset++ % 4];
  }

  /** Uniform in [0, 1), a multiple of 2⁻⁵³. */
  uniform(): number {
    const high = this.next() >>> 5;
    const low = this.next() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  }

  /** Uniform among 0 … bound − 1, without bias. */
  integer(bound: number): number {
    if (!Number.isSafeInteger(bound) || bound < 1 || bound > 4294967296) {
      throw new ArgumentError(`Generator.integer: the bound must be an integer from 1 to 2^32, not ${bound}`);
    }
    const limit = 4294967296 - (4294967296 % bound);
    for (;;) {
      const word = this.next();
      if (word < limit) return word % bound;
    }
  }

  /** Reorders `items` in place, every order equally likely (Fisher–Yates). */
  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const held = items[i];
      items[i] = items[j];
      items[j] = held;
    }
    return items;
  }
}

function checkSeed(seed: number, what = 'manualSeed: a seed'): number {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new ArgumentError(`${what} must be an integer from 0 to 2^53 - 1, not ${seed}`);
  }
  return seed;
}

/** The generator that random ops use when none is named. Its seed differs in every process until `manualSeed`. */
export const defaultGenerator = new Generator(Math.floor(Math.random() * 9007199254740991));

/**
 * Starts the default generator anew: the same seed gives the same random numbers.
 *
 * @example
 * manualSeed(1);
 * const a = randn([3]);
 * manualSeed(1);
 * const b = randn([3]);              // equal to a, bit for bit
 */
export function manualSeed(seed: number): void {
  defaultGenerator.state = { seed, offset: 0 };
}
