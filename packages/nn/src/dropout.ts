import { dropout, type Tensor } from '@strided/tensor';
import { Module } from './module.ts';

/** In training each value is 0 with probability p, else x / (1 − p); in evaluation x passes unchanged. */
export class Dropout extends Module {
  readonly p: number;

  constructor(p = 0.5) {
    super();
    this.p = p;
  }

  forward(x: Tensor): Tensor {
    return dropout(x, { p: this.p, training: this.training });
  }
}
