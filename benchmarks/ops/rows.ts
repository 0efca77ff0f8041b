import { fromTypedArray, gelu, layerNorm, persist, softmax, type Tensor } from '@strided/tensor';
import type { Bar, Case } from '../harness/bench.ts';
import { wasmPeers, type PeerProcesses } from '../harness/peers.ts';
import { atLevels, inScope, valuesOf, type Level, type Way } from '../libraries/strided.ts';
import { epsilon, inputsOf, workOf, type RowsProblem } from '../problems.ts';

/**
 * The heavy ops over rows at every kernel level beside every peer. Operands lie in the kernels' memory, as in a scope;
 * `ordinary`: where any tensor lies that a program makes.
 */

const problems: readonly RowsProblem[] = [
  { op: 'softmax', rows: 1536, columns: 128 },
  { op: 'softmax', rows: 128, columns: 768 },
  { op: 'layerNorm', rows: 1536, columns: 128 },
  { op: 'layerNorm', rows: 128, columns: 768 },
  { op: 'gelu', rows: 1536, columns: 128 },
  { op: 'gelu', rows: 128, columns: 3072 },
];

function way(problem: RowsProblem, ordinary: boolean): Way<unknown> {
  const operands = inputsOf(problem).map(({ values, shape }) => fromTypedArray(values, shape));
  if (!ordinary) persist(operands);
  const [x, weight, bias] = operands;
  const compute: () => Tensor = { softmax: () => softmax(x), gelu: () => gelu(x), layerNorm: () => layerNorm(x, weight, bias, { epsilon }) }[problem.op];
  return ordinary ? { run: compute, read: (result) => valuesOf(result as Tensor) } : inScope(compute);
}

const one = (name: string) => ({ name, threads: 1 });

function barsOf({ op }: RowsProblem): Bar[] {
  const fast: Bar = { ours: one('strided'), against: wasmPeers.map(one), atLeast: 1 };
  return op === 'layerNorm' ? [fast] : [fast, { ours: one('strided'), against: [one('strided-js')], atLeast: 4 }];
}

export function rows(found: readonly Level[], peers: PeerProcesses): Case[] {
  return problems.flatMap((problem) => [false, true].map((ordinary) => ({
    name: `${problem.op} [${problem.rows}, ${problem.columns}]${ordinary ? ' ordinary' : ''}`,
    work: workOf(problem), tolerance: 1e-5, bars: ordinary ? [] : barsOf(problem),
    prepare: async () => [...await atLevels(found, [1], () => way(problem, ordinary)), ...await peers.racers(problem, [1])],
  })));
}
