import { StridedError } from '@strided/tensor';

/** Training that cannot go on; the message says at which step, why and what to do. */
export class TrainingError extends StridedError {
  override name = 'TrainingError';
  /** The step that failed, counted from 1. */
  readonly step: number;
  /** What the data gave for it, when the loss or the gradients were not finite. */
  readonly batch: unknown;

  constructor(message: string, step: number, { batch, ...options }: ErrorOptions & { readonly batch?: unknown } = {}) {
    super(message, options);
    this.step = step;
    this.batch = batch;
  }
}
