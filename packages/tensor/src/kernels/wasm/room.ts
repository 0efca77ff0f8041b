import type { Heap } from './heap.ts';
import { aligned } from './regions.ts';

/** A prime: rows of no matrix repeat each other. */
const period = 1021;
const bytes = 1 << 17;

/**
 * One block of the heap in which a check lays out what it computes with. What comes from `allocate` may lie anywhere, with
 * blocks of others between; here everything lies side by side and can be cleared and compared as a whole.
 */
export class Room {
  readonly #heap: Heap;
  /** In how many parts a check's work may be done. */
  readonly parts: number;
  /** Numbers between −1 and 1 with all bits in use, the same in every process; then eight times as large, where functions bend. */
  readonly #patterns: number;
  readonly #start: number;
  #end: number;
  #results = 0;

  constructor(heap: Heap, parts = 1) {
    this.#heap = heap;
    this.parts = parts;
    this.#patterns = heap.allocate(bytes);
    this.#start = this.#patterns + aligned(period * 8);
    this.#end = this.#start;
    const at = this.#patterns / 4;
    const { f32 } = heap;
    let state = 0x2545f491;
    for (let i = 0; i < period; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      f32[at + i] = state / 2147483648;
      f32[at + period + i] = state / 268435456;
    }
  }

  /** For the next check. */
  clear(): void {
    this.#end = this.#start;
    this.#results = 0;
  }

  #take(count: number): number {
    const address = this.#end;
    this.#end += aligned(count * 4);
    if (this.#end > this.#patterns + bytes) throw new Error('kernels: a check needs more room; raise `bytes`');
    return address;
  }

  /** The address of `count` fixed numbers between −1 and 1, or −8 and 8 where `wide`. */
  numbers(count: number, wide = false): number {
    const address = this.#take(count);
    const { f32 } = this.#heap;
    const [to, pattern] = [address / 4, this.#patterns / 4 + (wide ? period : 0)];
    // Each operand begins elsewhere in the pattern; what is there already is copied behind itself.
    const skipped = (to / 16) % 32;
    let done = Math.min(count, period - skipped);
    f32.copyWithin(to, pattern + skipped, pattern + skipped + done);
    for (; done < count; done *= 2) f32.copyWithin(to + done, to, to + Math.min(done, count - done));
    return address;
  }

  /** The address of `count` zeros. The first that a check asks for are where its results begin: inputs come before. */
  results(count: number): number {
    const address = this.#take(count);
    this.#heap.f32.fill(0, address / 4, address / 4 + count);
    if (this.#results === 0) this.#results = address;
    return address;
  }

  /** The bits of all that lies there since the first results. */
  bits(): Int32Array {
    return this.#heap.i32.slice(this.#results / 4, this.#end / 4);
  }
}
