import type { Tensor } from '@strided/tensor';
import { Module } from './module.ts';

/** x·Φ(x), or its tanh form, which differs by up to 5e-4. */
export class GELU extends Module {
  readonly approximate: 'none' | 'tanh';

  constructor({ approximate = 'none' }: { readonly approximate?: 'none' | 'tanh' } = {}) {
    super();
    this.approximate = approximate;
  }

  forward(x: Tensor): Tensor {
    return x.gelu({ approximate: this.approximate });
  }
}
