import { sizeOf } from '../../layout.ts';
import type { View } from '../../storage.ts';
import type { AdamWSettings } from '../contract.ts';
import { fetch, placeDense, placeResult } from './operands.ts';
import type { Runtime } from './runtime.ts';
import { partsFor, runJob } from './share.ts';

/** Fewer values stay in the js loops: a program that does no more than that never starts the engine. */
const worthIt = 1 << 11;

export function takesAdamW(parameter: View): boolean {
  return parameter.storage.dtype === 'float32' && sizeOf(parameter.layout.shape) >= worthIt;
}

/** What a value costs, in multiply-adds. */
const costOfValue = 80;

/** One step in place: the same bits as the js loops. */
export function adamW(runtime: Runtime, parameter: View, gradient: View, m: View, v: View, { keep, beta1, beta2, stepSize, eps }: AdamWSettings): void {
  const { heap } = runtime;
  heap.scratch(() => {
    const count = sizeOf(parameter.layout.shape);
    const written = [parameter, m, v];
    const [p, g, mean, square] = [parameter, gradient, m, v].map((view) => placeDense(heap, view));
    const results = written.map((view) => placeResult(heap, view));
    const job = heap.allocate(72);
    heap.f64.set([keep, beta1, beta2, stepSize, eps], job / 8);
    heap.i32.set([count, p, g, mean, square, ...results], job / 4 + 10);
    runJob(runtime, 'adamW', job, partsFor(runtime, count * costOfValue));
    written.forEach((view, i) => fetch(heap, results[i], view));
  });
}
