import { isContiguous, sizeOf } from '../../layout.ts';
import type { View } from '../../storage.ts';
import type { BinaryName, UnaryName } from '../contract.ts';
import { denseAt, innerStride, nestOf, nestRecord, withinNest } from './nest.ts';
import { fetch, place, placeResult, type Placed } from './operands.ts';
import type { Runtime } from './runtime.ts';
import { partsFor, runJob } from './share.ts';

/** The numbers of the functions in assembly/arithmetic.ts. */
const operations = { add: 0, sub: 1, mul: 2, div: 3, minimum: 4, maximum: 5, abs: 6, sqrt: 7, rsqrt: 8 } as const;
type Operation = keyof typeof operations;

/** Unary functions as binary ones: of x and a number, or of x twice. */
const unaryForms: Partial<Record<UnaryName, readonly [Operation, number | 'x', number | 'x']>> = {
  neg: ['mul', 'x', -1], square: ['mul', 'x', 'x'], reciprocal: ['div', 1, 'x'], relu: ['maximum', 'x', 0],
  abs: ['abs', 'x', 'x'], sqrt: ['sqrt', 'x', 'x'], rsqrt: ['rsqrt', 'x', 'x'],
};

/** Fewer values stay in the js loops. */
const worthIt = 1 << 11;

const isFloat32 = ({ storage }: View): boolean => storage.dtype === 'float32';

/** Rows that are dense in out, and dense or one value in the others. */
function inRows(operands: readonly View[], out: View): boolean {
  const { shape } = out.layout;
  return isContiguous(out.layout) && operands.every(({ layout }) => {
    const step = innerStride(layout);
    return step === 0 || step === 1;
  }) && withinNest(shape, [out, ...operands].map(({ layout }) => layout));
}

export function takesBinary(name: BinaryName, a: View, b: View, out: View): boolean {
  return name in operations && isFloat32(a) && isFloat32(b) && sizeOf(out.layout.shape) >= worthIt && inRows([a, b], out);
}

export function takesUnary(name: UnaryName, x: View, out: View): boolean {
  return name in unaryForms && isFloat32(x) && sizeOf(out.layout.shape) >= worthIt && inRows([x], out);
}

/** What a value costs, in multiply-adds. */
const costOfValue = 8;
/** Each part writes out repeated values of both operands: 256 of each. */
const scratchBytes = 2048;

/** out = f(a, b) */
export function binary(runtime: Runtime, name: BinaryName, a: View, b: View, out: View): void {
  run(runtime, name as Operation, a, b, out);
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
  const form = unaryForms[name];
  if (form === undefined) throw new Error('kernels: there is no such function; ask takesUnary first');
  const [operation, left, right] = form;
  run(runtime, operation, left === 'x' ? x : left, right === 'x' ? x : right, out);
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
    const loops = nestOf(shape, [denseAt(result, shape), a, b]);
    runJob(runtime, 'arithmetic', nestRecord(heap, operations[operation], loops, parts, { scratchBytes }), parts);
    fetch(heap, result, out);
  });
}
