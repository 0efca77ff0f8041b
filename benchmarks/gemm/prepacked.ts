import { fromTypedArray, persist, type KernelLevel, type Tensor } from '@strided/tensor';
import { linearPacked, packedWeightBytes, packWeight } from '../../packages/tensor/src/kernels/wasm/matmul.ts';
import { currentChoice } from '../../packages/tensor/src/kernels/wasm/settings.ts';
import { wrap } from '../../packages/tensor/src/ops/op.ts';
import { allocate } from '../../packages/tensor/src/storage.ts';
import { inScope, type Way } from '../libraries/strided.ts';
import { inputsOf, type ProductProblem } from '../problems.ts';

const plain = { bias: null, scale: 1, activation: null, dropout: null, residual: null, slope: null };

/** A product whose constant operand is packed before; null for the js loops, which pack nothing. */
export function prepacked(level: KernelLevel, problem: ProductProblem): Way<void> | null {
  const runtime = level === 'js' ? null : currentChoice().runtime;
  if (runtime === null) return null;
  const { heap } = runtime;
  const { M, K, N } = problem;
  const [a, b] = inputsOf(problem).map(({ values, shape }) => fromTypedArray(values, shape));
  persist([a]);
  const panels = heap.reserve(packedWeightBytes(runtime, N, K));
  heap.scratch(() => {
    const address = heap.allocate(4 * K * N);
    heap.f32.set(b.toTypedArray(), address / 4);
    packWeight(runtime, { address, strides: [4, 4 * N] }, N, K, panels.address);
  });
  const compute = (): Tensor => {
    const result = allocate([M, N], 'float32');
    linearPacked(runtime, a, panels.address, plain, result);
    return wrap(result);
  };
  return { ...inScope(compute), close: () => heap.free(panels) };
}
