import type { Bench, BenchOptions, Case } from '../harness/bench.ts';
import { OwnProcesses } from '../harness/own.ts';
import { PeerProcesses } from '../harness/peers.ts';
import { levels } from '../libraries/strided.ts';
import { bertFiles, type BertSize } from './files.ts';
import { evenProblem } from './problem.ts';

/**
 * BERT's forward pass, loading, memory and sentence embeddings beside those who do the same. Every contestant has a
 * process of its own, ours too.
 */

const base: BertSize = { vocabulary: 30522, hidden: 768, layers: 12 };

/** The bench over a model of given sizes. */
export function bertOf(size: BertSize): Bench {
  let peers: PeerProcesses | undefined;
  let own: OwnProcesses | undefined;
  return {
    name: 'bert',
    threads: [1, 2],
    async cases({ threads, peers: allowed }: BenchOptions): Promise<Case[]> {
      const [others, ours, found] = [new PeerProcesses(allowed), new OwnProcesses(), await levels()];
      [peers, own] = [others, ours];
      const fast = found.filter(({ level }) => level !== 'js');
      const even = (rows: number, length: number, rest: Pick<Case, 'rounds' | 'patience'>): Case => ({
        name: `${rows}x${length}`, work: { amount: rows * length, unit: 'tokens/s' }, tolerance: 1e-3, ...rest,
        async prepare() {
          const problem = evenProblem(await bertFiles(size), size.vocabulary, rows, length);
          return [...await ours.racers(problem, rows === 1 ? found : fast, threads), ...await others.racers(problem, threads, ['onnxruntime-web', 'onnxruntime-node', 'pytorch'])];
        },
      });
      return [even(1, 16, { rounds: 12 }), even(1, 128, { rounds: 8, patience: 1500 }), even(8, 128, { rounds: 3, patience: 10_000 })];
    },
    async close() {
      await peers?.close();
      await own?.close();
    },
  };
}

export const bert = bertOf(base);
