import { ArgumentError, fromTypedArray, keep, type Tensor } from '@strided/tensor';
import type { DecoderCache } from '../encoder/decoderCache.ts';
import type { CausalInputs, CausalOutput } from '../models/causalLm.ts';
import { TokenTable } from './tokenTable.ts';

/** What a text begins with. */
export interface Prompt {
  /** int32 [B, S] */
  readonly inputIds: Tensor;
  /** [B, S], 0 where padding stands. */
  readonly attentionMask: Tensor | null;
  readonly positionIds: Tensor | null;
  readonly tokenTypeIds: Tensor | null;
  /** What cross-attention looks at; asked for once. */
  readonly encode: (() => Tensor) | null;
  readonly encoderAttentionMask: Tensor | null;
  readonly pastKeyValues: DecoderCache | null;
}

type Forward = (inputs: CausalInputs) => CausalOutput;

/** 0 for padding, else 1: int32 [B, S]. @throws ArgumentError where a row ends in padding. */
export function checkedMask(mask: Tensor, [batch, length]: readonly number[]): Tensor {
  if (mask.rank !== 2 || mask.shape[0] !== batch || mask.shape[1] !== length) throw new ArgumentError(`generate: attentionMask must be [${batch}, ${length}] as inputIds, not [${mask.shape.join(', ')}]`);
  const seen = mask.ne(0).cast('int32');
  if (seen.select(1, length - 1).toTypedArray().includes(0)) {
    throw new ArgumentError('generate: a row ends in padding, but the next token comes after its last one; pad on the left (the tokenizer\'s paddingSide: \'left\')');
  }
  return seen;
}

/** How much padding stands on the left of each row of a mask of 0 and 1. */
export function leftPadding(mask: Tensor): number[] {
  return mask.unbind(0).map((row) => row.toTypedArray().indexOf(1));
}

/** Positions that count the tokens of each row without its padding, which has 0. */
export function positionsOf(mask: Tensor): Tensor {
  const [batch, length] = mask.shape;
  const seen = mask.toTypedArray();
  const positions = new Int32Array(seen.length);
  for (let row = 0; row < batch; row++) {
    for (let i = row * length, count = 0; i < (row + 1) * length; i++) if (seen[i] === 1) positions[i] = count++;
  }
  return fromTypedArray(positions, mask.shape);
}

/** Runs a decoder over texts that grow: first over what they begin with, then over what is new. */
export class DecoderSteps {
  readonly #forward: Forward;
  readonly #useCache: boolean;
  readonly #mask: TokenTable | null;
  readonly #positions: TokenTable | null;
  readonly #types: TokenTable | null;
  readonly #encode: (() => Tensor) | null;
  readonly #encoderMask: Tensor | null;
  #states: Tensor | null = null;
  #cache: DecoderCache | null;

  constructor(forward: Forward, prompt: Prompt, { copies, width, useCache }: { readonly copies: number; readonly width: number; readonly useCache: boolean }) {
    const table = (start: Tensor | null): TokenTable | null => (start === null ? null : new TokenTable(start, copies, width));
    const repeated = (x: Tensor): Tensor => (copies === 1 ? x : x.repeatInterleave(copies, 0));
    const { encode, encoderAttentionMask: encoderMask } = prompt;
    this.#forward = forward;
    this.#useCache = useCache;
    this.#mask = table(prompt.attentionMask);
    this.#positions = table(prompt.positionIds);
    this.#types = table(prompt.tokenTypeIds);
    this.#encode = encode === null ? null : () => repeated(encode());
    this.#encoderMask = encoderMask === null ? null : repeated(encoderMask);
    this.#cache = prompt.pastKeyValues;
  }

  /** What the decoder remembers. */
  get pastKeyValues(): DecoderCache | null {
    return this.#cache;
  }

  /** Logits of the next token [rows, vocabulary]. */
  next(tokens: TokenTable): Tensor {
    const start = this.#cache?.length ?? 0;
    grow(this.#mask, tokens.length, () => 1);
    grow(this.#positions, tokens.length, (last) => last + 1);
    grow(this.#types, tokens.length, (last) => last);
    const { logits, pastKeyValues } = this.#forward({
      encoderHiddenStates: this.#encoderStates(), encoderAttentionMask: this.#encoderMask,
      inputIds: tokens.from(start), attentionMask: this.#mask?.from(0) ?? null, positionIds: this.#positions?.from(start) ?? null, tokenTypeIds: this.#types?.from(start) ?? null,
      pastKeyValues: this.#cache, useCache: this.#useCache, logitsToKeep: 1,
    });
    this.#cache = pastKeyValues;
    return logits.select(1, 0);
  }

  /** null where there are none, or the cache has what attention needs of them. */
  #encoderStates(): Tensor | null {
    if (this.#encode === null || (this.#cache !== null && this.#cache.crossLength > 0)) return null;
    return (this.#states ??= keep(this.#encode()));
  }
}

/** Adds columns, each made of the one before it. */
function grow(table: TokenTable | null, length: number, after: (last: number) => number): void {
  if (table === null) return;
  for (let last = table.length - 1; last < length - 1; last++) table.push((row) => after(table.at(row, last)));
}
