/**
 * What contestants are asked to compute, as data: a library in another process makes the same operands from it.
 */
export type Problem = ProductProblem | AttentionProblem | RowsProblem;

/** C [batch…, M, N] = A [batch…, M, K] · B [batch…, K, N] */
export interface ProductProblem {
  readonly op: 'product';
  /** 0: matrices without an axis for it. */
  readonly batch: number;
  readonly M: number;
  readonly K: number;
  readonly N: number;
  /** B lies as [batch…, N, K]. */
  readonly transposed: boolean;
  /** B never changes: it may be packed before. */
  readonly constant: boolean;
}

/** softmax(Q Kᵀ / √size) V, all [heads, length, size]; backward: the gradients of Q, K and V for one of the output. */
export interface AttentionProblem {
  readonly op: 'attention';
  readonly heads: number;
  readonly length: number;
  readonly size: number;
  readonly backward: boolean;
}

/** Over each of the rows of [rows, columns]; layerNorm with weight and bias, gelu in its exact form. */
export interface RowsProblem {
  readonly op: 'softmax' | 'layerNorm' | 'gelu';
  readonly rows: number;
  readonly columns: number;
}

/** Operands as values and shape. */
export interface Input {
  readonly values: Float32Array;
  readonly shape: readonly number[];
}

export const epsilon = 1e-12;

/** Numbers in [low, high) without a pattern, the same in every run: a Weyl sequence, begun elsewhere for each operand. */
export function numbers(count: number, low: number, high: number, begin = 1): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => low + (high - low) * (((i + begin) * 0.6180339887498949) % 1));
}

function input(shape: readonly number[], low: number, high: number, operand = 0): Input {
  return { values: numbers(shape.reduce((size, length) => size * length, 1), low, high, 1 + operand * 10_007), shape };
}

/** The operands of a problem, in the order of its formula. */
export function inputsOf(problem: Problem): Input[] {
  switch (problem.op) {
    case 'product': {
      const { batch, M, K, N, transposed } = problem;
      const outer = batch === 0 ? [] : [batch];
      return [input([...outer, M, K], -1, 1), input([...outer, ...(transposed ? [N, K] : [K, N])], -1, 1, 1)];
    }
    case 'attention': {
      const shape = [problem.heads, problem.length, problem.size];
      return Array.from({ length: problem.backward ? 4 : 3 }, (_, operand) => input(shape, -2, 2, operand));
    }
    case 'layerNorm': {
      const { rows, columns } = problem;
      return [input([rows, columns], -2, 3), input([columns], 0.5, 1.5, 1), input([columns], -1, 1, 2)];
    }
    default:
      return [input([problem.rows, problem.columns], -4, 4)];
  }
}

/** Floating-point operations, a term of a sum being two; for the memory-bound ones bytes read and written once. */
export function workOf(problem: Problem): { readonly amount: number; readonly unit: 'GFLOP/s' | 'GB/s' } {
  switch (problem.op) {
    case 'product':
      return { amount: 2 * Math.max(problem.batch, 1) * problem.M * problem.K * problem.N, unit: 'GFLOP/s' };
    case 'attention':
      // Two products forward; five more on the way back, where the scores are computed again.
      return { amount: (problem.backward ? 7 : 2) * 2 * problem.heads * problem.length ** 2 * problem.size, unit: 'GFLOP/s' };
    default:
      return { amount: 2 * 4 * problem.rows * problem.columns, unit: 'GB/s' };
  }
}
