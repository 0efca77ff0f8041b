import { fromTypedArray, matmul, persist, type KernelLevel, type Tensor } from '@strided/tensor';
import type { Bench, BenchOptions, Case, Contestant } from '../harness/bench.ts';
import { PeerProcesses } from '../harness/peers.ts';
import { atLevels, inScope, levels, type Way } from '../libraries/strided.ts';
import { inputsOf, workOf, type ProductProblem } from '../problems.ts';
import { bars } from './bars.ts';
import { limits, type Limits } from './limit.ts';
import { prepacked } from './prepacked.ts';

/**
 * Products of matrices at every kernel level, beside the peers and the most that the processor can do. Operands lie in
 * the kernels' memory, as in a scope, and the second of two matrices never changes and is packed before, as the peers'
 * sessions do; `ordinary`: all may change, and lie where any tensor lies that a program makes.
 */

export type Size = readonly [M: number, K: number, N: number];

const bertSizes: readonly Size[] = [[128, 768, 768], [128, 3072, 768], [512, 768, 768], [128, 768, 3072]];

export interface Product {
  readonly name: string;
  readonly problem: ProductProblem;
  readonly ordinary: boolean;
}

function productsOf(sizes: readonly Size[]): Product[] {
  const both = ([M, K, N]: Size, rest: Partial<ProductProblem>): Product[] => {
    const name = `${rest.batch === undefined ? '' : `${rest.batch}×`}${M}×${K}×${N}${rest.transposed ? ' transposed' : ''}`;
    const problem = { op: 'product' as const, batch: 0, M, K, N, transposed: false, constant: false, ...rest };
    return [{ name, problem, ordinary: false }, { name: `${name} ordinary`, problem: { ...problem, constant: false }, ordinary: true }];
  };
  const heads: Size = [128, 64, 128];
  return [
    ...sizes.flatMap((size) => both(size, { constant: true })),
    ...both(sizes[0], { transposed: true }),
    ...both(heads, { batch: 12 }),
    ...both(heads, { batch: 12, transposed: true }),
  ];
}

/** How Strided computes a product at the level that runs now. */
function way(level: KernelLevel, { problem, ordinary }: Product): Way<unknown> {
  const packed = problem.constant ? prepacked(level, problem) : null;
  if (packed !== null) return packed;
  const [a, b] = inputsOf(problem).map(({ values, shape }) => fromTypedArray(values, shape));
  const right = problem.transposed ? b.transpose(-2, -1) : b;
  if (ordinary) return { run: () => matmul(a, right), read: (result: Tensor) => result.toTypedArray() };
  persist([a, b]);
  return inScope(() => matmul(a, right));
}

/** A limit does as many multiply-adds as the case, and computes nothing. */
function limitContestants({ narrow, wide }: Limits, problem: ProductProblem): Contestant[] {
  const multiplyAdds = workOf(problem).amount / 2;
  return [
    ...(wide === null ? [] : [{ name: 'limit-simd256', run: () => wide(multiplyAdds) }]),
    { name: 'limit-relaxed', run: () => narrow(multiplyAdds) },
  ];
}

/** The bench over products of given sizes. */
export function gemmOf(products: readonly Size[]): Bench {
  let peers: PeerProcesses | undefined;
  return {
    name: 'gemm',
    threads: [1, 2],
    async cases({ threads, peers: allowed }: BenchOptions): Promise<Case[]> {
      peers = new PeerProcesses(allowed);
      const [processes, found] = [peers, await levels()];
      const limit = await limits(found.some(({ level }) => level === 'simd256'));
      return productsOf(products).map((product) => {
        const { name, problem } = product;
        return {
          name, work: workOf(problem), tolerance: 1e-4, bars: bars(product, found[0].level, threads),
          async prepare() {
            const ours = await atLevels(found, threads, (level) => way(level, product));
            return [...ours, ...await processes.racers(problem, threads), ...limitContestants(limit, problem)];
          },
        };
      });
    },
    close: () => peers?.close(),
  };
}

export const gemm = gemmOf(bertSizes);
