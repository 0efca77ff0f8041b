import { enableGrad, grad } from '../autograd.ts';
import { isFloat } from '../dtype.ts';
import { contiguous } from '../layout.ts';
import { Generator } from '../random.ts';
import { Storage } from '../storage.ts';
import { Tensor } from '../tensor.ts';
import { expectClose, type CloseOptions } from './close.ts';

export interface TwinOptions {
  /** For values. Default: those of `expectClose` for the inputs' dtype. */
  readonly values?: CloseOptions;
  /** For gradients. Default: the same. */
  readonly gradients?: CloseOptions;
  /** Of the weights with which output values are summed before they are differentiated. Default 0. */
  readonly seed?: number;
}

/**
 * Requires that two functions are one: that `fused` on its inputs gives the values and, for every float input, the
 * gradients that `composed` gives in float64 on the same values and layouts.
 *
 * @throws Error that says whether a value or which input's gradient differs, and where most.
 * @example
 * expectTwins((x) => x.softmax(), (x) => x.exp().div(x.exp().sum(-1, { keepDims: true })), [randn([2, 3])]);
 */
export function expectTwins(fused: (...inputs: Tensor[]) => Tensor, composed: (...inputs: Tensor[]) => Tensor, inputs: readonly Tensor[], options: TwinOptions = {}): void {
  const ours = inputs.map((input) => leafOf(input, false));
  const theirs = inputs.map((input) => leafOf(input, true));
  enableGrad(() => {
    const [actual, expected] = [fused(...ours), composed(...theirs)];
    named('the value', () => expectClose(actual, expected, options.values));
    const generator = new Generator(options.seed ?? 0);
    const weights = Float64Array.from({ length: actual.size }, () => generator.uniform() * 2 - 1);
    const upstream = new Tensor({ storage: new Storage('float64', weights), layout: contiguous(actual.shape) });
    const gradients = (output: Tensor, leaves: readonly Tensor[]) =>
      output.requiresGrad ? grad(output, leaves.filter(({ requiresGrad }) => requiresGrad), { gradOutputs: [upstream.cast(output.dtype)], allowUnused: true }) : [];
    // The same weights for both: float32 ones, where that is what the fused op sees.
    weights.set(upstream.cast(actual.dtype).toTypedArray());
    const found = gradients(actual, ours);
    gradients(expected, theirs).forEach((gradient, i) => {
      const own = found[i] ?? null;
      named(`the gradient of float input ${i}`, () => {
        if (own !== null && gradient !== null) expectClose(own, gradient, options.gradients ?? options.values);
        else if (own !== gradient) throw new Error(`${own === null ? 'only the composed' : 'only the fused'} function has one`);
      });
    });
  });
}

/** The same values on the same layout, on memory of its own, floats as float64 where asked. */
function leafOf({ storage: { dtype, data }, layout }: Tensor, wide: boolean): Tensor {
  const storage = isFloat(dtype) && wide ? new Storage('float64', Float64Array.from(data)) : new Storage(dtype, data.slice());
  const leaf = new Tensor({ storage, layout });
  leaf.requiresGrad = isFloat(dtype);
  return leaf;
}

function named(what: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    throw new Error(`expectTwins: ${what} differs: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
