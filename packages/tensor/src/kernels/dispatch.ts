import type { Kernels } from './contract.ts';
import { jsKernels } from './js/index.ts';

/** The kernels that ops call: the only place that chooses a level. */
export const kernels: Kernels = jsKernels;
