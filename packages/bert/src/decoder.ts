import { Linear, Module } from '@strided/nn';
import type { Tensor } from '@strided/tensor';

/**
 * From hidden states [..., hidden] to the vocabulary [..., V]: a linear layer, not tied to the embedding, then
 * softmax, or in training log-softmax.
 */
export class Decoder extends Module {
  readonly linear: Linear;

  constructor(hiddenSize: number, vocabSize: number) {
    super();
    this.linear = new Linear(hiddenSize, vocabSize);
  }

  /** Before the softmax, which `crossEntropy` takes. */
  logits(hidden: Tensor): Tensor {
    return this.linear.forward(hidden);
  }

  forward(hidden: Tensor): Tensor {
    return this.training ? this.logits(hidden).logSoftmax() : this.logits(hidden).softmax();
  }
}

/** Whether the second sentence follows the first: linear on position 0, then log-softmax. [B, S, hidden] → [B, 2]. */
export class NextSentenceHead extends Module {
  readonly linear: Linear;

  constructor(hiddenSize: number) {
    super();
    this.linear = new Linear(hiddenSize, 2);
  }

  logits(hidden: Tensor): Tensor {
    return this.linear.forward(hidden.select(1, 0));
  }

  forward(hidden: Tensor): Tensor {
    return this.logits(hidden).logSoftmax();
  }
}
