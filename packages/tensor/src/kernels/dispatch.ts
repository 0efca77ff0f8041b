import type { Kernels } from './contract.ts';
import { jsKernels } from './js/index.ts';
import { linear, matmul, takesProduct } from './wasm/matmul.ts';
import { currentRuntime } from './wasm/settings.ts';

/**
 * The kernels that ops call: the only place that chooses a level. Which one takes a call follows from the op, the
 * dtype, the shape and the layout alone; the first that a WebAssembly level would take starts it.
 */
export const kernels: Kernels = {
  ...jsKernels,

  matmul(a, b, out) {
    const runtime = takesProduct(a, out) ? currentRuntime() : null;
    if (runtime === null) jsKernels.matmul(a, b, out);
    else matmul(runtime, a, b, out);
  },

  linear(x, weight, bias, out) {
    const runtime = takesProduct(x, out) ? currentRuntime() : null;
    if (runtime === null) jsKernels.linear(x, weight, bias, out);
    else linear(runtime, x, weight, bias, out);
  },
};
