import type { Case } from '../harness/bench.ts';
import { freshOwnRacers, OwnProcesses } from '../harness/own.ts';
import { PeerProcesses } from '../harness/peers.ts';
import { few, type Field } from './field.ts';
import { bertFiles, type BertSize } from './files.ts';
import { evenProblem } from './problem.ts';

/** What a program pays for a model that it opens: the time to its first result, and memory. */
export function startCases(size: BertSize, field: Field): Case[] {
  const { own, peers, allowed, threads } = field;
  const levels = few(field);
  const problem = async (length: number) => evenProblem(await bertFiles(size), size.vocabulary, 1, length);
  return [
    {
      name: 'load', work: { amount: 1, unit: 'starts/s' }, tolerance: 1e-3, rounds: 4, patience: 60_000,
      async prepare() {
        // The models of cases before are not to be in the way.
        await own.close();
        await peers.close();
        const first = await problem(16);
        return [...await freshOwnRacers(first, levels, threads), ...await peers.freshRacers(first, threads, ['onnxruntime-web', 'onnxruntime-node'])];
      },
    },
    {
      name: 'memory', work: { amount: 1, unit: 'MiB' }, tolerance: 1e-3, rounds: 2, patience: 60_000, memory: true,
      async prepare() {
        // Processes that have done nothing else.
        const [ours, others] = [new OwnProcesses(), new PeerProcesses(allowed)];
        const one = await problem(128);
        const racers = [...await ours.racers(one, levels, threads), ...await others.racers(one, threads, ['onnxruntime-web', 'onnxruntime-node', 'pytorch'])];
        const close = async (): Promise<void> => {
          await ours.close();
          await others.close();
        };
        return racers.map((racer, i) => (i === 0 ? { ...racer, close } : racer));
      },
    },
  ];
}
