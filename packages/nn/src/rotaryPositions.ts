import { ArgumentError, concat, fromTypedArray, ShapeError, stack, type Tensor } from '@strided/tensor';
import { Module } from './module.ts';

export interface RotaryOptions {
  /** The longest wavelength is about 2π·base positions. Default 10000. */
  readonly base?: number;
  /** Which numbers are turned together: 'halves' (default): i and i + size/2 (GPT-NeoX, LLaMA, ModernBERT); 'pairs': 2i and 2i + 1 (RoFormer, GPT-J). */
  readonly layout?: 'halves' | 'pairs';
}

/**
 * Rotary positions (Su et al., arXiv 2104.09864): the i-th pair of numbers at position p is turned by the angle
 * p·base^(−2i/size), so that the product of a query and a key depends on the distance of their positions alone. Has no
 * parameters. The angles are rounded to float32, because that is what trained weights have seen.
 *
 * @example
 * new RotaryPositions(8).forward(randn([2, 4, 10, 8])); // of positions 0 … 9 on the axis before the last
 */
export class RotaryPositions extends Module {
  readonly headSize: number;
  readonly base: number;
  readonly layout: 'halves' | 'pairs';
  readonly #frequencies: Float32Array;

  constructor(headSize: number, { base = 10000, layout = 'halves' }: RotaryOptions = {}) {
    super();
    if (!Number.isInteger(headSize) || headSize < 2 || headSize % 2 !== 0) throw new ArgumentError(`RotaryPositions: the head size must be an even number from 2, not ${headSize}`);
    if (!(base > 0 && base < Infinity)) throw new ArgumentError(`RotaryPositions: the base must be above 0, not ${base}`);
    if (layout !== 'halves' && layout !== 'pairs') throw new ArgumentError(`RotaryPositions: the layout must be 'halves' or 'pairs', not '${String(layout)}'`);
    this.headSize = headSize;
    this.base = base;
    this.layout = layout;
    this.#frequencies = Float32Array.from({ length: headSize / 2 }, (_, i) => 1 / Math.fround(base ** Math.fround((2 * i) / headSize)));
  }

  /** x [..., L, headSize] of positions `start`, `start` + 1, … → the same shape, turned. */
  forward(x: Tensor, start = 0): Tensor {
    if (x.rank < 2 || x.shape[x.rank - 1] !== this.headSize) throw new ShapeError(`RotaryPositions: x must be [..., length, ${this.headSize}], not [${x.shape.join(', ')}]`);
    const [length, half] = [x.shape[x.rank - 2], this.headSize / 2];
    const table = (wave: (angle: number) => number): Tensor => {
      const values = Float32Array.from({ length: length * half }, (_, i) => wave(Math.fround((start + Math.floor(i / half)) * this.#frequencies[i % half])));
      return fromTypedArray(values, [length, half]);
    };
    const [cos, sin] = [table(Math.cos), table(Math.sin)];
    if (this.layout === 'halves') {
      const [a, b] = x.split(half, -1);
      return concat([a.mul(cos).sub(b.mul(sin)), b.mul(cos).add(a.mul(sin))], -1);
    }
    const [a, b] = x.reshape([...x.shape.slice(0, -1), half, 2]).unbind(-1);
    return stack([a.mul(cos).sub(b.mul(sin)), b.mul(cos).add(a.mul(sin))], -1).reshape(x.shape);
  }

  override describe(): string {
    return `${this.headSize}, base ${this.base}${this.layout === 'pairs' ? ', pairs' : ''}`;
  }
}
