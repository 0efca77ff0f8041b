import type { Bench, BenchOptions, Case } from '../harness/bench.ts';
import { OwnProcesses } from '../harness/own.ts';
import { PeerProcesses } from '../harness/peers.ts';
import { levels } from '../libraries/strided.ts';
import { bars } from './bars.ts';
import { embedCases } from './embed.ts';
import type { BertSize } from './files.ts';
import { forwardCases } from './forward.ts';
import { startCases } from './start.ts';

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
      [peers, own] = [new PeerProcesses(allowed), new OwnProcesses()];
      const field = { peers, own, allowed, threads, levels: await levels() };
      const automatic = field.levels[0].level;
      return [...forwardCases(size, field), ...startCases(size, field), ...embedCases(field)].map((one) => ({ ...one, bars: bars(one.name, automatic, threads) }));
    },
    async close() {
      await peers?.close();
      await own?.close();
    },
  };
}

export const bert = bertOf(base);
