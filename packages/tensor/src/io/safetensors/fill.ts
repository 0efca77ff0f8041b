import { fromTypedArray } from '../../creation.ts';
import { bytesPerElement, type FileDType, type TypedArray } from '../../dtype.ts';
import { ShapeError } from '../../errors.ts';
import { incomingOf, type Incoming } from '../../incoming.ts';
import type { Heap } from '../../kernels/wasm/heap.ts';
import { mayOverlapItself } from '../../layout.ts';
import { copyFrom } from '../../ops/inplace.ts';
import { withRecording } from '../../ops/op.ts';
import { Holding, lastingRuntime } from '../../persist.ts';
import { checkPresent } from '../../storage.ts';
import type { Tensor } from '../../tensor.ts';
import { quote } from '../quote.ts';
import { computeDType, decodeInto, isAsComputed } from './codec.ts';
import { inLanes } from './lanes.ts';
import type { TensorReader } from './reader.ts';
import { Staging } from './staging.ts';

export interface FillOptions {
  /** Matrices [out, in] to keep in the form in which `linear` reads its weight, as `persist` does with `packed`. */
  readonly packed?: ReadonlySet<Tensor>;
}

/** Bytes that are read at once: few enough to be packed while they are in the processor's cache. */
const pieceBytes = 1 << 21;

/** How many pieces are on their way: while one is packed, others are read. */
const lanes = 3;

/** A tensor on its way, and the place of its first value in the file's tensor. */
interface Part {
  readonly name: string;
  readonly dtype: FileDType;
  readonly first: number;
  readonly size: number;
  readonly incoming: Incoming;
}

/** `count` values of a part, from `at` on. */
interface Piece extends Part {
  readonly at: number;
  readonly count: number;
}

/**
 * Reads tensors of a file into tensors that are there: piece by piece to where the values are to stay, which is the kernels'
 * memory where there is room, so that no second copy of them is ever in memory. Several tensors for one name of the file
 * are its parts along the first axis. float16, bfloat16 and int64 become what `readTensor` makes of them, and are cast where
 * a target has another dtype. Nothing changes before everything has been read; no history is recorded.
 *
 * @throws ShapeError where a shape differs, DTypeError and FormatError as `readTensor`, ScopeError for a target whose scope is over, and what the source throws: nothing has changed then.
 * @example
 * await fillTensors(file, new Map([['query.weight', [layer.weight]]]), { packed: new Set([layer.weight]) });
 */
export async function fillTensors(reader: TensorReader, targets: ReadonlyMap<string, readonly Tensor[]>, { packed = new Set() }: FillOptions = {}): Promise<void> {
  for (const [name, tensors] of targets) {
    checkPresent('fillTensors', tensors);
    checkShapes(reader, name, tensors);
  }
  const bytes = [...targets.values()].flat().reduce((sum, { storage }) => sum + storage.byteLength, 0);
  const runtime = lastingRuntime(bytes, packed.size > 0);
  const holding = runtime === null ? null : new Holding(runtime);
  const parts: Part[] = [];
  try {
    // In the order of the file, which a disk reads best.
    for (const name of reader.names.filter((each) => targets.has(each))) {
      const { dtype } = reader.info(name);
      let first = 0;
      for (const tensor of targets.get(name) ?? []) {
        const incoming = incomingOf(tensor, computeDType(dtype), { runtime, holding, packed: packed.has(tensor), copy: (values) => copyInto(tensor, values) });
        parts.push({ name, dtype, first, size: tensor.size, incoming });
        first += tensor.size;
      }
    }
    await readAll(reader, parts, runtime?.heap ?? null);
    // A scope may have ended meanwhile.
    checkPresent('fillTensors', [...targets.values()].flat());
  } catch (error) {
    for (const { incoming } of parts) incoming.drop();
    throw error;
  }
  for (const { incoming } of parts) incoming.take('fillTensors');
  holding?.close();
}

function checkShapes(reader: TensorReader, name: string, tensors: readonly Tensor[]): void {
  const { shape } = reader.info(name);
  const show = (axes: readonly number[]): string => `[${axes.join(', ')}]`;
  const rows = tensors.reduce((sum, { shape: [own] }) => sum + (own ?? 0), 0);
  const repeated = tensors.find((tensor) => mayOverlapItself(tensor.layout));
  if (repeated !== undefined) throw new ShapeError(`fillTensors: the target ${show(repeated.shape)} of ${quote(name)} shows some values more than once (it was expanded); clone() it first`);
  const areParts = rows === shape[0] && tensors.every((tensor) => tensor.rank > 0 && show(tensor.shape.slice(1)) === show(shape.slice(1)));
  if (tensors.length === 1 ? show(tensors[0].shape) === show(shape) : areParts) return;
  const given = tensors.map((tensor) => show(tensor.shape)).join(' and ') || 'no tensor';
  throw new ShapeError(`fillTensors: ${reader.name}: tensor ${quote(name)} is ${show(shape)}, which does not fill ${given}; give a tensor of that shape, or its parts along the first axis`);
}

function copyInto(tensor: Tensor, values: TypedArray): void {
  withRecording(false, () => copyFrom(tensor, fromTypedArray(values, tensor.shape)));
}

/** Reads all parts to where they are to stay. */
async function readAll(reader: TensorReader, parts: readonly Part[], heap: Heap | null): Promise<void> {
  const pieces = parts.flatMap((part) => [...piecesOf(part)]);
  const largest = pieces.reduce((most, { dtype, count }) => Math.max(most, count * bytesPerElement(dtype), count * bytesPerElement(computeDType(dtype))), 0);
  const staging = Array.from({ length: lanes }, () => ({ read: new Staging(heap, largest), decoded: new Staging(heap, largest) }));
  try {
    await inLanes(lanes, pieces, async (piece, lane) => {
      const { read, decoded } = staging[lane];
      await readPiece(reader, piece, read, decoded);
    });
  } finally {
    for (const { read, decoded } of staging) {
      read.drop();
      decoded.drop();
    }
  }
}

function* piecesOf(part: Part): Generator<Piece> {
  const { dtype, size, incoming: { unit } } = part;
  const most = Math.max(1, Math.floor(pieceBytes / bytesPerElement(dtype) / unit)) * unit;
  for (let at = 0; at < size; at += most) yield { ...part, at, count: Math.min(most, size - at) };
}

const bytesOf = ({ buffer, byteOffset, byteLength }: TypedArray): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength);

async function readPiece(reader: TensorReader, { name, dtype, first, at, count, incoming }: Piece, read: Staging, decoded: Staging): Promise<void> {
  const size = bytesPerElement(dtype);
  const from = (first + at) * size;
  const asComputed = isAsComputed(dtype) && dtype !== 'bool';
  const room = incoming.room(at, count);
  if (asComputed && room !== null) {
    await reader.readInto(name, bytesOf(room), from);
    return;
  }
  const bytes = read.values('uint8', count * size);
  await reader.readInto(name, bytes as Uint8Array, from);
  const computed = computeDType(dtype);
  if (asComputed) {
    incoming.write(at, read.values(computed, count), read.address);
    return;
  }
  const values = room ?? decoded.values(computed, count);
  decodeInto(dtype, bytes as Uint8Array, values, `${reader.name}: tensor ${quote(name)}`, first + at);
  if (room === null) incoming.write(at, values, decoded.address);
}
