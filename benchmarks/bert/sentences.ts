import { BertTokenizer, learnLexicon, MemoryCorpus, sentencesOf } from '@strided/bert';
import { stateOfTheUnion } from '../../examples/stateOfTheUnion.ts';

/** Real sentences, the same in every run: of the State of the Union addresses, in their order. */

async function sentences(): Promise<string[]> {
  return (await stateOfTheUnion()).flatMap((address) => address.sentences);
}

/** `count` of a list, evenly spread. */
function spread<T>(list: readonly T[], count: number): T[] {
  return Array.from({ length: count }, (_, i) => list[Math.floor(((i + 0.5) * list.length) / count)]);
}

/** Short ones: as long as a question or a title. */
export async function shortSentences(count: number): Promise<string[]> {
  return spread((await sentences()).filter((text) => /^.{20,80}$/.test(text)), count);
}

/** Token ids of sentences as long as they come, in a vocabulary of `size` tokens that the addresses themselves give. */
export async function mixedSentences(count: number, size: number): Promise<readonly (readonly number[])[]> {
  const all = await sentences();
  const { vocabulary } = await learnLexicon(sentencesOf(MemoryCorpus.fromDocuments([all], 'State of the Union')), 'wordpiece', size);
  const tokenizer = BertTokenizer.fromFiles({ 'vocab.txt': vocabulary.toText() });
  return spread(all, count).map((text) => tokenizer.encode(text).inputIds);
}
