import { loadPeer } from '../harness/peers.ts';
import { epsilon, inputsOf, type Problem } from '../problems.ts';
import type { Library } from './index.ts';

/** The part of jax-js that the benchmarks use. What a function takes is gone afterwards, unless `ref` counts it once more. */
interface JaxArray {
  readonly ref: JaxArray;
  reshape(shape: readonly number[]): JaxArray;
  add(other: JaxArray | number): JaxArray;
  mul(other: JaxArray | number): JaxArray;
  data(): Promise<Float32Array>;
  blockUntilReady(): Promise<JaxArray>;
  dispose(): void;
}

type Compute = (...operands: JaxArray[]) => JaxArray;

interface Jax {
  init(device: 'wasm'): Promise<unknown>;
  defaultDevice(device: 'wasm'): unknown;
  jit(fn: Compute): Compute;
  grad(fn: Compute, options: { readonly argnums: readonly number[] }): (...operands: JaxArray[]) => JaxArray[];
  readonly numpy: {
    array(values: Float32Array): JaxArray;
    matmul(a: JaxArray, b: JaxArray): JaxArray;
    swapaxes(x: JaxArray, a: number, b: number): JaxArray;
    sum(x: JaxArray): JaxArray;
    concatenate(arrays: readonly JaxArray[], axis: number): JaxArray;
  };
  readonly nn: {
    softmax(x: JaxArray, axis: number): JaxArray;
    gelu(x: JaxArray, options: { readonly approximate: boolean }): JaxArray;
    standardize(x: JaxArray, axis: number, options: { readonly epsilon: number }): JaxArray;
  };
}

/** jax-js in WebAssembly, each computation compiled by its `jit`: one thread, as it starts no workers in Node. */
export async function jax(): Promise<Library> {
  const module = await loadPeer<Jax>('@jax-js/jax');
  if (module === null) throw new Error('@jax-js/jax is not installed');
  await module.init('wasm');
  module.defaultDevice('wasm');
  return {
    contestant(problem) {
      const compute = module.jit(computation(module, problem));
      const operands = inputsOf(problem).map(({ values, shape }) => module.numpy.array(values).reshape(shape));
      return {
        name: 'jax-js',
        run: () => compute(...operands.map(({ ref }) => ref)).blockUntilReady(),
        // Reading takes the array, and `release` once more.
        read: (result: JaxArray) => result.ref.data(),
        release: (result: JaxArray) => result.dispose(),
        close: () => operands.forEach((operand) => operand.dispose()),
      };
    },
  };
}

function computation({ numpy: np, nn, grad }: Jax, problem: Problem): Compute {
  switch (problem.op) {
    case 'product':
      return problem.transposed ? (a, b) => np.matmul(a, np.swapaxes(b, -1, -2)) : np.matmul;
    case 'attention': {
      const scale = 1 / Math.sqrt(problem.size);
      const attend: Compute = (q, k, v) => np.matmul(nn.softmax(np.matmul(q, np.swapaxes(k, -1, -2)).mul(scale), -1), v);
      if (!problem.backward) return attend;
      const gradients = grad((q, k, v, g) => np.sum(attend(q, k, v).mul(g)), { argnums: [0, 1, 2] });
      return (q, k, v, g) => np.concatenate(gradients(q, k, v, g), 0);
    }
    case 'softmax':
      return (x) => nn.softmax(x, -1);
    case 'layerNorm':
      return (x, weight, bias) => nn.standardize(x, -1, { epsilon }).mul(weight).add(bias);
    case 'gelu':
      return (x) => nn.gelu(x, { approximate: false });
  }
}
