/** BERT-family models, their checkpoints and their pretraining. */
export * from './models.ts';
export * from './auto.ts';
export { Encoder, type EncoderInputs, type EncoderOutput } from './encoder/encoder.ts';
export { DecoderCache, LayerCache } from './encoder/decoderCache.ts';
export { Embeddings, type TokenInputs } from './encoder/embeddings.ts';
export { FeedForward, TransformerLayer } from './encoder/layer.ts';
export { DotAttention } from './encoder/attention.ts';
export { DisentangledAttention } from './encoder/disentangled.ts';
export { ClassificationHead, DiscriminatorHead, MaskedLmHead, PairHead, Pooler } from './heads/heads.ts';
export { activationNames, type ActivationName } from './activation.ts';
export type { AttentionSpec, Dropouts, EncoderConfig, Positions } from './config.ts';
export type { LoadingReport } from './checkpoint/load.ts';
export type { Family, HeadKind, ModelOptions } from './models/family.ts';
export { ModelConfig } from './models/modelConfig.ts';
export { PretrainedModel, type LoadModelOptions, type MakeOptions, type ModelClass, type SaveModelOptions } from './models/pretrained.ts';
export {
  BaseModel, ForMaskedLM, ForMultipleChoice, ForNextSentencePrediction, ForPairPreTraining, ForQuestionAnswering, ForReplacedTokens,
  ForSequenceClassification, ForTokenClassification,
} from './models/models.ts';
export { ForCausalLM, type CausalInputs, type CausalOutput } from './models/causalLm.ts';
export { EncoderDecoderModel, type AssembleOptions, type EncoderDecoderParts } from './encoderDecoder/model.ts';
export { EncoderDecoderConfig, type PairOptions } from './encoderDecoder/config.ts';
export type { EncoderDecoderInputs, EncoderDecoderOutput, EncoderStates, PairGenerateOptions, ReadInputs } from './encoderDecoder/inputs.ts';
export type { GenerateControls, GenerateOptions, GenerateOutput } from './generation/generate.ts';
export type { LogitsProcessor } from './generation/processors.ts';
export type { GenerationSettings } from './generation/settings.ts';
export type {
  LabelledInputs, LogitsOutput, ModelInputs, ModelOutput, PreTrainingInputs, PreTrainingOutput, QuestionAnsweringOutput, QuestionInputs,
} from './models/models.ts';
export * from './tokenizer/index.ts';
export { openModelFiles, type FileContent, type FileRecord, type FilesOptions, type ModelFiles, type ModelSource } from './modelFiles/modelFiles.ts';
export type { DownloadProgress } from './modelFiles/hub.ts';
export {
  SentenceTransformer, type SentenceEncodeOptions, type SentenceFeatures, type SentenceTransformerParts,
} from './pipelines/sentenceTransformer/sentenceTransformer.ts';
export { Pooling, type PooledTokens, type PoolingMode } from './pipelines/sentenceTransformer/pooling.ts';
export { Dense, EmbeddingModule, Normalize } from './pipelines/sentenceTransformer/modules.ts';
export type { SentenceEncoder } from './pipelines/sentenceTransformer/transformer.ts';
export type { Prompts } from './pipelines/sentenceTransformer/prompts.ts';
export * from './pretraining/data.ts';
export { learnLexicon, lexiconOf, type Lexicon, type LexiconKind } from './pretraining/vocabulary/lexicon.ts';
export { pretrain, type PretrainOptions, type PretrainResult } from './pretraining/pretrain.ts';
export { savePretraining, type FolderOptions } from './pretraining/folder.ts';
export { evaluateHeldOut, heldOutBatches, type HeldOutResult } from './pretraining/evaluate.ts';
export { attentionMaps, fillMask, type FilledMask } from './pretraining/fillMask.ts';
export { pretrainingReport, type PretrainingReport } from './pretraining/report/report.ts';
