import { BertTokenizer, learnLexicon, MemoryCorpus, sentencesOf } from '@strided/bert';
import { stateOfTheUnion } from '../../examples/stateOfTheUnion.ts';

/** Real sentences, the same in every run: of the State of the Union addresses, in their order. */

/** Addresses begin with a greeting. */
const fromTheStart = 5;

/** `count` of a list, evenly spread. */
function spread<T>(list: readonly T[], count: number): T[] {
  return Array.from({ length: count }, (_, i) => list[Math.floor(((i + 0.5) * list.length) / count)]);
}

/** Short ones: as long as a question or a title. */
export async function shortSentences(count: number): Promise<string[]> {
  const all = (await stateOfTheUnion()).flatMap(({ sentences }) => sentences);
  return spread(all.filter((text) => /^.{20,80}$/.test(text)), count);
}

/**
 * Token ids of sentences as long as they come, one of each of the last `count` addresses, in a vocabulary of `size`
 * tokens that the addresses themselves give.
 */
export async function mixedSentences(count: number, size: number): Promise<readonly (readonly number[])[]> {
  const addresses = await stateOfTheUnion();
  const corpus = MemoryCorpus.fromDocuments(addresses.map(({ sentences }) => sentences), 'State of the Union');
  const { vocabulary } = await learnLexicon(sentencesOf(corpus), 'wordpiece', size);
  const tokenizer = BertTokenizer.fromFiles({ 'vocab.txt': vocabulary.toText() });
  return addresses.slice(-count).map(({ sentences }) => tokenizer.encode(sentences[fromTheStart]).inputIds);
}
