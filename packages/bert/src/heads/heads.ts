import { Dropout, Module, Parameter } from '@strided/nn';
import { zeros, type Tensor } from '@strided/tensor';
import { activated, activation, type ActivationName } from '../activation.ts';
import type { EncoderConfig } from '../config.ts';
import type { TokenStates } from '../encoder/tokenStates.ts';
import { Dense, normOf, type Norm } from '../layers.ts';
import { meanOfShown, pool } from './pooling.ts';
import type { ClassifierSpec, MaskedLmSpec } from './spec.ts';

/** The first token [B, H] through a linear layer and tanh. */
export class Pooler extends Module {
  readonly dense: Dense;

  constructor(hiddenSize: number) {
    super();
    this.dense = new Dense(hiddenSize, hiddenSize);
  }

  /** [B, S, H] → [B, H] */
  forward(hidden: Tensor): Tensor {
    return this.ofFirst(hidden.select(1, 0));
  }

  /** From the first tokens [B, H]. */
  ofFirst(first: Tensor): Tensor {
    return this.dense.forward(first, { activation: 'tanh' });
  }
}

/** What a classifier's head gets from the body. */
export interface HeadInputs {
  readonly states: TokenStates;
  /** [B, S] */
  readonly mask: Tensor | null;
  /** [B, H], of a body that has a pooler. */
  readonly pooled: Tensor | null;
}

/** A classifier of tokens or sequences, put together as its spec says. */
export class ClassificationHead extends Module {
  readonly dropoutBefore: Dropout;
  readonly dense: Dense | null;
  readonly norm: Norm | null;
  readonly dropout: Dropout;
  readonly classifier: Dense;
  readonly spec: ClassifierSpec;

  constructor(hiddenSize: number, labels: number, spec: ClassifierSpec) {
    super();
    this.spec = spec;
    this.dropoutBefore = new Dropout(spec.dropoutBefore);
    this.dense = spec.dense === null ? null : new Dense(hiddenSize, hiddenSize, { bias: spec.dense.bias });
    this.norm = spec.norm === null ? null : normOf(hiddenSize, spec.norm);
    this.dropout = new Dropout(spec.dropout);
    this.classifier = new Dense(hiddenSize, labels);
  }

  /** [B, labels]; for tokens [B, S, labels], or of the real ones alone. */
  forward({ states, mask, pooled }: HeadInputs): Tensor {
    const { pooling, activation: name } = this.spec;
    let x = this.dropoutBefore.forward(pool(pooling, states, mask, pooled));
    x = this.dense === null ? activation(name)(x) : activated(this.dense, name, x);
    if (this.norm !== null) x = this.norm.forward(x);
    const logits = this.classifier.forward(this.dropout.forward(x));
    return pooling === 'late' ? meanOfShown(states.padded(logits), mask) : logits;
  }
}

/** Logits of the vocabulary for every token: [B, S, H] → [B, S, V]. */
export class MaskedLmHead extends Module {
  readonly dense: Dense | null;
  readonly norm: Norm | null;
  /** Where the file has it beside the decoder: tied to the decoder's own, or unused where nothing is tied. */
  readonly bias: Parameter | null;
  readonly decoder: Dense;
  readonly activation: ActivationName;

  constructor({ hiddenSize, vocabSize }: EncoderConfig, { transform, bias, biasBeside, tied }: MaskedLmSpec, embedding: Parameter) {
    super();
    this.activation = transform?.activation ?? 'linear';
    this.dense = transform === null ? null : new Dense(hiddenSize, transform.width, { bias: transform.bias });
    this.norm = transform === null ? null : normOf(transform.width, transform.norm);
    this.bias = bias && biasBeside ? new Parameter(zeros([vocabSize])) : null;
    const width = transform?.width ?? hiddenSize;
    this.decoder = new Dense(width, vocabSize, { bias: tied !== false && this.bias !== null ? this.bias : bias, weight: tied === false ? null : embedding });
  }

  forward(hidden: Tensor): Tensor {
    let x = hidden;
    if (this.dense !== null) x = activated(this.dense, this.activation, x);
    if (this.norm !== null) x = this.norm.forward(x);
    return this.decoder.forward(x);
  }
}

/** Two classes on the pooler: [B, H] → [B, 2]. */
export class PairHead extends Module {
  readonly dropout: Dropout;
  readonly classifier: Dense;

  constructor(hiddenSize: number, dropout: number) {
    super();
    this.dropout = new Dropout(dropout);
    this.classifier = new Dense(hiddenSize, 2);
  }

  forward(pooled: Tensor): Tensor {
    return this.classifier.forward(this.dropout.forward(pooled));
  }
}

/** ELECTRA's discriminator: one number a token, above 0 where the token was replaced: [B, S, H] → [B, S]. */
export class DiscriminatorHead extends Module {
  readonly dense: Dense;
  readonly prediction: Dense;
  readonly activation: ActivationName;

  constructor(hiddenSize: number, name: ActivationName) {
    super();
    this.dense = new Dense(hiddenSize, hiddenSize);
    this.prediction = new Dense(hiddenSize, 1);
    this.activation = name;
  }

  forward(hidden: Tensor): Tensor {
    return this.prediction.forward(activated(this.dense, this.activation, hidden)).squeeze(-1);
  }
}
