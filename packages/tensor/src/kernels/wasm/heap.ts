import type { DType, TypedArrayOf } from '../../dtype.ts';
import { arrayOn } from '../../dtype.ts';
import { EngineError, MemoryError } from '../../errors.ts';
import type { KernelMemory } from '../../storage.ts';
import { aligned, Regions, type Block } from './regions.ts';
import { Stack, type Mark } from './stack.ts';

const page = 65536;
/** Below lie the modules' constants. */
const base = page;
/** The maximum that the modules' import of memory allows: 4 GiB. */
export const maximumPages = 65536;

/** The most parts that a job is ever shared out in, one a thread: what scratch memory of rows is allocated for. */
export const maxParts = 64;

/** A larger workspace than this comes from the stack: it would not stay in a cache. */
const largestWorkspace = 1 << 23;

/** What other threads do, which goes on while the calling one is at something else. */
export interface Work {
  /** Waits for its end. */
  finish(): void;
}

/**
 * The kernels' WebAssembly memory. Most of it comes and goes in order, on a stack: what a kernel's call needs while it
 * runs, and what a scope holds until it ends. Blocks that live as long as their owner are reserved beside it.
 */
export class Heap implements KernelMemory {
  /** Not to be looked into: other threads may compute in it still, and `buffer` waits for them. */
  readonly memory: WebAssembly.Memory;
  #unfinished: Work | null = null;
  readonly #regions = new Regions(base);
  readonly #stack = new Stack((bytes) => this.#take(bytes), (block) => this.#regions.give(block));
  #workspace: Block = { address: 0, bytes: 0 };
  /** Bytes of the blocks that are reserved. */
  #reserved = 0;
  #peak = 0;
  #views: { [D in DType]?: TypedArrayOf<D> } = {};
  /** How many `scratch` are at work, one within the other. */
  #depth = 0;
  /** Frees reserved blocks that can be spared when the host has no more; answers whether there were any. */
  relieve: (() => boolean) | null = null;
  /** For tests: what is taken back becomes NaN, so that nobody reads it unnoticed. */
  poison = false;

  constructor(memory: WebAssembly.Memory) {
    this.memory = memory;
  }

  /** Notes that other threads have not finished what they do in the memory. */
  leave(work: Work): void {
    this.#unfinished = work;
  }

  /** Waits until no other thread computes in the memory. */
  settle(): void {
    if (this.#unfinished === null) return;
    this.#unfinished.finish();
    this.#unfinished = null;
  }

  get buffer(): ArrayBuffer | SharedArrayBuffer {
    this.settle();
    return this.memory.buffer;
  }

  /** All of the memory as values of one dtype. Growth detaches it and a job changes it: ask anew after each `allocate` and job. */
  values<D extends DType>(dtype: D): TypedArrayOf<D> {
    const { buffer } = this;
    const known = this.#views[dtype] as TypedArrayOf<D> | undefined;
    if (known !== undefined && known.buffer === buffer) return known;
    const view = arrayOn(dtype, buffer);
    (this.#views as Record<DType, unknown>)[dtype] = view;
    return view;
  }

  get f32(): Float32Array {
    return this.values('float32');
  }

  get f64(): Float64Array {
    return this.values('float64');
  }

  get i32(): Int32Array {
    return this.values('int32');
  }

  /** Bytes that the host has given so far. */
  get size(): number {
    return this.memory.buffer.byteLength;
  }

  /** Bytes in use now. */
  get used(): number {
    return this.#stack.used + this.#reserved;
  }

  /** Bytes of the blocks that are reserved. */
  get reserved(): number {
    return this.#reserved;
  }

  /** The most bytes ever in use at once. */
  get peak(): number {
    return this.#peak;
  }

  /** Runs `fn`; what it allocates is free again when it ends, however it ends. */
  scratch<T>(fn: () => T): T {
    const { mark } = this.#stack;
    const outermost = this.#depth++ === 0;
    let trimmed = false;
    try {
      for (;;) {
        try {
          return fn();
        } catch (error) {
          if (!outermost || !(error instanceof MemoryError)) throw error;
          this.release(mark);
          // A kernel allocates before it writes, so that it may begin anew: with addresses that are right by then. Chunks that
          // nobody uses help once: those of the next try are its own.
          if (trimmed && this.relieve?.() !== true) throw error;
          if (!trimmed) {
            this.#stack.trim();
            this.#freeWorkspace();
          }
          trimmed = true;
        }
      }
    } finally {
      this.#depth--;
      this.release(mark);
    }
  }

  /** How high the stack stands, for `release`. */
  get mark(): Mark {
    return this.#stack.mark;
  }

  /** Takes back all that was allocated since `mark` was read. */
  release(mark: Mark): void {
    for (const { address, bytes } of this.poison ? this.#stack.between(mark, this.#stack.mark) : []) this.spoil(address, bytes);
    this.#stack.release(mark);
  }

  /**
   * Takes back all that was allocated since `mark` was read but these blocks, which slide down; gives their new addresses
   * in the order of `blocks`.
   */
  slide(mark: Mark, blocks: readonly Block[]): number[] {
    const order = blocks.map(({ address }, index) => ({ index, place: this.#stack.orderOf(address) }));
    // In the order in which they were made, so that none is written over before it has moved.
    order.sort(({ place: a }, { place: b }) => a.chunk - b.chunk || a.offset - b.offset);
    const old = this.#stack.mark;
    this.#stack.rewind(mark);
    const addresses: number[] = [];
    for (const { index } of order) {
      const { address, bytes } = blocks[index];
      addresses[index] = this.allocate(bytes);
      this.values('uint8').copyWithin(addresses[index], address, address + bytes);
    }
    for (const { address, bytes } of this.poison ? this.#stack.between(this.#stack.mark, old) : []) this.spoil(address, bytes);
    return addresses;
  }

  /** The address of `bytes` bytes on the stack, a multiple of 64. */
  allocate(bytes: number): number {
    const address = this.#stack.push(bytes);
    this.#note();
    return address;
  }

  /**
   * Memory for what a kernel works in while it runs, a multiple of 64: until the next call, and at the same place each time,
   * so that it stays in the processor's caches. The stack's moves on with every result.
   */
  workspace(bytes: number): number {
    if (bytes > largestWorkspace) return this.allocate(bytes);
    if (bytes > this.#workspace.bytes) {
      this.#freeWorkspace();
      const rounded = aligned(bytes);
      this.#workspace = { address: this.#take(rounded), bytes: rounded };
    }
    this.spoil(this.#workspace.address, this.#workspace.bytes);
    return this.#workspace.address;
  }

  #freeWorkspace(): void {
    if (this.#workspace.bytes > 0) this.#regions.give(this.#workspace);
    this.#workspace = { address: 0, bytes: 0 };
  }

  /** A block that stays until `free` is called for it. */
  reserve(bytes: number): Block {
    const block = { address: 0, bytes: aligned(bytes) };
    block.address = this.#take(block.bytes);
    this.#reserved += block.bytes;
    this.#note();
    return block;
  }

  free(block: Block): void {
    this.#reserved -= block.bytes;
    this.#regions.give(block);
  }

  /** For tests: makes values NaN that nobody may read any more. */
  spoil(address: number, bytes: number): void {
    if (this.poison) this.values('uint8').fill(255, address, address + bytes);
  }

  #note(): void {
    const { used } = this;
    if (used > this.#peak) this.#peak = used;
  }

  #take(bytes: number): number {
    return this.#regions.take(bytes, (end) => this.#grow(end, bytes));
  }

  /** Sees to it that the memory reaches to `end`. */
  #grow(end: number, bytes: number): void {
    const missing = end - this.size;
    if (missing <= 0) return;
    // An eighth more than asked for, so that steadily larger calls do not each pay for a growth.
    for (const wanted of [missing + this.size / 8, missing]) {
      try {
        this.memory.grow(Math.ceil(wanted / page));
        return;
      } catch {
        // The host has less than that: try without the reserve.
      }
    }
    throw new MemoryError(
      `kernels: no room for ${bytes} more bytes of working memory: ${this.used} are in use and the host stops at ${this.size} (4 GiB at most); use smaller tensors, let what is not needed go, or configure({ kernels: 'js' })`,
    );
  }
}

/** `shared`: worker threads may compute in it too. Copies in and out of such memory take up to three times as long. */
export type MemoryKind = 'unshared' | 'shared';

/** Memory as large as the host lets one become. */
export function createMemory(kind: MemoryKind = 'unshared'): WebAssembly.Memory {
  for (const maximum of [maximumPages, maximumPages / 2, maximumPages / 8]) {
    try {
      return new WebAssembly.Memory({ initial: 16, maximum, shared: kind === 'shared' });
    } catch {
      // Hosts with a small address space cannot reserve so much.
    }
  }
  throw new EngineError('kernels: the host gives no WebAssembly memory');
}
