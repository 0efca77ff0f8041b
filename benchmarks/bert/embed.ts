import { existsSync } from 'node:fs';
import type { Case } from '../harness/bench.ts';
import { fast, type Field } from './field.ts';
import { realModel, sentenceModelFiles } from './files.ts';
import type { EmbedProblem } from './problem.ts';
import { profile } from './profile.ts';
import { shortSentences } from './sentences.ts';

/** Short real sentences to embeddings with a real model, from text on: 512 in batches of 32, and one alone. */
export function embedCases(field: Field): Case[] {
  if (!existsSync(realModel)) {
    console.error(`bench: embed and embed1 are skipped: there is no ${realModel} (all-MiniLM-L6-v2 of sentence-transformers)`);
    return [];
  }
  const one = (name: string, count: number, rest: Pick<Case, 'rounds' | 'turn'>): Case => {
    const problem = async (): Promise<EmbedProblem> =>
      ({ op: 'embed', ...await sentenceModelFiles(), texts: (await shortSentences(512)).slice(0, count), batch: 32 });
    return {
      name, work: { amount: count, unit: 'sentences/s' }, tolerance: 1e-3, ...rest, patience: 3000,
      async prepare() {
        const texts = await problem();
        return [...await field.own.racers(texts, fast(field), field.threads), ...await field.peers.racers(texts, field.threads, ['transformers.js', 'sentence-transformers'])];
      },
      ...(field.threads.includes(1) ? { notes: async () => profile(await problem()) } : {}),
    };
  };
  // A sentence takes milliseconds: JavaScript is compiled by about its hundredth pass, in all contestants that have any.
  return [one('embed', 512, { rounds: 3 }), one('embed1', 1, { rounds: 40, turn: 60 })];
}
