import { CheckpointError } from '@strided/tensor/errors';
import { BasicTokenizer } from '../../tokenizer/basicTokenizer.ts';
import { BertTokenizer } from '../../tokenizer/bertTokenizer.ts';
import type { Vocabulary } from '../../tokenizer/vocabulary.ts';
import type { TextEncoding } from '../examples/dataset.ts';
import type { SpecialIds } from '../examples/masking.ts';
import { countWords } from './counts.ts';
import { buildWhitespaceVocabulary, splitAtWhitespace, WHITESPACE_SPECIAL_TOKENS, WhitespaceTokenizer } from './whitespace.ts';
import { BERT_SPECIAL_TOKENS, learnWordPieces } from './wordPiece.ts';

/** Pieces of words, or the original's whole words between white space. */
export type LexiconKind = 'wordpiece' | 'whitespace';

/** A vocabulary with the tokenizer that reads by it and the ids that pretraining needs. */
export interface Lexicon {
  readonly kind: LexiconKind;
  readonly vocabulary: Vocabulary;
  readonly size: number;
  readonly tokenizer: TextEncoding;
  readonly specialIds: SpecialIds;
  token(id: number): string;
}

/** Learns a vocabulary from a stream of texts. */
export async function learnLexicon(texts: AsyncIterable<string>, kind: LexiconKind, vocabSize: number): Promise<Lexicon> {
  if (kind === 'whitespace') {
    const counts = await countWords(texts, splitAtWhitespace);
    return lexiconOf(buildWhitespaceVocabulary(counts, { maxSize: vocabSize - WHITESPACE_SPECIAL_TOKENS.length }));
  }
  const basic = new BasicTokenizer();
  const counts = await countWords(texts, (text) => basic.tokenize(text));
  return lexiconOf(learnWordPieces(counts, { vocabSize }));
}

/**
 * The tokenizer of a vocabulary, whose kind its special tokens tell.
 * @throws CheckpointError when it has the special tokens of neither kind
 */
export function lexiconOf(vocabulary: Vocabulary, source = 'the vocabulary'): Lexicon {
  const has = (tokens: readonly string[]) => tokens.every((token) => vocabulary.id(token) !== undefined);
  const id = (token: string) => vocabulary.id(token) ?? 0;
  const shared = { vocabulary, size: vocabulary.size, token: (number: number) => vocabulary.token(number) ?? '' };
  if (vocabulary.token(0) === BERT_SPECIAL_TOKENS[0] && has(BERT_SPECIAL_TOKENS)) {
    return {
      ...shared,
      kind: 'wordpiece',
      tokenizer: BertTokenizer.fromFiles({ 'vocab.txt': vocabulary.toText() }),
      specialIds: { pad: id('[PAD]'), unk: id('[UNK]'), cls: id('[CLS]'), sep: id('[SEP]'), mask: id('[MASK]') },
    };
  }
  if (vocabulary.token(0) === WHITESPACE_SPECIAL_TOKENS[0] && has(WHITESPACE_SPECIAL_TOKENS)) {
    return {
      ...shared,
      kind: 'whitespace',
      tokenizer: new WhitespaceTokenizer(vocabulary),
      specialIds: { pad: id('<pad>'), unk: id('<unk>'), cls: id('<sos>'), sep: id('<eos>'), mask: id('<mask>') },
    };
  }
  throw new CheckpointError(`${source}: a vocabulary for pretraining holds ${BERT_SPECIAL_TOKENS.join(' ')} or ${WHITESPACE_SPECIAL_TOKENS.join(' ')}, padding first; this one holds neither`);
}
