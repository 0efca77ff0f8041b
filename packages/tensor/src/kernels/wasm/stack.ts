import { aligned, type Block } from './regions.ts';

/** How high a stack stands: in which chunk, and how far from its start. */
export interface Mark {
  readonly chunk: number;
  readonly offset: number;
}

/** The first chunk; each further one is at least a quarter as large as all before. */
const smallest = 1 << 18;
/** More than so many are made one when the stack is empty: there is not always room beside them for a block of their size. */
const mostChunks = 64;

/**
 * Memory that is given in order and taken back from the top: chunks one above the other, each a block of the heap. When
 * the stack is empty again and has needed many, the next use finds one that is as large as all of them.
 */
export class Stack {
  #chunks: Block[] = [];
  #chunk = 0;
  #offset = 0;
  /** Bytes of the chunks below the one at hand. */
  #below = 0;
  readonly #take: (bytes: number) => number;
  readonly #give: (block: Block) => void;

  constructor(take: (bytes: number) => number, give: (block: Block) => void) {
    this.#take = take;
    this.#give = give;
  }

  get mark(): Mark {
    return { chunk: this.#chunk, offset: this.#offset };
  }

  /** Bytes of all chunks, in use or not. */
  get bytes(): number {
    return this.#chunks.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Bytes below the top, what was left over at the ends of chunks among them. */
  get used(): number {
    return this.#below + this.#offset;
  }

  /** The address of `bytes` bytes, a multiple of 64. */
  push(bytes: number): number {
    const rounded = aligned(bytes);
    const chunk = this.#chunks[this.#chunk];
    if (chunk !== undefined && this.#offset + rounded <= chunk.bytes) {
      const address = chunk.address + this.#offset;
      this.#offset += rounded;
      return address;
    }
    return this.#pushAbove(rounded);
  }

  #pushAbove(bytes: number): number {
    let next = this.#chunk + 1;
    while (next < this.#chunks.length && this.#chunks[next].bytes < bytes) next++;
    if (next >= this.#chunks.length) {
      // Where a generous chunk cannot be had, one that just fits may.
      const generous = Math.max(bytes, smallest, Math.ceil(this.bytes / 256) * 64);
      let size = generous;
      let address: number;
      try {
        address = this.#take(size);
      } catch (error) {
        if (size === bytes) throw error;
        size = bytes;
        address = this.#take(size);
      }
      next = this.#chunks.length;
      this.#chunks.push({ address, bytes: size });
    }
    this.#enter(next);
    this.#offset = bytes;
    return this.#chunks[next].address;
  }

  /** What lies between two heights. */
  between(low: Mark, high: Mark): Block[] {
    return this.#chunks.slice(low.chunk, high.chunk + 1).map(({ address, bytes }, i) => {
      const from = i === 0 ? low.offset : 0;
      const to = low.chunk + i === high.chunk ? high.offset : bytes;
      return { address: address + from, bytes: Math.max(0, to - from) };
    });
  }

  /** Takes back all that was pushed since `mark` was read. */
  release(mark: Mark): void {
    this.rewind(mark);
    if (mark.chunk === 0 && mark.offset === 0 && this.#chunks.length > mostChunks) this.#merge();
  }

  /** As `release`, but the chunks stay where they are: for who still reads what lay above. */
  rewind({ chunk, offset }: Mark): void {
    if (chunk !== this.#chunk) this.#enter(chunk);
    this.#offset = offset;
  }

  #enter(chunk: number): void {
    this.#chunk = chunk;
    this.#below = this.#chunks.slice(0, chunk).reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Gives back the chunks above the top. */
  trim(): void {
    const first = this.#offset === 0 ? this.#chunk : this.#chunk + 1;
    for (const chunk of this.#chunks.splice(first)) this.#give(chunk);
  }

  /** Gives all chunks back for one of their size. */
  #merge(): void {
    const { bytes } = this;
    this.trim();
    try {
      this.#chunks.push({ address: this.#take(bytes), bytes });
    } catch {
      // Too scattered for one block of that size: it begins anew with small ones.
    }
  }

  /** Where an address stands in the order in which memory is given. */
  orderOf(address: number): Mark {
    const chunk = this.#chunks.findIndex((each) => address >= each.address && address < each.address + each.bytes);
    return { chunk, offset: address - this.#chunks[chunk].address };
  }
}
