/** A pair that {@link PairQueue.take} took, with the words that may hold it. */
export interface TakenPair {
  readonly left: number;
  readonly right: number;
  readonly words: Iterable<number>;
}

interface Pair {
  readonly left: number;
  readonly right: number;
  count: number;
  /** What the heap last knew of `count`. */
  queued: number;
  readonly words: Set<number>;
}

/** Pairs of pieces by how often they are seen, the most frequent first; counts may change at any time. */
export class PairQueue {
  readonly #pairs = new Map<number, Pair>();
  /** A binary heap. Counts that have changed since are put right when their entry comes to the top. */
  readonly #heap: { pair: Pair; count: number }[] = [];
  readonly #touched = new Set<Pair>();

  /** Changes by `count` how often `left right` is seen, as word number `word` is changed. */
  count(left: number, right: number, count: number, word: number): void {
    const key = left * 0x4000000 + right;
    let pair = this.#pairs.get(key);
    if (pair === undefined) {
      pair = { left, right, count: 0, queued: 0, words: new Set() };
      this.#pairs.set(key, pair);
    }
    pair.count += count;
    if (count > 0) {
      pair.words.add(word);
      this.#touched.add(pair);
    }
  }

  /** Takes the first pair out, or null where none is seen `least` times. */
  take(least: number): TakenPair | null {
    // A count that has risen needs a new entry; one that has fallen is noticed below.
    for (const pair of this.#touched) {
      if (pair.count > pair.queued) this.#push(pair);
    }
    this.#touched.clear();
    for (let top = this.#pop(); top !== null; top = this.#pop()) {
      const { pair, count } = top;
      if (count !== pair.queued) continue; // Another entry of the same pair replaced this one.
      if (pair.count !== count) {
        pair.queued = 0;
        if (pair.count >= least) this.#push(pair);
        continue;
      }
      if (count < least) return null;
      this.#pairs.delete(pair.left * 0x4000000 + pair.right);
      pair.queued = -1; // Older entries with the same count are void.
      return pair;
    }
    return null;
  }

  #push(pair: Pair): void {
    pair.queued = pair.count;
    const entry = { pair, count: pair.count };
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!precedes(entry, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): { pair: Pair; count: number } | null {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (last === undefined) return null;
    if (heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && precedes(heap[child + 1], heap[child])) child++;
      if (!precedes(heap[child], last)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return top;
  }
}

function precedes(a: { pair: Pair; count: number }, b: { pair: Pair; count: number }): boolean {
  if (a.count !== b.count) return a.count > b.count;
  return a.pair.left !== b.pair.left ? a.pair.left < b.pair.left : a.pair.right < b.pair.right;
}
