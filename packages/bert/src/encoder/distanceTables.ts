import { persist, type Tensor } from '@strided/tensor';

/**
 * Tables [S, S] of what depends on the distance of two tokens alone. Those of a shorter sequence are the upper left
 * corner of a longer one's, so only the longest so far are kept, or somewhat longer ones, whatever lengths come.
 */
export class DistanceTables<Name extends string> {
  #length = 0;
  #tables: Readonly<Record<Name, Tensor>> | null = null;

  upTo(length: number, make: (length: number) => Readonly<Record<Name, Tensor>>): Readonly<Record<Name, Tensor>> {
    let tables = this.#tables;
    if (tables === null || this.#length < length) {
      // Lengths that grow one by one would leave a table each, until the collector comes.
      const most = Math.max(length, Math.ceil(1.25 * this.#length));
      tables = make(most);
      // They outlive the pass that made them.
      persist(Object.values<Tensor>(tables));
      this.#tables = tables;
      this.#length = most;
    }
    const cut = Object.entries<Tensor>(tables).map(([name, table]) => [name, table.narrow(0, 0, length).narrow(1, 0, length)]);
    return Object.fromEntries(cut) as Record<Name, Tensor>;
  }
}
