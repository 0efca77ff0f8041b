import { ArgumentError, dropout, type Tensor } from '@strided/tensor';
import { Module } from './module.ts';

/** In training each value is 0 with probability p, else x / (1 − p); in evaluation x passes unchanged. */
export class Dropout extends Module {
  readonly p: number;

  constructor(p = 0.5) {
    super();
    if (!(p >= 0 && p <= 1)) throw new ArgumentError(`Dropout: the probability must be from 0 to 1, not ${p}`);
    this.p = p;
  }

  /** The probability that counts now: p in training, else 0. */
  get rate(): number {
    return this.training ? this.p : 0;
  }

  forward(x: Tensor): Tensor {
    return dropout(x, { p: this.rate });
  }

  override describe(): string {
    return String(this.p);
  }
}
