import type { Generator } from '@strided/tensor';
import { ArgumentError } from '@strided/tensor/errors';

/** The ids that masking and framing need to know. */
export interface SpecialIds {
  readonly pad: number;
  readonly unk: number;
  /** Opens an example: `[CLS]`, the original's `<sos>`. */
  readonly cls: number;
  /** Ends each sentence: `[SEP]`, the original's `<eos>`. */
  readonly sep: number;
  readonly mask: number;
}

/** How tokens are masked. */
export interface MaskingOptions {
  /** The share of a text's tokens to predict. Default 0.15. */
  readonly probability?: number;
  /** The share of these that the mask token replaces. Default 0.8. */
  readonly maskShare?: number;
  /** The share of these that a random token replaces. Default 0.1; what is left stays as it is. */
  readonly randomShare?: number;
}

/** Token ids with some masked, and what was there. */
export interface MaskedTokens {
  readonly inputIds: Int32Array;
  /** Ascending. */
  readonly positions: Int32Array;
  /** The original id at each position. */
  readonly labels: Int32Array;
}

/**
 * Masks tokens for masked language modelling. Of n tokens that are not special, ⌊0.15·n + u⌋ are chosen (u uniform in [0, 1):
 * 15% on the average, whatever n), but at least one if there is any, each set of that many equally likely. Each one
 * is replaced by the mask token (80%), by a random token that is not special (10%), or stays (10%).
 *
 * It takes its numbers from a generator alone: equal state and input give equal output.
 *
 * @example
 * const masker = new Masker({ pad: 0, unk: 1, cls: 2, sep: 3, mask: 4 }, [0, 1, 2, 3, 4], 8000);
 * const { inputIds, positions, labels } = masker.mask([2, 17, 23, 5, 3], generator);
 */
export class Masker {
  readonly #special: Uint8Array;
  readonly #ordinary: Int32Array;
  readonly #maskId: number;
  readonly #probability: number;
  readonly #maskShare: number;
  readonly #randomShare: number;

  /**
   * @param allSpecial every id that is never masked and never replaces one
   * @throws ArgumentError on shares outside [0, 1], ids outside the vocabulary, or a vocabulary of special tokens only
   */
  constructor(ids: SpecialIds, allSpecial: readonly number[], vocabSize: number, options: MaskingOptions = {}) {
    this.#probability = share('probability', options.probability ?? 0.15);
    this.#maskShare = share('maskShare', options.maskShare ?? 0.8);
    this.#randomShare = share('randomShare', options.randomShare ?? 0.1);
    if (this.#maskShare + this.#randomShare > 1 + 1e-12) {
      throw new ArgumentError(`Masker: maskShare ${this.#maskShare} and randomShare ${this.#randomShare} are more than 1 together; lower one`);
    }
    this.#special = new Uint8Array(vocabSize);
    for (const id of [ids.pad, ids.unk, ids.cls, ids.sep, ids.mask, ...allSpecial]) {
      if (!(Number.isInteger(id) && id >= 0 && id < vocabSize)) {
        throw new ArgumentError(`Masker: special id ${id} is not in a vocabulary of ${vocabSize}; check the tokenizer's special tokens`);
      }
      this.#special[id] = 1;
    }
    this.#ordinary = Int32Array.from(this.#special.keys()).filter((id) => this.#special[id] === 0);
    if (this.#ordinary.length === 0) throw new ArgumentError(`Masker: all ${vocabSize} tokens are special; the vocabulary needs ordinary ones`);
    this.#maskId = ids.mask;
  }

  /** Masks some of `ids`; special tokens among them are never chosen. */
  mask(ids: ArrayLike<number>, generator: Generator): MaskedTokens {
    const inputIds = Int32Array.from(ids);
    const candidates: number[] = [];
    for (let i = 0; i < inputIds.length; i++) if (this.#special[inputIds[i]] === 0) candidates.push(i);
    const wanted = Math.floor(candidates.length * this.#probability + generator.uniform());
    const count = this.#probability === 0 ? 0 : Math.min(Math.max(wanted, 1), candidates.length);
    // The first steps of a Fisher–Yates shuffle: every set of `count` candidates is equally likely.
    for (let i = 0; i < count; i++) {
      const j = i + generator.integer(candidates.length - i);
      [candidates[i], candidates[j]] = [candidates[j], candidates[i]];
    }
    const positions = Int32Array.from(candidates.slice(0, count)).sort();
    const labels = positions.map((position) => inputIds[position]);
    for (const position of positions) {
      const draw = generator.uniform();
      if (draw < this.#maskShare) inputIds[position] = this.#maskId;
      else if (draw < this.#maskShare + this.#randomShare) inputIds[position] = this.#ordinary[generator.integer(this.#ordinary.length)];
    }
    return { inputIds, positions, labels };
  }
}

function share(name: string, value: number): number {
  if (!(value >= 0 && value <= 1)) throw new ArgumentError(`Masker: ${name} must be from 0 to 1, not ${value}`);
  return value;
}
