import { Dropout, Module, Parameter } from '@strided/nn';
import { concat, linear, zeros, type Tensor } from '@strided/tensor';
import { activation, type ActivationName } from '../activation.ts';
import type { DisentangledSpec } from '../config.ts';
import { normOf, type Norm, type NormSpec } from '../layers.ts';
import type { Packing } from './packing.ts';

/** A convolution along the sequence, as one product over the neighbours side by side: [B, S, in] → [B, S, out]. */
class Convolution extends Module {
  /** [out, in / groups, size] */
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly groups: number;

  constructor(width: number, size: number, groups: number) {
    super();
    this.weight = new Parameter(zeros([width, width / groups, size]));
    this.bias = new Parameter(zeros([width]));
    this.groups = groups;
  }

  /** With `packing` of the real tokens alone, of which x [1, T, in] is made. */
  forward(x: Tensor, packing: Packing | null = null): Tensor {
    const [out, into, size] = this.weight.shape;
    const before = (size - 1) >> 1;
    const all = packing === null ? x : packing.spread(x);
    const length = all.shape[1] + 2 * before - size + 1;
    const padded = all.pad([[0, 0], [before, before], [0, 0]]);
    const neighbours = Array.from({ length: size }, (_, i) => {
      const shifted = padded.narrow(1, i, length);
      return packing === null ? shifted : packing.pack(shifted);
    });
    const parts = Array.from({ length: this.groups }, (_, group) => {
      const rows = this.weight.narrow(0, (group * out) / this.groups, out / this.groups);
      const own = concat(neighbours.map((each) => each.narrow(2, group * into, into)), -1);
      return linear(own, rows.permute([0, 2, 1]).reshape([out / this.groups, size * into]));
    });
    return concat(parts, -1).add(this.bias);
  }
}

/** DeBERTa-v2's convolution beside the first layer: norm(layer + act(dropout(conv(embeddings)))), 0 at padding. */
export class ConvolutionLayer extends Module {
  readonly convolution: Convolution;
  readonly norm: Norm;
  readonly dropout: Dropout;
  readonly activation: ActivationName;

  constructor(width: number, norm: NormSpec, dropout: number, spec: NonNullable<DisentangledSpec['convolution']>) {
    super();
    this.convolution = new Convolution(width, spec.size, spec.groups);
    this.norm = normOf(width, norm);
    this.dropout = new Dropout(dropout);
    this.activation = spec.activation;
  }

  /** `seen` [B, S, 1] is 0 at padding. */
  forward(embeddings: Tensor, layer: Tensor, seen: Tensor | null, packing: Packing | null = null): Tensor {
    const out = activation(this.activation)(this.dropout.forward(this.convolution.forward(embeddings, packing)));
    const normed = this.norm.forward(layer.add(out));
    return seen === null ? normed : normed.mul(seen);
  }
}
