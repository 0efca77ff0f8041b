import { ArgumentError } from '@strided/tensor';
import type { Evaluations } from './curve.ts';

/** What makes one evaluation better than another. */
export interface Goal {
  /** The name of a metric that `evaluate` gives. */
  readonly metric: string;
  /** Whether less is better ('min', as of losses) or more ('max', as of accuracies). */
  readonly mode: 'min' | 'max';
}

export interface EarlyStopping extends Goal {
  /** Training ends when so many evaluations in a row were no better than the best before them. */
  readonly patience: number;
  /** By how much an evaluation has to be better to count. Default 0. */
  readonly minimumChange?: number;
}

export function checkGoal(what: string, { metric, mode }: Goal): void {
  if (mode !== 'min' && mode !== 'max') throw new ArgumentError(`Trainer: the mode of ${what} must be 'min' or 'max', not '${String(mode)}'`);
  if (typeof metric !== 'string' || metric === '') throw new ArgumentError(`Trainer: ${what} needs the name of a metric`);
}

/** The number of the best evaluation so far, the first of equals; −1 without one. Those that are NaN never win. */
export function bestEvaluation(evaluations: Evaluations, { metric, mode }: Goal, minimumChange = 0): number {
  const values = evaluations.metrics[metric];
  if (values === undefined) {
    if (evaluations.step.length === 0) return -1;
    throw new ArgumentError(`Trainer: evaluate gave no '${metric}', which was to tell the best; it gave ${Object.keys(evaluations.metrics).join(', ') || 'nothing'}`);
  }
  const sign = mode === 'min' ? -1 : 1;
  return values.reduce((best, value, i) => (!Number.isNaN(value) && (best < 0 || sign * (value - values[best]) > minimumChange) ? i : best), -1);
}

/** Whether the last `patience` evaluations brought nothing. */
export function isExhausted(evaluations: Evaluations, goal: EarlyStopping): boolean {
  const count = evaluations.step.length;
  return count > 0 && count - 1 - Math.max(0, bestEvaluation(evaluations, goal, goal.minimumChange)) >= goal.patience;
}
