import { StridedError } from '@strided/tensor';

/** Training that cannot go on; the message says at which step, why and what to do. */
export class TrainingError extends StridedError {
  override name = 'TrainingError';
  /** The step that failed, counted from 1. */
  readonly step: number;

  constructor(message: string, step: number, options?: ErrorOptions) {
    super(message, options);
    this.step = step;
  }
}
