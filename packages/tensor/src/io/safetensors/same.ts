import { bytesPerElement, isFloat, newArray } from '../../dtype.ts';
import { quote } from '../quote.ts';
import { computeDType, decodeInto } from './codec.ts';
import type { TensorReader } from './reader.ts';

/** Values that are compared at once. */
const pieceValues = 1 << 19;

/** Whether two tensors of a file hold the same values of the same shape; floats are compared as float32. Little of them is in memory at a time. */
export async function sameTensors(reader: TensorReader, one: string, other: string): Promise<boolean> {
  const sides = [one, other].map((name) => {
    const { dtype, shape } = reader.info(name);
    return { name, dtype, shape, size: bytesPerElement(dtype), bytes: new Uint8Array(pieceValues * bytesPerElement(dtype)), values: newArray(computeDType(dtype), pieceValues) };
  });
  if (sides[0].shape.join() !== sides[1].shape.join()) return false;
  const count = sides[0].shape.reduce((product, length) => product * length, 1);
  for (let first = 0; first < count; first += pieceValues) {
    const length = Math.min(pieceValues, count - first);
    const bytes = sides.map((side) => side.bytes.subarray(0, length * side.size));
    await Promise.all(sides.map(({ name, size }, i) => reader.readInto(name, bytes[i], first * size)));
    if (sides[0].dtype === sides[1].dtype && sameBytes(bytes[0], bytes[1])) continue;
    const [x, y] = sides.map(({ name, dtype, values }, i) => {
      const part = values.subarray(0, length);
      decodeInto(dtype, bytes[i], part, `${reader.name}: tensor ${quote(name)}`, first);
      return part;
    });
    const floats = sides.every(({ dtype }) => isFloat(computeDType(dtype)));
    for (let i = 0; i < length; i++) if (!Object.is(x[i], y[i]) && !(floats ? Math.fround(x[i]) === Math.fround(y[i]) : x[i] === y[i])) return false;
  }
  return true;
}

/** Compares words where it can: their arrays begin together, and reading has aligned both. */
function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  const words = Math.floor(a.length / 4);
  const [x, y] = [a, b].map(({ buffer, byteOffset }) => new Int32Array(buffer, byteOffset, words));
  for (let i = 0; i < words; i++) if (x[i] !== y[i]) return false;
  for (let i = words * 4; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
