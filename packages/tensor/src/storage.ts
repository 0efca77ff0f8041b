import { bytesPerElement, newArray, type DType, type TypedArrayOf } from './dtype.ts';
import { ArgumentError } from './errors.ts';
import { contiguous, sizeOf, type Layout, type Shape } from './layout.ts';

/**
 * Who owns the bytes. A storage is a run of values of one dtype that any number of views share.
 * Today every storage is ordinary: a typed array on a garbage-collected ArrayBuffer.
 */
export class Storage<D extends DType = DType> {
  readonly dtype: D;
  /** The values. Never keep it across a call that may move storage: ask anew. */
  readonly data: TypedArrayOf<D>;
  /** Counts writes after creation, so that backward notices that a value it saved has changed. */
  version = 0;
  /** The op that wrote last, for the message. */
  lastWriter = '';
  /** Rises with every storage made: backward knows by it which buffers are its own. */
  readonly serial: number;

  constructor(dtype: D, data: TypedArrayOf<D>) {
    this.dtype = dtype;
    this.data = data;
    this.serial = ++serial;
  }

  /** Notes a write by `op`. */
  touch(op: string): void {
    this.version++;
    this.lastWriter = op;
  }
}

let serial = 0;

/** The serial number of the newest storage. */
export function newestSerial(): number {
  return serial;
}

/** Whether two storages have bytes in common: typed arrays from outside may overlap. */
export function sharesMemory({ data: a }: Storage, { data: b }: Storage): boolean {
  return a === b || (a.buffer === b.buffer && a.byteOffset < b.byteOffset + b.byteLength && b.byteOffset < a.byteOffset + a.byteLength);
}

/** A strided look at a storage: what kernels read and write. Every Tensor is one. */
export interface View<D extends DType = DType> {
  readonly storage: Storage<D>;
  readonly layout: Layout;
}

/** A dense view of new zeros. */
export function allocate<D extends DType>(shape: Shape, dtype: D): View<D> {
  const size = sizeOf(shape);
  let data: TypedArrayOf<D>;
  try {
    data = newArray(dtype, size);
  } catch {
    throw new ArgumentError(
      `allocate: ${size * bytesPerElement(dtype)} bytes for a ${dtype} tensor of shape [${shape.join(', ')}] are more than this host gives one array; use smaller tensors`,
    );
  }
  return { storage: new Storage(dtype, data), layout: contiguous(shape) };
}
