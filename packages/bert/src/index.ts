/** BERT-family models, their checkpoints and their pretraining. */
export { SeedBertForPreTraining, type SeedPretrainingOutput } from './models.ts';
export type { SeedConfig } from './families/seed.ts';
export { Encoder, type EncoderInputs, type EncoderOutput } from './encoder.ts';
export { Decoder, NextSentenceHead } from './decoder.ts';
export { SinusoidalEmbeddings } from './embeddings.ts';
export { FeedForward, PreNormLayer } from './layer.ts';
export type { EncoderConfig } from './config.ts';
