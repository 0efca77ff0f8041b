import type { EncoderConfig } from '../config.ts';
import type { KeyTemplates } from '../checkpoint/keys.ts';
import type { Fields } from '../fields.ts';
import type { HeadSpecs } from '../heads/spec.ts';

/** The kinds of heads, by what is learned on them. */
export type HeadKind = 'model' | 'maskedLm' | 'causalLm' | 'pretraining' | 'nextSentence' | 'sequence' | 'choice' | 'token' | 'question';

/** The standard deviation that a weight starts with, and where its tails are cut (in standard deviations). */
export interface Start {
  readonly std: number;
  readonly cutoff: number | null;
}

/** A family of models: how its config.json reads, and what its checkpoints call its tensors. Data, not code. */
export interface Family {
  /** The `model_type` of config.json. */
  readonly modelType: string;
  /** What the class names of transformers begin with. */
  readonly name: string;
  /** What the names of the body begin with where a head stands beside it. */
  readonly prefix: string;
  /** The tokenizer that its models are trained with. */
  readonly tokenizer: 'wordpiece' | 'bytebpe' | 'unigram' | 'bpe';
  /** Reads config.json, the defaults being those of transformers. */
  readonly parse: (fields: Fields) => { readonly encoder: EncoderConfig; readonly heads: HeadSpecs };
  /** Names of the body, without the prefix. */
  readonly bodyKeys: (encoder: EncoderConfig) => KeyTemplates;
  /** Names of each head that the family has. */
  readonly headKeys: Readonly<Partial<Record<Exclude<HeadKind, 'model'>, KeyTemplates>>>;
  /** Names of heads that depend on config.json. */
  readonly variantHeadKeys?: (fields: Fields) => Readonly<Partial<Record<HeadKind, KeyTemplates>>>;
  /** Names of heads in published files that no class here has. */
  readonly otherKeys?: KeyTemplates;
  /** Names in published files that mean nothing. */
  readonly stray?: RegExp;
  /** Names that transformers has for parameters where its files have others. */
  readonly parameterKeys?: (encoder: EncoderConfig) => KeyTemplates;
  /** How a weight of the model of this name starts. Default: normal, with `initializer_range`. */
  readonly start?: (name: string, fields: Fields, encoder: EncoderConfig) => Start;
  /** The ids that begin and end texts where config.json does not say. */
  readonly tokens?: { readonly bosTokenId: number; readonly eosTokenId: number };
  /** Published sizes. */
  readonly presets?: Readonly<Record<string, ModelOptions>>;
}

/**
 * A config in code: the fields of config.json in camelCase (`hiddenSize` is `hidden_size`), each with transformers'
 * default for the family. A name that the family does not know is an error.
 */
export interface ModelOptions {
  readonly vocabSize?: number;
  readonly hiddenSize?: number;
  readonly numHiddenLayers?: number;
  readonly numAttentionHeads?: number;
  readonly numKeyValueHeads?: number;
  readonly headDim?: number;
  readonly intermediateSize?: number;
  readonly embeddingSize?: number;
  readonly hiddenAct?: string;
  readonly hiddenDropoutProb?: number;
  readonly attentionProbsDropoutProb?: number;
  readonly classifierDropout?: number | null;
  readonly classifierDropoutProb?: number | null;
  readonly maxPositionEmbeddings?: number;
  readonly typeVocabSize?: number;
  readonly initializerRange?: number;
  readonly layerNormEps?: number;
  readonly padTokenId?: number | null;
  readonly bosTokenId?: number | null;
  readonly eosTokenId?: number | readonly number[] | null;
  readonly isDecoder?: boolean;
  readonly addCrossAttention?: boolean;
  readonly tieWordEmbeddings?: boolean;
  readonly useCache?: boolean;
  readonly outputHiddenStates?: boolean;
  readonly outputAttentions?: boolean;
  /** Labels of a classifier. Default 2. */
  readonly numLabels?: number;
  readonly id2label?: Readonly<Record<string, string>>;
  readonly label2id?: Readonly<Record<string, number>>;
  readonly problemType?: 'regression' | 'single_label_classification' | 'multi_label_classification' | null;
  // DistilBERT
  readonly dim?: number;
  readonly nLayers?: number;
  readonly nHeads?: number;
  readonly hiddenDim?: number;
  readonly activation?: string;
  readonly dropout?: number;
  readonly attentionDropout?: number;
  readonly seqClassifDropout?: number;
  readonly qaDropout?: number;
  readonly sinusoidalPosEmbds?: boolean;
  // ALBERT
  readonly numHiddenGroups?: number;
  readonly innerGroupNum?: number;
  // ELECTRA, RoFormer
  readonly summaryType?: 'first' | 'last' | 'mean';
  readonly summaryUseProj?: boolean;
  readonly summaryActivation?: string | null;
  readonly summaryLastDropout?: number;
  readonly summaryFirstDropout?: number;
  readonly rotaryValue?: boolean;
  // MPNet
  readonly relativeAttentionNumBuckets?: number;
  // ModernBERT, EuroBERT, NomicBERT
  readonly hiddenActivation?: string;
  readonly normEps?: number;
  readonly rmsNormEps?: number;
  readonly normBias?: boolean;
  readonly attentionBias?: boolean;
  readonly mlpBias?: boolean;
  readonly decoderBias?: boolean;
  readonly classifierBias?: boolean;
  readonly classifierActivation?: string;
  readonly classifierPooling?: 'cls' | 'mean' | 'bos' | 'late';
  readonly embeddingDropout?: number;
  readonly mlpDropout?: number;
  readonly localAttention?: number;
  readonly layerTypes?: readonly ('full_attention' | 'sliding_attention')[];
  readonly globalAttnEveryNLayers?: number;
  readonly globalRopeTheta?: number;
  readonly localRopeTheta?: number;
  readonly ropeTheta?: number;
  /** As config.json has it, in snake_case. */
  readonly ropeParameters?: Readonly<Record<string, unknown>>;
  readonly initializerCutoffFactor?: number;
  readonly sparsePrediction?: boolean;
  readonly sparsePredIgnoreIndex?: number;
  // DeBERTa
  readonly relativeAttention?: boolean;
  readonly maxRelativePositions?: number;
  readonly positionBuckets?: number;
  readonly positionBiasedInput?: boolean;
  readonly posAttType?: readonly ('c2p' | 'p2c')[];
  readonly shareAttKey?: boolean;
  readonly normRelEbd?: string;
  readonly convKernelSize?: number;
  readonly convGroups?: number;
  readonly convAct?: string;
  readonly poolerDropout?: number;
  readonly poolerHiddenAct?: string;
  readonly poolerHiddenSize?: number;
  readonly clsDropout?: number;
  readonly legacy?: boolean;
  // ERNIE
  readonly useTaskId?: boolean;
  readonly taskTypeVocabSize?: number;
}
