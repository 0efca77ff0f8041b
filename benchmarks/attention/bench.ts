import { fromTypedArray, grad, persist, scaledDotProductAttention, type Tensor } from '@strided/tensor';
import type { Bench, BenchOptions, Case } from '../harness/bench.ts';
import { PeerProcesses } from '../harness/peers.ts';
import { atLevels, inScope, levels, valuesOf, type Way } from '../libraries/strided.ts';
import { inputsOf, workOf, type AttentionProblem } from '../problems.ts';

/**
 * Attention of [heads, length, 64], forward and with its gradients, at every kernel level beside peers, who compose it of
 * products and softmax. Operands lie in the kernels' memory, as in a scope; `ordinary`: where any tensor lies that a
 * program makes.
 */

export type AttentionSize = readonly [heads: number, length: number, size: number];

const bertSizes: readonly AttentionSize[] = [[8, 128, 64], [12, 128, 64], [8, 512, 64], [12, 512, 64]];

/** How Strided computes it. */
function way(problem: AttentionProblem, ordinary: boolean): Way<unknown> {
  const operands = inputsOf(problem).map(({ values, shape }, i) => fromTypedArray(values, shape, { requiresGrad: problem.backward && i < 3 }));
  if (!ordinary) persist(operands);
  const [q, k, v, g] = operands;
  const compute = (): Tensor | Tensor[] => {
    const output = scaledDotProductAttention(q, k, v);
    return problem.backward ? grad(output, [q, k, v], { gradOutputs: [g] }) : output;
  };
  return ordinary ? { run: compute, read: (result) => valuesOf(result as Tensor | Tensor[]) } : inScope(compute);
}

/** The bench over sizes; those of the first are raced with ordinary operands too. */
export function attentionOf(sizes: readonly AttentionSize[]): Bench {
  let peers: PeerProcesses | undefined;
  return {
    name: 'attention',
    threads: [1, 2],
    async cases({ threads, peers: allowed }: BenchOptions): Promise<Case[]> {
      peers = new PeerProcesses(allowed);
      const [processes, found] = [peers, await levels()];
      const one = (problem: AttentionProblem, ordinary: boolean): Case => ({
        name: `${problem.heads}×${problem.length}×${problem.size}${problem.backward ? ' forward and backward' : ''}${ordinary ? ' ordinary' : ''}`,
        work: workOf(problem), tolerance: 1e-4,
        prepare: async () => [...await atLevels(found, threads, () => way(problem, ordinary)), ...await processes.racers(problem, threads)],
      });
      return sizes.flatMap(([heads, length, size], i) => [false, true].flatMap((backward) => {
        const problem = { op: 'attention' as const, heads, length, size, backward };
        return i === 0 ? [one(problem, false), one(problem, true)] : [one(problem, false)];
      }));
    },
    close: () => peers?.close(),
  };
}

export const attention = attentionOf(bertSizes);
