import { concat, fromTypedArray, stack, type Tensor } from '@strided/tensor';

/** Turns queries, keys and with some families values [B, heads, S, size] by angles that grow with the position (Su et al., arXiv 2104.09864). */
export interface Rotation {
  /** Whether values are turned too. */
  readonly values: boolean;
  rotate(x: Tensor): Tensor;
}

/** x·cos + (−x₂, x₁)·sin, where x₁ and x₂ are the halves of the last axis. */
class HalvesRotation implements Rotation {
  readonly values = false;
  readonly #cos: Tensor;
  readonly #sin: Tensor;

  constructor(cos: Tensor, sin: Tensor) {
    this.#cos = cos;
    this.#sin = sin;
  }

  rotate(x: Tensor): Tensor {
    const [first, second] = x.chunk(2, -1);
    return x.mul(this.#cos).add(concat([second.neg(), first], -1).mul(this.#sin));
  }
}

/** As HalvesRotation, for neighbours (x₂ᵢ, x₂ᵢ₊₁) instead of halves. */
class PairsRotation implements Rotation {
  readonly values: boolean;
  readonly #cos: Tensor;
  readonly #sin: Tensor;

  constructor(cos: Tensor, sin: Tensor, values: boolean) {
    this.#cos = cos;
    this.#sin = sin;
    this.values = values;
  }

  rotate(x: Tensor): Tensor {
    const pairs = x.reshape([...x.shape.slice(0, -1), x.shape[x.rank - 1] / 2, 2]);
    const [even, odd] = pairs.unbind(-1);
    const turned = [even.mul(this.#cos).sub(odd.mul(this.#sin)), odd.mul(this.#cos).add(even.mul(this.#sin))];
    return stack(turned, -1).reshape(x.shape);
  }
}

/** Angles position·θ^(−2i/size) for positions [1 or B, S], rounded to float32 at each step as in transformers. */
export function rotationOf(positions: Tensor, size: number, theta: number): Rotation {
  const places = positions.toTypedArray();
  const half = size / 2;
  const frequencies = Array.from({ length: half }, (_, i) => Math.fround(1 / Math.fround(theta ** Math.fround((2 * i) / size))));
  const [cos, sin] = [new Float32Array(places.length * size), new Float32Array(places.length * size)];
  places.forEach((place, p) => {
    for (let i = 0; i < half; i++) {
      const angle = Math.fround(frequencies[i] * place);
      const at = p * size + i;
      cos[at] = cos[at + half] = Math.cos(angle);
      sin[at] = sin[at + half] = Math.sin(angle);
    }
  });
  const shape = [positions.shape[0], 1, positions.shape[1], size];
  return new HalvesRotation(fromTypedArray(cos, shape), fromTypedArray(sin, shape));
}

/** Rotation by rows [1 or B, S, size] of a table: sines in the first half, cosines in the second. */
export function rotationByTable(rows: Tensor, values: boolean): Rotation {
  const [sin, cos] = rows.unsqueeze(1).chunk(2, -1);
  return new PairsRotation(cos, sin, values);
}
