/** Bytes in whole cache lines: what memory is given in. */
export function aligned(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}

/** Large blocks begin with a page: the processor fetches ahead within pages, and panels of a product are whole ones then. */
const [pageBytes, large] = [4096, 16384];

/** Where a block begins in memory that is free from an address on. */
function startIn(address: number, bytes: number): number {
  return bytes < large ? address : inPages(address);
}

/** Bytes in whole pages. */
export function inPages(bytes: number): number {
  return Math.ceil(bytes / pageBytes) * pageBytes;
}

/** A run of bytes. */
export interface Block {
  readonly address: number;
  readonly bytes: number;
}

/**
 * Which bytes from a base on are free: blocks in order of address, no two of which meet. The first that is large enough
 * is taken, so that what is free gathers at the end.
 */
export class Regions {
  readonly #free: { address: number; bytes: number }[] = [];
  /** Where the bytes begin that were never taken. */
  #end: number;

  constructor(base: number) {
    this.#end = base;
  }

  /** The end of what was ever taken and is not free at the top. */
  get end(): number {
    return this.#end;
  }

  get freeBytes(): number {
    return this.#free.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** The address of `bytes` bytes. What lies beyond `end` is given by `grow`, which throws where there is no more. */
  take(bytes: number, grow: (end: number) => void): number {
    const index = this.#free.findIndex(({ address, bytes: room }) => startIn(address, bytes) + bytes <= address + room);
    if (index >= 0) {
      const { address, bytes: room } = this.#free[index];
      const start = startIn(address, bytes);
      const left = [{ address, bytes: start - address }, { address: start + bytes, bytes: address + room - start - bytes }];
      this.#free.splice(index, 1, ...left.filter((block) => block.bytes > 0));
      return start;
    }
    const end = this.#end;
    const start = startIn(end, bytes);
    grow(start + bytes);
    this.#end = start + bytes;
    this.give({ address: end, bytes: start - end });
    return start;
  }

  /** Takes a block back. */
  give({ address, bytes }: Block): void {
    if (bytes === 0) return;
    let index = this.#free.findIndex((block) => block.address > address);
    if (index < 0) index = this.#free.length;
    const [before, after] = [this.#free[index - 1], this.#free[index]];
    let block = { address, bytes };
    if (before !== undefined && before.address + before.bytes === address) {
      before.bytes += bytes;
      block = before;
    } else {
      this.#free.splice(index++, 0, block);
    }
    if (after !== undefined && block.address + block.bytes === after.address) {
      block.bytes += after.bytes;
      this.#free.splice(this.#free.indexOf(after), 1);
    }
    const last = this.#free[this.#free.length - 1];
    if (last.address + last.bytes === this.#end) {
      this.#end = last.address;
      this.#free.pop();
    }
  }
}
