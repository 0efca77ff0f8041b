import { sizeOf } from '../../layout.ts';
import type { View } from '../../storage.ts';
import type { ActivationName, UnaryName } from '../contract.ts';
import type { ElementwiseJobs, LightElementwiseJobs } from './exports.ts';
import { maxParts, type Heap } from './heap.ts';
import { fetch, placeDense, placeResult } from './operands.ts';
import type { Runtime } from './runtime.ts';
import { partsFor, runJob } from './share.ts';

type ElementwiseJob = keyof ElementwiseJobs | keyof LightElementwiseJobs;

/** The unary functions that take the way into the heap: those that cost far more than a copy. */
const forward: Partial<Record<UnaryName, ElementwiseJob>> = {
  exp: 'exp', sigmoid: 'sigmoid', tanh: 'tanh', gelu: 'gelu', geluTanh: 'geluTanh', silu: 'silu', erf: 'erf', log: 'log',
};

const backward: Partial<Record<ActivationName, ElementwiseJob>> = {
  gelu: 'geluBackward', geluTanh: 'geluTanhBackward', silu: 'siluBackward',
  tanh: 'tanhBackward', sigmoid: 'sigmoidBackward',
};

/** Fewer values stay in the js loops: a program that does no more than that never starts the engine. */
const worthIt = 1 << 11;

export function takesUnary(name: UnaryName, x: View, out: View): boolean {
  return name in forward && isLargeFloat32(x, out);
}

export function takesActivationBackward(name: ActivationName, value: View, out: View): boolean {
  return name in backward && isLargeFloat32(value, out);
}

function isLargeFloat32(x: View, out: View): boolean {
  return x.storage.dtype === 'float32' && out.storage.dtype === 'float32' && sizeOf(out.layout.shape) >= worthIt;
}

/** out = f(x) */
export function unary(runtime: Runtime, name: UnaryName, x: View, out: View): void {
  run(runtime, forward[name], [x], out);
}

/** out = g·f′(value) */
export function activationBackward(runtime: Runtime, name: ActivationName, value: View, g: View, out: View): void {
  run(runtime, backward[name], [value, g], out);
}

/** What a value costs, in multiply-adds. */
const costOfValue = 50;

function run(runtime: Runtime, job: ElementwiseJob | undefined, inputs: readonly View[], out: View): void {
  if (job === undefined) throw new Error('kernels: there is no such elementwise kernel; ask takesUnary first');
  const { heap } = runtime;
  heap.scratch(() => {
    const addresses = inputs.map((input) => placeDense(heap, input));
    const count = sizeOf(out.layout.shape);
    const result = placeResult(heap, out);
    const parts = partsFor(runtime, count * costOfValue);
    runJob(runtime, job, elementwiseRecord(heap, count, addresses[0], addresses[1] ?? 0, result), parts);
    fetch(heap, result, out);
  });
}

/** The record that assembly/elementwise.ts reads. */
export function elementwiseRecord(heap: Heap, count: number, x: number, g: number, out: number): number {
  const scratch = heap.allocate(64 * maxParts);
  const record = heap.allocate(64);
  heap.i32.set([count, x, g, out, scratch], record / 4);
  return record;
}
