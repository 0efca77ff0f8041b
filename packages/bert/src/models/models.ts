import type { DType, Tensor } from '@strided/tensor';
import type { Encoded, EncoderInputs, EncoderOutput } from '../encoder/encoder.ts';
import type { TokenStates } from '../encoder/tokenStates.ts';
import { ClassificationHead, DiscriminatorHead, MaskedLmHead, PairHead } from '../heads/heads.ts';
import { answerLoss, classLoss, replacedLoss, sequenceLoss } from '../heads/losses.ts';
import { readingOf } from '../heads/pooling.ts';
import type { ClassifierSpec, HeadSpecs } from '../heads/spec.ts';
import type { ModelOptions } from './family.ts';
import { ModelConfig } from './modelConfig.ts';
import { PretrainedModel, type MakeOptions, type ModelClass } from './pretrained.ts';

/** What a model is given. All tensors of tokens are [B, S]. */
export type ModelInputs = EncoderInputs;

export interface LabelledInputs extends ModelInputs {
  /** Given, there is a `loss`. */
  readonly labels?: Tensor | null;
}

/** What every head's output has of its encoder's. */
export type Extras = Pick<EncoderOutput, 'hiddenStates' | 'attentions' | 'crossAttentions'>;

export interface ModelOutput extends EncoderOutput {
  /** tanh(linear(first token)) [B, hidden]; null where the model has no pooler. */
  readonly poolerOutput: Tensor | null;
}

export interface LogitsOutput extends Extras {
  /** null unless labels were given. */
  readonly loss: Tensor | null;
  readonly logits: Tensor;
}

export interface PreTrainingOutput extends Extras {
  /** The sum of both losses; null unless the labels of both were given. */
  readonly loss: Tensor | null;
  /** [B, S, vocabulary] */
  readonly predictionLogits: Tensor;
  /** BERT: whether the second sentence follows (class 0) or not (1) [B, 2]. */
  readonly seqRelationshipLogits: Tensor;
  /** ALBERT: whether the sentences are in order (class 0) or swapped (1); the same tensor under its name there. */
  readonly sopLogits: Tensor;
}

export interface QuestionAnsweringOutput extends Extras {
  readonly loss: Tensor | null;
  /** [B, S] */
  readonly startLogits: Tensor;
  readonly endLogits: Tensor;
}

export const extras = ({ hiddenStates, attentions, crossAttentions }: Extras): Extras => ({ hiddenStates, attentions, crossAttentions });

/** The heads that a config describes, before the model is made. */
function headsOf(model: ModelClass, config: ModelOptions | ModelConfig): { readonly config: ModelConfig; readonly heads: HeadSpecs } {
  const read = config instanceof ModelConfig ? config : ModelConfig.fromOptions(model.family, config);
  return { config: read, heads: read.heads };
}

/** The encoder alone, in most families with its pooler. */
export abstract class BaseModel extends PretrainedModel {
  static override readonly head = 'model';

  constructor(config: ModelOptions | ModelConfig, options: MakeOptions = {}) {
    const { config: read, heads } = headsOf(new.target as unknown as ModelClass, config);
    super(read, options.addPoolingLayer ?? heads.pooler);
    this.finish(options);
  }

  forward(inputs: ModelInputs): ModelOutput {
    return this.run(inputs, () => {
      const { states, ...rest } = this.encode({ ...inputs, useCache: inputs.useCache ?? this.config.useCache }, this.pooler === null ? 'tokens' : 'first');
      return { lastHiddenState: states.padded(states.hidden), ...rest, poolerOutput: this.pooler?.ofFirst(states.column('first')) ?? null };
    });
  }
}

/** A model that predicts tokens. */
export abstract class LanguageModel extends PretrainedModel {
  readonly lmHead: MaskedLmHead;

  constructor(config: ModelOptions | ModelConfig, options: MakeOptions = {}) {
    super(config, false);
    this.lmHead = new MaskedLmHead(this.config.encoder, this.config.heads.maskedLm, this.encoder.embedding.token.weight);
    this.finish(options);
  }
}

/** Predicts the tokens that are masked. `labels` [B, S] are token ids, −100 where none is asked for. */
export abstract class ForMaskedLM extends LanguageModel {
  static override readonly head = 'maskedLm';

  forward({ labels = null, ...inputs }: LabelledInputs): LogitsOutput {
    return this.run(inputs, () => {
      const output = this.encode(inputs, labels === null ? 'tokens' : 'all');
      const { sparseIgnore } = this.config.heads.maskedLm;
      if (sparseIgnore !== null && labels !== null) return { ...this.#sparse(output, labels, sparseIgnore), ...extras(output) };
      const logits = output.states.padded(this.lmHead.forward(output.states.hidden));
      return { loss: labels === null ? null : classLoss(logits, labels), logits, ...extras(output) };
    });
  }

  /** ModernBERT's `sparse_prediction`: logits of the labelled tokens alone. */
  #sparse({ states: { hidden } }: Encoded, labels: Tensor, ignore: number): Pick<LogitsOutput, 'loss' | 'logits'> {
    const rows = hidden.reshape([-1, hidden.shape[2]]);
    const chosen = labels.flatten().ne(ignore).nonZero().flatten();
    const logits = this.lmHead.forward(rows.indexSelect(0, chosen));
    return { logits, loss: classLoss(logits, labels.flatten().indexSelect(0, chosen)) };
  }
}

export interface PreTrainingInputs extends LabelledInputs {
  /** BERT: 0 where the second sentence follows, else 1 [B]. */
  readonly nextSentenceLabel?: Tensor | null;
  /** ALBERT: 0 where the sentences are in order, else 1 [B]. */
  readonly sentenceOrderLabel?: Tensor | null;
}

/** Masked tokens and pairs of sentences at once. */
export abstract class ForPairPreTraining extends PretrainedModel {
  static override readonly head = 'pretraining';
  readonly lmHead: MaskedLmHead;
  readonly pairHead: PairHead;

  constructor(config: ModelOptions | ModelConfig, options: MakeOptions = {}) {
    super(config, true);
    const { encoder, heads: { maskedLm, pretraining } } = this.config;
    this.lmHead = new MaskedLmHead(encoder, maskedLm, this.encoder.embedding.token.weight);
    this.pairHead = new PairHead(encoder.hiddenSize, pretraining?.kind === 'pair' ? pretraining.dropout : 0);
    this.finish(options);
  }

  forward({ labels = null, nextSentenceLabel = null, sentenceOrderLabel = null, ...inputs }: PreTrainingInputs): PreTrainingOutput {
    return this.run(inputs, () => {
      const pairLabels = nextSentenceLabel ?? sentenceOrderLabel;
      const output = this.encode(inputs, labels === null && pairLabels === null ? 'first' : 'all');
      const { states } = output;
      const predictionLogits = states.padded(this.lmHead.forward(states.hidden));
      const pairs = this.pairHead.forward(pooledOf(this, states));
      const loss = labels === null || pairLabels === null ? null : classLoss(predictionLogits, labels).add(classLoss(pairs, pairLabels));
      return { loss, predictionLogits, seqRelationshipLogits: pairs, sopLogits: pairs, ...extras(output) };
    });
  }
}

/** ELECTRA's discriminator: which tokens were replaced. `labels` [B, S]: 1 where one was. */
export abstract class ForReplacedTokens extends PretrainedModel {
  static override readonly head = 'pretraining';
  readonly discriminator: DiscriminatorHead;

  constructor(config: ModelOptions | ModelConfig, options: MakeOptions = {}) {
    super(config, false);
    const { encoder, heads: { pretraining } } = this.config;
    this.discriminator = new DiscriminatorHead(encoder.hiddenSize, pretraining?.kind === 'discriminator' ? pretraining.activation : 'gelu');
    this.finish(options);
  }

  /** `logits` [B, S]: above 0 where a token seems replaced. */
  forward({ labels = null, ...inputs }: LabelledInputs): LogitsOutput {
    return this.run(inputs, () => {
      const output = this.encode(inputs, labels === null ? 'tokens' : 'all');
      const logits = output.states.padded(this.discriminator.forward(output.states.hidden));
      return { loss: labels === null ? null : replacedLoss(logits, labels, inputs.attentionMask ?? null), logits, ...extras(output) };
    });
  }
}

/** Whether the second sentence follows the first (class 0) or not (1). `labels` [B]. */
export abstract class ForNextSentencePrediction extends PretrainedModel {
  static override readonly head = 'nextSentence';
  readonly pairHead: PairHead;

  constructor(config: ModelOptions | ModelConfig, options: MakeOptions = {}) {
    super(config, true);
    this.pairHead = new PairHead(this.config.encoder.hiddenSize, 0);
    this.finish(options);
  }

  forward({ labels = null, ...inputs }: LabelledInputs): LogitsOutput {
    return this.run(inputs, () => {
      const output = this.encode(inputs, labels === null ? 'first' : 'all');
      const logits = this.pairHead.forward(pooledOf(this, output.states));
      return { loss: labels === null ? null : classLoss(logits, labels), logits, ...extras(output) };
    });
  }
}

const pooledOf = ({ pooler }: PretrainedModel, states: TokenStates): Tensor => {
  if (pooler === null) throw new TypeError('this head needs a pooler');
  return pooler.ofFirst(states.column('first'));
};

/** A model with a classifier on its tokens or on what it makes of the whole sequence. */
abstract class Classifier extends PretrainedModel {
  readonly classificationHead: ClassificationHead;

  constructor(config: ModelOptions | ModelConfig, options: MakeOptions, labels: (heads: HeadSpecs) => number, spec: (heads: HeadSpecs) => ClassifierSpec | null) {
    const { config: read, heads } = headsOf(new.target as unknown as ModelClass, config);
    const own = spec(heads);
    if (own === null) throw new TypeError(`${read.modelType} has no such head`);
    super(read, own.pooling === 'pooler');
    this.classificationHead = new ClassificationHead(read.encoder.hiddenSize, labels(heads), own);
    this.finish(options);
  }

  protected encodeFor(inputs: EncoderInputs, labelled: boolean): Encoded {
    return this.encode(inputs, labelled ? 'all' : readingOf[this.classificationHead.spec.pooling]);
  }

  protected classify(states: TokenStates, mask: Tensor | null): Tensor {
    return this.classificationHead.forward({ states, mask, pooled: this.pooler?.ofFirst(states.column('first')) ?? null });
  }
}

/**
 * Classifies sequences: logits [B, labels]. `labels` are numbers of classes [B], for `problemType` regression numbers
 * [B] or [B, labels], for several labels at once 0 or 1 for each [B, labels].
 */
export abstract class ForSequenceClassification extends Classifier {
  static override readonly head = 'sequence';

  constructor(config: ModelOptions | ModelConfig, options: MakeOptions = {}) {
    super(config, options, ({ numLabels }) => numLabels, ({ sequence }) => sequence);
  }

  forward({ labels = null, ...inputs }: LabelledInputs): LogitsOutput {
    return this.run(inputs, () => {
      const output = this.encodeFor(inputs, labels !== null);
      const logits = this.classify(output.states, inputs.attentionMask ?? null);
      const { problemType, labelsAreDistributions } = this.config.heads;
      return { loss: labels === null ? null : sequenceLoss(logits, labels, problemType, labelsAreDistributions), logits, ...extras(output) };
    });
  }
}

/** Chooses one of C texts: all inputs [B, C, S], logits [B, C], `labels` [B]. */
export abstract class ForMultipleChoice extends Classifier {
  static override readonly head = 'choice';

  constructor(config: ModelOptions | ModelConfig, options: MakeOptions = {}) {
    super(config, options, () => 1, ({ choice }) => choice);
  }

  forward({ labels = null, ...inputs }: LabelledInputs): LogitsOutput {
    const { shape } = inputs.inputIds ?? inputs.inputsEmbeds as Tensor;
    const flat = (tensor: Tensor | null = null): Tensor | null => (tensor === null ? null : tensor.reshape([shape[0] * shape[1], ...tensor.shape.slice(2)]));
    const attentionMask = flat(inputs.attentionMask);
    const each = {
      ...inputs, attentionMask, inputIds: flat(inputs.inputIds), inputsEmbeds: flat(inputs.inputsEmbeds), tokenTypeIds: flat(inputs.tokenTypeIds),
      positionIds: flat(inputs.positionIds), taskTypeIds: flat(inputs.taskTypeIds),
    };
    return this.run(each, () => {
      const output = this.encodeFor(each, labels !== null);
      const logits = this.classify(output.states, attentionMask).reshape([shape[0], shape[1]]);
      return { loss: labels === null ? null : classLoss(logits, labels), logits, ...extras(output) };
    });
  }
}

/** Classifies tokens: logits [B, S, labels]; `labels` [B, S], −100 where none counts. */
export abstract class ForTokenClassification extends Classifier {
  static override readonly head = 'token';

  constructor(config: ModelOptions | ModelConfig, options: MakeOptions = {}) {
    super(config, options, ({ numLabels }) => numLabels, ({ token }) => token);
  }

  forward({ labels = null, ...inputs }: LabelledInputs): LogitsOutput {
    return this.run(inputs, () => {
      const output = this.encodeFor(inputs, labels !== null);
      const logits = output.states.padded(this.classify(output.states, inputs.attentionMask ?? null));
      return { loss: labels === null ? null : classLoss(logits, labels), logits, ...extras(output) };
    });
  }
}

export interface QuestionInputs extends ModelInputs {
  /** The answer's first token [B]; beyond the sequence: no loss. */
  readonly startPositions?: Tensor | null;
  /** Its last token [B]. */
  readonly endPositions?: Tensor | null;
}

/** The dtype's most negative number. */
const lowest = (dtype: DType): number => (dtype === 'float64' ? -Number.MAX_VALUE : -3.4028234663852886e38);

/** Finds an answer in a text: the logits of its first and last token, each [B, S]. */
export abstract class ForQuestionAnswering extends Classifier {
  static override readonly head = 'question';

  constructor(config: ModelOptions | ModelConfig, options: MakeOptions = {}) {
    super(config, options, () => 2, ({ question }) => question);
  }

  forward({ startPositions = null, endPositions = null, ...inputs }: QuestionInputs): QuestionAnsweringOutput {
    return this.run(inputs, () => {
      const output = this.encodeFor(inputs, startPositions !== null || endPositions !== null);
      const logits = this.classify(output.states, inputs.attentionMask ?? null);
      // No answer begins or ends at padding.
      const [startLogits, endLogits] = output.states.padded(logits, lowest(logits.dtype)).unbind(-1);
      const loss = startPositions === null || endPositions === null ? null : answerLoss(startLogits, endLogits, startPositions, endPositions);
      return { loss, startLogits, endLogits, ...extras(output) };
    });
  }
}
