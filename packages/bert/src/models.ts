/** The zoo: every model, a file for each family. */
export * from './families/albert.ts';
export * from './families/bert.ts';
export * from './families/debertaV2.ts';
export * from './families/distilbert.ts';
export * from './families/electra.ts';
export * from './families/ernie.ts';
export * from './families/eurobert.ts';
export * from './families/megatronBert.ts';
export * from './families/modernbert.ts';
export * from './families/mpnet.ts';
export * from './families/nomicBert.ts';
export * from './families/roberta.ts';
export * from './families/robertaPreLayerNorm.ts';
export * from './families/roformer.ts';
export * from './families/seed.ts';
