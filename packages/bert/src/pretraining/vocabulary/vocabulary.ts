export { compareCodePoints, countWords, type CountOptions, type WordCounts } from './counts.ts';
export {
  buildWhitespaceVocabulary, splitAtWhitespace, WHITESPACE_SPECIAL_TOKENS, WhitespaceTokenizer, type WhitespaceVocabularyOptions,
} from './whitespace.ts';
export { BERT_SPECIAL_TOKENS, learnWordPieces, type WordPieceLearning } from './wordPiece.ts';
