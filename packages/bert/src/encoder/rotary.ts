import { concat, fromTypedArray, persist, stack, type Tensor } from '@strided/tensor';

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

interface Turns {
  readonly cos: Tensor;
  readonly sin: Tensor;
}

/** Cosines and sines [places, size] of the angles place·θ^(−2i/size), rounded to float32 at each step as in transformers. */
function turnsOf(places: ArrayLike<number>, size: number, theta: number): Turns {
  const half = size / 2;
  const frequencies = Array.from({ length: half }, (_, i) => Math.fround(1 / Math.fround(theta ** Math.fround((2 * i) / size))));
  const [cos, sin] = [new Float32Array(places.length * size), new Float32Array(places.length * size)];
  for (let p = 0; p < places.length; p++) {
    for (let i = 0; i < half; i++) {
      const angle = Math.fround(frequencies[i] * places[p]);
      const at = p * size + i;
      cos[at] = cos[at + half] = Math.cos(angle);
      sin[at] = sin[at + half] = Math.sin(angle);
    }
  }
  const shape = [places.length, size];
  return { cos: fromTypedArray(cos, shape), sin: fromTypedArray(sin, shape) };
}

/** Of so many positions at most are turns kept: 4 MB for heads of 64. Others are computed each time. */
const longestKept = 1 << 13;

/** Rotations by angles that grow with the position. What they are made of is kept for the first positions, as many as were asked for so far. */
export class Rotations {
  readonly #size: number;
  readonly #known = new Map<number, Turns>();

  constructor(headSize: number) {
    this.#size = headSize;
  }

  /** For positions [1 or B, S]. */
  at(positions: Tensor, theta: number): Rotation {
    const places = positions.toTypedArray();
    let [least, most] = [0, 0];
    for (const place of places) [least, most] = [Math.min(least, place), Math.max(most, place)];
    const kept = positions.dtype === 'int32' && least === 0 && most < longestKept;
    const { cos, sin } = kept ? this.#upTo(most + 1, theta) : turnsOf(places, this.#size, theta);
    const rows = (table: Tensor): Tensor => (kept ? table.indexSelect(0, positions.flatten()) : table).reshape([positions.shape[0], 1, positions.shape[1], this.#size]);
    return new HalvesRotation(rows(cos), rows(sin));
  }

  #upTo(length: number, theta: number): Turns {
    const known = this.#known.get(theta);
    if (known !== undefined && known.cos.shape[0] >= length) return known;
    // Lengths that grow one by one would leave a table each, until the collector comes.
    const most = Math.min(longestKept, Math.max(length, 2 * (known?.cos.shape[0] ?? 0)));
    const made = turnsOf(Array.from({ length: most }, (_, place) => place), this.#size, theta);
    // They outlive the pass that made them.
    persist([made.cos, made.sin]);
    this.#known.set(theta, made);
    return made;
  }
}

/** Rotation by rows [1 or B, S, size] of a table: sines in the first half, cosines in the second. */
export function rotationByTable(rows: Tensor, values: boolean): Rotation {
  const [sin, cos] = rows.unsqueeze(1).chunk(2, -1);
  return new PairsRotation(cos, sin, values);
}
