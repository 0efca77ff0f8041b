/** The text side of pretraining: corpora, sentences, vocabularies, training examples. Files are opened by corpus.node.ts. */
export {
  type Block, type Corpus, type CorpusKind, examplesIn, readCorpus, sentencesOf, type TextFile,
} from './corpus.ts';
export { FileCorpus } from './corpusFile.ts';
export { readLines, type TextLine } from './corpusLines.ts';
export { MemoryCorpus } from './corpusMemory.ts';
export { buildExample, collate, type PretrainingBatch, type PretrainingExample } from './examples.ts';
export {
  PretrainingDataset, type PretrainingDatasetOptions, type PretrainingDatasetState, type TextEncoding,
} from './examplesDataset.ts';
export { type MaskedTokens, Masker, type MaskingOptions, type SpecialIds } from './masking.ts';
export { type SentencePair, SentencePool } from './pairs.ts';
export { type SentenceOptions, splitSentences } from './sentences.ts';
export * from './vocabulary.ts';
