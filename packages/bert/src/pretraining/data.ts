/** The text side of pretraining: corpora, sentences, vocabularies, training examples. Files are opened by corpus.node.ts. */
export {
  type Block, type Corpus, type CorpusKind, examplesIn, readCorpus, sentencesOf, type TextFile,
} from './corpus/corpus.ts';
export { FileCorpus } from './corpus/file.ts';
export { readLines, type TextLine } from './corpus/lines.ts';
export { MemoryCorpus } from './corpus/memory.ts';
export { buildExample, collate, type PretrainingBatch, type PretrainingExample } from './examples/examples.ts';
export {
  PretrainingDataset, type PretrainingDatasetOptions, type PretrainingDatasetState, type TextEncoding,
} from './examples/dataset.ts';
export { type MaskedTokens, Masker, type MaskingOptions, type SpecialIds } from './examples/masking.ts';
export { type SentencePair, SentencePool } from './examples/pairs.ts';
export { type SentenceOptions, splitSentences } from './corpus/sentences.ts';
export * from './vocabulary/vocabulary.ts';
