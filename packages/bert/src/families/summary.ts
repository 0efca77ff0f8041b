import { activationNames, type ActivationName } from '../activation.ts';
import type { Fields } from '../fields.ts';
import type { ClassifierSpec } from '../heads/spec.ts';

/** The `summary_…` fields: what a classifier of choices looks at, and through what. */
export function summary(fields: Fields, kind: 'first' | 'last', projects: boolean, activation: ActivationName | null, lastDropout: number): ClassifierSpec {
  const pooling = { first: 'first', last: 'last', cls_index: 'last', mean: 'meanOfAll' } as const;
  const type = fields.choice('summary_type', ['first', 'last', 'mean', 'cls_index'], kind);
  // Here null does not stand for the default, but for none.
  const none = !fields.has('summary_activation') && (activation === null || Object.hasOwn(fields.json, 'summary_activation'));
  const name = none ? 'linear' : fields.choice('summary_activation', activationNames, activation ?? 'linear');
  fields.only('summary_proj_to_labels', [false], 'the projection keeps the hidden size');
  return {
    pooling: pooling[type], dense: fields.flag('summary_use_proj', projects) ? { bias: true } : null, activation: name, norm: null,
    dropoutBefore: fields.has('summary_first_dropout') ? fields.probability('summary_first_dropout', 0) : 0,
    dropout: lastDropout > 0 || fields.has('summary_last_dropout') ? fields.probability('summary_last_dropout', lastDropout) : 0,
  };
}
