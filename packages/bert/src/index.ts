/** BERT-family models, their checkpoints and their pretraining. */
export { SeedBertForPreTraining, type SeedPretrainingOutput } from './models.ts';
export type { SeedConfig } from './families/seed.ts';
export { Encoder, type EncoderInputs, type EncoderOutput } from './encoder.ts';
export { Decoder, NextSentenceHead } from './decoder.ts';
export { SinusoidalEmbeddings } from './embeddings.ts';
export { FeedForward, PreNormLayer } from './layer.ts';
export type { EncoderConfig } from './config.ts';
export * from './tokenizer/index.ts';
export * from './pretraining/data.ts';
export { learnLexicon, lexiconOf, type Lexicon, type LexiconKind } from './pretraining/vocabulary/lexicon.ts';
export { pretrain, type PretrainOptions, type PretrainResult } from './pretraining/pretrain.ts';
export { savePretraining, type FolderOptions } from './pretraining/folder.ts';
export { evaluateHeldOut, heldOutBatches, type HeldOutResult } from './pretraining/evaluate.ts';
export { attentionMaps, fillMask, type FilledMask } from './pretraining/fillMask.ts';
export { pretrainingReport, type PretrainingReport } from './pretraining/report/report.ts';
