import type { Contestant } from '../harness/bench.ts';
import { epsilon, inputsOf, type Problem } from '../problems.ts';
import type { Library } from './index.ts';
import { loadTfjs, type Tfjs, type TfTensor } from './tfjs.ts';

/** TensorFlow.js in WebAssembly: one thread, as it starts no workers in Node. */
export async function tfjsWasm(): Promise<Library> {
  const tf = await loadTfjs('wasm');
  if (tf === null) throw new Error('@tensorflow/tfjs-backend-wasm is not installed');
  return { contestant: (problem) => contestant(tf, problem) };
}

function contestant(tf: Tfjs, problem: Problem): Contestant<TfTensor[]> {
  const compute = computation(tf, problem);
  const operands = inputsOf(problem).map(({ values, shape }) => tf.tensor(values, shape, 'float32'));
  return {
    name: 'tfjs-wasm',
    run: () => compute(operands),
    read: (results) => results.flatMap((result) => Array.from(result.dataSync())),
    release: (results) => results.forEach((result) => result.dispose()),
    close: () => operands.forEach((operand) => operand.dispose()),
  };
}

/** What it lacks is composed, as its user would. */
function computation(tf: Tfjs, problem: Problem): (operands: readonly TfTensor[]) => TfTensor[] {
  switch (problem.op) {
    case 'product':
      return ([a, b]) => [tf.matMul(a, b, false, problem.transposed)];
    case 'attention': {
      const scale = 1 / Math.sqrt(problem.size);
      const attend = (q: TfTensor, k: TfTensor, v: TfTensor): TfTensor => tf.matMul(tf.softmax(tf.mul(tf.matMul(q, k, false, true), scale)), v);
      if (!problem.backward) return ([q, k, v]) => [tf.tidy(() => attend(q, k, v))];
      const gradients = tf.grads(attend);
      return ([q, k, v, g]) => gradients([q, k, v], g);
    }
    case 'softmax':
      return ([x]) => [tf.softmax(x)];
    case 'layerNorm':
      return ([x, weight, bias]) => [tf.tidy(() => {
        const { mean, variance } = tf.moments(x, [1], true);
        return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, epsilon))), weight), bias);
      })];
    case 'gelu':
      return ([x]) => [tf.tidy(() => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)))];
  }
}
