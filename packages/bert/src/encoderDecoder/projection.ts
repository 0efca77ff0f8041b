import { Module } from '@strided/nn';
import { noGrad, randn, type Tensor, type TensorReader } from '@strided/tensor';
import { parametersByKey } from '../checkpoint/entries.ts';
import { KeyMap } from '../checkpoint/keys.ts';
import { loadCheckpoint, type LoadingReport } from '../checkpoint/load.ts';
import { Dense } from '../layers.ts';

const keys = new KeyMap([['enc_to_dec_proj.{p}', 'dense.{p}']]);

/** The encoder's states as the decoder expects them: projected where their widths differ. */
export class Projection extends Module {
  readonly dense: Dense | null;

  constructor(from: number, to: number) {
    super();
    this.dense = from === to ? null : new Dense(from, to);
  }

  /** [B, S, from] → [B, S, to] */
  forward(states: Tensor): Tensor {
    return this.dense === null ? states : this.dense.forward(states);
  }

  draw(std: number): void {
    const weight = this.dense?.weight;
    if (weight !== undefined) noGrad(() => weight.copyFrom(randn(weight.shape).mul(std)));
  }

  parametersByKey(): IterableIterator<[string, Tensor]> {
    return parametersByKey(this, keys);
  }

  /** From what a checkpoint holds beside the halves. @throws CheckpointError where that is not this projection and nothing else. */
  async load(reader: TensorReader, initializeMissing: boolean): Promise<LoadingReport> {
    return loadCheckpoint(this, reader, { keys, prefix: null, ignorable: () => false, optional: () => initializeMissing });
  }
}
