export { compareCodePoints, countWords, type CountOptions, type WordCounts } from './vocabularyCounts.ts';
export {
  buildWhitespaceVocabulary, splitAtWhitespace, WHITESPACE_SPECIAL_TOKENS, WhitespaceTokenizer, type WhitespaceVocabularyOptions,
} from './vocabularyWhitespace.ts';
export { BERT_SPECIAL_TOKENS, learnWordPieces, type WordPieceLearning } from './vocabularyWordPiece.ts';
