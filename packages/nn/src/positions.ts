import { fromTypedArray, IndexError, zeros, type FloatDType, type Tensor } from '@strided/tensor';
import { TransientBuffer } from './buffer.ts';
import { normal } from './init.ts';
import { Module } from './module.ts';
import { Parameter } from './parameter.ts';

/**
 * Fixed positions ("Attention is all you need", section 3.5): [length, width] with sin(p·10000^(−2i/width)) in column 2i
 * and the cosine of it in column 2i + 1. The angles are rounded to float32 as in the usual PyTorch code, because that is
 * what trained weights have seen: at position 500 it moves a value by up to 1e-5.
 */
export function sinusoidalTable(length: number, width: number): Tensor<'float32'> {
  const table = new Float32Array(length * width);
  for (let column = 0; column < width; column++) {
    const exponent = Math.fround((column - (column % 2)) * Math.fround(-Math.log(10000) / width));
    const frequency = Math.fround(Math.exp(exponent));
    const wave = column % 2 === 0 ? Math.sin : Math.cos;
    for (let p = 0; p < length; p++) table[p * width + column] = wave(Math.fround(p * frequency));
  }
  return fromTypedArray(table, [length, width]);
}

/** The rows of a table for positions `start` … of x [..., L, width]. */
function rowsFor(name: string, x: Tensor, table: Tensor, start: number): Tensor {
  const [length, most] = [x.shape[x.rank - 2], table.shape[0]];
  if (start + length > most) throw new IndexError(`${name}: positions ${start} to ${start + length - 1} go beyond the ${most} that there are; truncate the sequence or make more positions`);
  return table.narrow(0, start, length);
}

/** Adds fixed sines and cosines of the position. Nothing is trained or saved. */
export class SinusoidalPositions extends Module {
  readonly table: TransientBuffer<FloatDType>;

  constructor(maxPositions: number, width: number) {
    super();
    this.table = new TransientBuffer<FloatDType>(sinusoidalTable(maxPositions, width));
  }

  /** x [..., L, width], whose first position is `start` → the same shape. */
  forward(x: Tensor, start = 0): Tensor {
    return x.add(rowsFor('SinusoidalPositions', x, this.table, start));
  }

  override describe(): string {
    return this.table.shape.join(' × ');
  }
}

/** Adds a trained row for each position (BERT). The rows start standard normal, as PyTorch's Embedding. */
export class LearnedPositions extends Module {
  readonly weight: Parameter;

  constructor(maxPositions: number, width: number) {
    super();
    this.weight = normal(new Parameter(zeros([maxPositions, width])));
  }

  /** x [..., L, width], whose first position is `start` → the same shape. */
  forward(x: Tensor, start = 0): Tensor {
    return x.add(rowsFor('LearnedPositions', x, this.weight, start));
  }

  override describe(): string {
    return this.weight.shape.join(' × ');
  }
}
