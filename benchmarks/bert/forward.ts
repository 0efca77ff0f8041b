import type { Case } from '../harness/bench.ts';
import type { Level } from '../libraries/strided.ts';
import { few, type Field } from './field.ts';
import { bertFiles, type BertSize } from './files.ts';
import { evenProblem, paddedProblem, type ForwardProblem } from './problem.ts';
import { profile } from './profile.ts';
import { mixedSentences } from './sentences.ts';

/** Hidden states of sequences of one length, and of real sentences of their own lengths, which peers get padded. */
export function forwardCases(size: BertSize, field: Field): Case[] {
  const { own, peers, threads, levels } = field;
  const race = async (problem: ForwardProblem, among: readonly Level[]) =>
    [...await own.racers(problem, among, threads), ...await peers.racers(problem, threads, ['onnxruntime-web', 'onnxruntime-node', 'pytorch'])];
  const even = (rows: number, length: number, rest: Pick<Case, 'rounds' | 'turn' | 'patience'>, among: readonly Level[]): Case => {
    const problem = async () => evenProblem(await bertFiles(size), size.vocabulary, rows, length);
    return {
      name: `${rows}x${length}`, work: { amount: rows * length, unit: 'tokens/s' }, tolerance: 1e-3, ...rest,
      prepare: async () => race(await problem(), among),
      ...(threads.includes(1) && rows === 1 ? { notes: async () => profile(await problem()) } : {}),
    };
  };
  return [
    even(1, 16, { turn: 250 }, levels),
    even(1, 128, { rounds: 8, patience: 1500 }, levels),
    even(8, 128, { rounds: 3, patience: 2000 }, few(field)),
    {
      name: 'mixed32', work: { amount: 32, unit: 'sentences/s' }, tolerance: 1e-3, rounds: 4, patience: 2500,
      prepare: async () => race(paddedProblem(await bertFiles(size), await mixedSentences(32, Math.min(8000, size.vocabulary))), few(field)),
    },
  ];
}
