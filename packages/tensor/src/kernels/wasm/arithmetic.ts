import { bytesPerElement, type DType } from '../../dtype.ts';
import { isContiguous, sizeOf } from '../../layout.ts';
import type { View } from '../../storage.ts';
import type { BinaryName, UnaryName } from '../contract.ts';
import { denseAt, innerStride, nestOf, nestRecord, withinNest } from './nest.ts';
import { fetch, place, placeResult, type Placed } from './operands.ts';
import type { Runtime } from './runtime.ts';
import { partsFor, runJob } from './share.ts';

/** The numbers of the functions in assembly/arithmetic.ts: of a comparison 16, and the bits that it names there. */
const operations = {
  add: 0, sub: 1, mul: 2, div: 3, minimum: 4, maximum: 5, abs: 6, sqrt: 7, rsqrt: 8, fromInt: 9,
  eq: 17, lt: 18, le: 19, ne: 21, intEq: 25, intLt: 26, intLe: 27, intNe: 29,
} as const;
type Operation = keyof typeof operations;

/** What a value costs, in multiply-adds. */
const costOfValue = 8;
/** Each part writes out repeated values of both operands: 256 of each. */
const scratchBytes = 2048;

/** A function of operands, or of one and a number. */
type Form = readonly [Operation, number | 'a' | 'b', number | 'a' | 'b'];

/** Comparisons, of float32 and of int32. */
const comparisons: Partial<Record<BinaryName, { readonly float32: Form; readonly int32: Form }>> = {
  eq: { float32: ['eq', 'a', 'b'], int32: ['intEq', 'a', 'b'] }, ne: { float32: ['ne', 'a', 'b'], int32: ['intNe', 'a', 'b'] },
  lt: { float32: ['lt', 'a', 'b'], int32: ['intLt', 'a', 'b'] }, gt: { float32: ['lt', 'b', 'a'], int32: ['intLt', 'b', 'a'] },
  le: { float32: ['le', 'a', 'b'], int32: ['intLe', 'a', 'b'] }, ge: { float32: ['le', 'b', 'a'], int32: ['intLe', 'b', 'a'] },
};

/** Unary functions as binary ones: of x and a number, or of x twice. */
const unaryForms: Partial<Record<UnaryName, Form>> = {
  neg: ['mul', 'a', -1], square: ['mul', 'a', 'a'], reciprocal: ['div', 1, 'a'], relu: ['maximum', 'a', 0],
  abs: ['abs', 'a', 'a'], sqrt: ['sqrt', 'a', 'a'], rsqrt: ['rsqrt', 'a', 'a'], isNaN: ['ne', 'a', 'a'], logicalNot: ['eq', 'a', 0],
};

/** Changes of dtype as functions, from and to. */
const casts: Partial<Record<DType, Partial<Record<DType, Form>>>> = {
  int32: { float32: ['fromInt', 'a', 'a'], bool: ['intNe', 'a', 0] }, float32: { bool: ['ne', 'a', 0] },
};

/** Fewer values stay in the js loops. */
const worthIt = 1 << 11;

const isFloat32 = ({ storage }: View): boolean => storage.dtype === 'float32';

/** The function for two operands; undefined where there is none for their dtype. */
function binaryForm(name: BinaryName, { storage: { dtype } }: View): Form | undefined {
  if (dtype !== 'float32' && dtype !== 'int32') return undefined;
  return comparisons[name]?.[dtype] ?? (dtype === 'float32' && name in operations ? [name as Operation, 'a', 'b'] : undefined);
}

/** Rows that are dense in out, and dense or one value in the others. */
export function inRows(operands: readonly View[], out: View): boolean {
  const { shape } = out.layout;
  return isContiguous(out.layout) && operands.every(({ layout }) => {
    const step = innerStride(layout);
    return step === 0 || step === 1;
  }) && withinNest(shape, [out, ...operands].map(({ layout }) => layout));
}

export function takesBinary(name: BinaryName, a: View, b: View, out: View): boolean {
  return binaryForm(name, a) !== undefined && sizeOf(out.layout.shape) >= worthIt && inRows([a, b], out);
}

export function takesUnary(name: UnaryName, x: View, out: View): boolean {
  return name in unaryForms && isFloat32(x) && sizeOf(out.layout.shape) >= worthIt && inRows([x], out);
}

/** Whether a copy changes the dtype to one that has a function for it. */
export function takesCast(x: View, out: View): boolean {
  return casts[x.storage.dtype]?.[out.storage.dtype] !== undefined && sizeOf(out.layout.shape) >= worthIt && inRows([x], out);
}

/** out = f(a, b) */
export function binary(runtime: Runtime, name: BinaryName, a: View, b: View, out: View): void {
  runForm(runtime, binaryForm(name, a), a, b, out);
}

/** Whether `out += x` is large, and out's values lie side by side. */
export function takesAccumulate(x: View, out: View): boolean {
  return isFloat32(x) && takesBinary('add', out, x, out);
}

/** out += x */
export function accumulate(runtime: Runtime, x: View, out: View): void {
  run(runtime, 'add', out, x, out);
}

/** out = f(x) */
export function unary(runtime: Runtime, name: UnaryName, x: View, out: View): void {
  runForm(runtime, unaryForms[name], x, x, out);
}

/** out = x as out's dtype */
export function cast(runtime: Runtime, x: View, out: View): void {
  runForm(runtime, casts[x.storage.dtype]?.[out.storage.dtype], x, x, out);
}

function runForm(runtime: Runtime, form: Form | undefined, a: View, b: View, out: View): void {
  if (form === undefined) throw new Error('kernels: there is no such function; ask takesBinary, takesUnary or takesCast first');
  const [left, right] = [form[1], form[2]].map((side) => (side === 'a' ? a : side === 'b' ? b : side));
  run(runtime, form[0], left, right, out);
}

function run(runtime: Runtime, operation: Operation, left: View | number, right: View | number, out: View): void {
  const { heap } = runtime;
  heap.scratch(() => {
    const { shape } = out.layout;
    const placed = (operand: View | number): Placed => {
      if (typeof operand !== 'number') return place(heap, operand);
      const address = heap.allocate(4);
      heap.f32[address / 4] = operand;
      return { address, strides: shape.map(() => 0) };
    };
    const a = placed(left);
    const b = right === left ? a : placed(right);
    const result = placeResult(heap, out);
    const parts = partsFor(runtime, sizeOf(shape) * costOfValue);
    const loops = nestOf(shape, [denseAt(result, shape, bytesPerElement(out.storage.dtype)), a, b]);
    runJob(runtime, 'arithmetic', nestRecord(heap, operations[operation], loops, parts, { scratchBytes }), parts);
    fetch(heap, result, out);
  });
}
