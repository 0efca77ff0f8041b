import { isFloat } from './dtype.ts';
import { AutogradError } from './errors.ts';
import { formatShape } from './layout.ts';
import { refusePromise, withAnomalyCheck, withRecording, wrap } from './ops/op.ts';
import type { View } from './storage.ts';
import type { Tensor } from './tensor.ts';

export interface AnomalyOptions {
  /** Look for infinities too. Default false: masks use them. */
  readonly infinite?: boolean;
}

/**
 * Runs `fn` so that the first op that makes a NaN, forward or on the way back, throws an AutogradError that names it.
 * An op that only passes on a NaN which it was given did not make it. Slow: every value is looked at.
 *
 * @example
 * detectAnomaly(() => model.loss(batch).backward());
 * // AutogradError: detectAnomaly: backward of sqrt is the first to make a NaN, in a result of shape [8, 128] …
 */
export function detectAnomaly<T>(fn: () => T, { infinite = false }: AnomalyOptions = {}): T {
  const holds = infinite ? holdsInfinity : holdsNaN;
  return withAnomalyCheck((op, inputs, outputs) => {
    const made = outputs.find(holds);
    if (made === undefined || inputs.some(holds)) return;
    throw new AutogradError(
      `detectAnomaly: ${op} is the first to make a NaN${infinite ? ' or an infinity' : ''}, in a result of shape ${formatShape(made.layout.shape)}, from inputs without one; look at the values it is given`,
    );
  }, () => refusePromise('detectAnomaly', fn()));
}

function holdsNaN(view: View): boolean {
  return holdsSome(view, (x) => x.isNaN());
}

/** Or NaN, which an infinity turns into. */
function holdsInfinity(view: View): boolean {
  return holdsSome(view, (x) => x.isFinite().logicalNot());
}

function holdsSome(view: View, test: (x: Tensor) => Tensor<'bool'>): boolean {
  return isFloat(view.storage.dtype) && withAnomalyCheck(null, () => withRecording(false, () => test(wrap(view)).any().item()));
}
