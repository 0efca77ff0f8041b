import type { ActivationName } from '../activation.ts';
import type { NormSpec } from '../layers.ts';

/** Where a classifier looks. */
export type Pooling =
  /** At every token. */
  | 'tokens'
  /** At the body's pooler. */
  | 'pooler'
  | 'first' | 'last'
  /** At the first token that the attention mask shows (the first one is not it where padding stands on the left). */
  | 'firstSeen'
  /** At the mean over the tokens that the mask shows. */
  | 'mean'
  /** At the mean over all tokens, whatever the mask says. */
  | 'meanOfAll'
  /** At every token, and the mean of the results over those that the mask shows. */
  | 'late';

/** pooling → dropout → dense → activation → norm → dropout → classifier; a family leaves out what it does not have. */
export interface ClassifierSpec {
  readonly pooling: Pooling;
  readonly dropoutBefore: number;
  readonly dense: { readonly bias: boolean } | null;
  readonly activation: ActivationName;
  readonly norm: NormSpec | null;
  readonly dropout: number;
}

/** dense → activation → norm → the transposed embedding + bias; `transform` null: only the last. */
export interface MaskedLmSpec {
  readonly transform: { readonly width: number; readonly activation: ActivationName; readonly bias: boolean; readonly norm: NormSpec } | null;
  readonly bias: boolean;
  /** The file has the bias beside the decoder and ties the decoder's own to it. */
  readonly biasBeside: boolean;
  readonly tied: boolean;
  /** With labels, only tokens whose label is not this one are predicted; null: all are. */
  readonly sparseIgnore: number | null;
}

/** What the second half of a family's pretraining predicts. */
export type PairSpec =
  /** Whether a sentence follows (BERT) or whether two are in order (ALBERT): two classes, on the pooler. */
  | { readonly kind: 'pair'; readonly dropout: number }
  /** Which tokens were replaced (ELECTRA): dense → activation → one number a token. */
  | { readonly kind: 'discriminator'; readonly activation: ActivationName };

export type ProblemType = 'regression' | 'single_label_classification' | 'multi_label_classification';

/** The heads that a family can have, as its config describes them; null: the family has none. */
export interface HeadSpecs {
  readonly numLabels: number;
  readonly problemType: ProblemType | null;
  /** Without a `problem_type`, several numbers for each text are a distribution over the labels (DeBERTa). */
  readonly labelsAreDistributions?: boolean;
  /** The plain model's `poolerOutput`. */
  readonly pooler: boolean;
  readonly maskedLm: MaskedLmSpec;
  readonly pretraining: PairSpec | null;
  readonly sequence: ClassifierSpec;
  readonly token: ClassifierSpec;
  readonly choice: ClassifierSpec | null;
  readonly question: ClassifierSpec | null;
}
