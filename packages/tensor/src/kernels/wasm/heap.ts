import type { DType, TypedArrayOf } from '../../dtype.ts';
import { arrayOn } from '../../dtype.ts';
import { EngineError, MemoryError } from '../../errors.ts';

const page = 65536;
/** Below lie the modules' constants. */
const base = page;
/** The maximum that the modules' import of memory allows: 4 GiB. */
export const maximumPages = 65536;

/** The most parts that a job is ever shared out in, one a thread: what scratch memory of rows is allocated for. */
export const maxParts = 64;

/**
 * The kernels' WebAssembly memory. Today all of it is scratch: a kernel's call takes what it needs from the top inside
 * `scratch`, and all is given back at its end.
 */
export class Heap {
  readonly memory: WebAssembly.Memory;
  #top = base;
  #peak = base;
  #views: { [D in DType]?: TypedArrayOf<D> } = {};

  constructor(memory: WebAssembly.Memory) {
    this.memory = memory;
  }

  /** All of the memory as values of one dtype. Growth detaches it: ask anew after each `allocate`. */
  values<D extends DType>(dtype: D): TypedArrayOf<D> {
    const known = this.#views[dtype] as TypedArrayOf<D> | undefined;
    if (known !== undefined && known.buffer === this.memory.buffer) return known;
    const view = arrayOn(dtype, this.memory.buffer);
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

  /** The most bytes ever in use at once. */
  get peak(): number {
    return this.#peak - base;
  }

  /** Runs `fn`; what it allocates is free again when it ends, however it ends. */
  scratch<T>(fn: () => T): T {
    const mark = this.#top;
    try {
      return fn();
    } finally {
      this.#top = mark;
    }
  }

  /** The address of `bytes` bytes, a multiple of 64. */
  allocate(bytes: number): number {
    const address = this.#top;
    const end = address + Math.ceil(bytes / 64) * 64;
    const missing = end - this.size;
    if (missing > 0) this.#grow(missing, bytes);
    this.#top = end;
    if (end > this.#peak) this.#peak = end;
    return address;
  }

  #grow(missing: number, bytes: number): void {
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
      `kernels: no room for ${bytes} more bytes of working memory: ${this.#top - base} are in use and the host stops at ${this.size} (4 GiB at most); use smaller tensors or configure({ kernels: 'js' })`,
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
