import { inputsOf, type Problem } from '../problems.ts';
import type { Library } from './index.ts';
import { loadNumpyTs, type NpArray, type NumpyTs } from './numpyTs.ts';

/** numpy-ts, which computes on one thread. */
export async function numpyTs(): Promise<Library> {
  const np = await loadNumpyTs();
  if (np === null) throw new Error('numpy-ts is not installed');
  return {
    contestant(problem) {
      const compute = computation(np, problem);
      if (compute === null) return null;
      const operands = inputsOf(problem).map(({ values, shape }) => np.array(values, 'float32').reshape(...shape));
      return { name: 'numpy-ts', run: () => compute(operands), read: (result: NpArray) => result.copy().data, release: (result: NpArray) => result.dispose() };
    },
  };
}

/** softmax over the last axis, every step ended as its memory asks. */
function softmax(np: NumpyTs, x: NpArray, axis: number): NpArray {
  const max = np.max(x, axis, true) as NpArray;
  const shifted = np.subtract(x, max);
  const exps = np.exp(shifted);
  const sum = np.sum(exps, axis, true) as NpArray;
  const result = np.divide(exps, sum);
  for (const step of [max, shifted, exps, sum]) step.dispose();
  return result;
}

function computation(np: NumpyTs, problem: Problem): ((operands: readonly NpArray[]) => NpArray) | null {
  switch (problem.op) {
    case 'product':
      return ([a, b]) => np.matmul(a, problem.transposed ? np.swapaxes(b, -2, -1) : b);
    case 'attention': {
      if (problem.backward) return null;
      const scale = 1 / Math.sqrt(problem.size);
      return ([q, k, v]) => {
        const raw = np.matmul(q, np.swapaxes(k, -2, -1));
        const scores = np.multiply(raw, scale);
        const weights = softmax(np, scores, 2);
        const result = np.matmul(weights, v);
        for (const step of [raw, scores, weights]) step.dispose();
        return result;
      };
    }
    case 'softmax':
      return ([x]) => softmax(np, x, 1);
    default:
      // It has neither erf nor a layer norm.
      return null;
  }
}
