import { Embedding, LayerNorm, Linear, Parameter, RMSNorm } from '@strided/nn';
import { empty } from '@strided/tensor';

/*
 * The leaves of every model here: nn's layers, but made empty. They are filled once, by a checkpoint or by an
 * initialiser; drawing 110 million numbers that a file then overwrites takes longer than reading the file.
 */

/** A Linear of zeros. The weight can be another layer's: then it is tied to it; so can the bias. */
export class Dense extends Linear {
  override readonly weight: Parameter;
  override readonly bias: Parameter | null;

  constructor(inFeatures: number, outFeatures: number, { bias = true, weight = null }: { readonly bias?: boolean | Parameter; readonly weight?: Parameter | null } = {}) {
    super(0, 0, { bias: false });
    this.weight = weight ?? new Parameter(empty([outFeatures, inFeatures]));
    this.bias = typeof bias === 'object' ? bias : bias ? new Parameter(empty([outFeatures])) : null;
  }
}

/** An Embedding of zeros. No gradient flows into the row of the padding. */
export class Table extends Embedding {
  override readonly weight: Parameter;
  override readonly paddingIndex: number | undefined;

  constructor(rows: number, width: number, { paddingIndex = null }: { readonly paddingIndex?: number | null } = {}) {
    super(0, 0);
    this.weight = new Parameter(empty([rows, width]));
    this.paddingIndex = paddingIndex ?? undefined;
  }
}

export interface NormSpec {
  /** `layer`: LayerNorm; `deviation`: that of BERT-pytorch (unbiased deviation, ε outside of the root); `rms`: no mean, no bias. */
  readonly form: 'layer' | 'deviation' | 'rms';
  readonly epsilon: number;
  readonly bias: boolean;
}

export type Norm = LayerNorm | RMSNorm;

/** The norm that a spec describes, over a last axis of this width. */
export function normOf(width: number, { form, epsilon, bias }: NormSpec): Norm {
  return form === 'rms' ? new RMSNorm(width, { epsilon }) : new LayerNorm(width, { bias, epsilon, form: form === 'layer' ? 'variance' : 'deviation' });
}
