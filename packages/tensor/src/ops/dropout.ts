import { toFloat, type DType, type ToFloat } from '../dtype.ts';
import { reserveMask } from '../dropoutMask.ts';
import { ArgumentError } from '../errors.ts';
import { kernels } from '../kernels/dispatch.ts';
import { defaultGenerator, type Generator, type GeneratorState } from '../random.ts';
import { allocateUnset } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { cast } from './elementwise.ts';
import { apply, defineOp, type Op } from './op.ts';

/** What a mask of dropout is a pure function of: draw i of the stream decides about value i in row-major order. */
export interface DropoutStream {
  readonly p: number;
  readonly state: GeneratorState;
}

/** Linear in x with a mask that backward draws again instead of keeping it, so it is its own rule. */
const dropoutOp: Op<DropoutStream> = defineOp({
  name: 'dropout',
  forward([x], { p, state }) {
    const output = allocateUnset(x.layout.shape, x.storage.dtype);
    kernels.dropout(x, p, state, output);
    return output;
  },
  backward: (g, { attributes }) => [apply(dropoutOp, [g], attributes)],
});

export interface DropoutOptions {
  /** The probability that a value becomes 0. Default 0.5. */
  readonly p?: number;
  /** Off, the op returns x itself. Default true. */
  readonly training?: boolean;
  readonly generator?: Generator;
}

export function checkProbability(op: string, p: number): number {
  if (!(p >= 0 && p <= 1)) throw new ArgumentError(`${op}: the probability must be from 0 to 1, not ${p}`);
  return p;
}

/**
 * Each value is 0 with probability p, else x / (1 − p), so that the mean stays (Srivastava et al., JMLR 2014).
 * @throws ArgumentError when p is not from 0 to 1.
 * @example
 * dropout(ones([4]), { p: 0.5, generator: new Generator(1) }); // zeros and twos, the same every time
 */
export function dropout<D extends DType>(x: Tensor<D>, { p = 0.5, training = true, generator = defaultGenerator }: DropoutOptions = {}): Tensor<ToFloat<D>> {
  checkProbability('dropout', p);
  const float = cast(x, toFloat(x.dtype));
  return training && p > 0 ? dropStream(float, { p, state: reserveMask(generator, x.size) }) : float;
}

/** Dropout by a part of a stream that was reserved before. */
export function dropStream<D extends DType>(x: Tensor<D>, stream: DropoutStream): Tensor<D> {
  return apply(dropoutOp, [x], stream) as Tensor<D>;
}
