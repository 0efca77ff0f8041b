import { Module } from '@strided/nn';
import { concat, FormatError, fromTypedArray, type Tensor } from '@strided/tensor';

/** How token vectors become one: as sentence-transformers calls it. */
export type PoolingMode = 'cls' | 'max' | 'mean' | 'mean_sqrt_len_tokens' | 'weightedmean' | 'lasttoken';

/** Today's names beside the flags of older files, in the order in which several are joined. */
const FLAGS: Readonly<Record<PoolingMode, string>> = {
  cls: 'pooling_mode_cls_token',
  max: 'pooling_mode_max_tokens',
  mean: 'pooling_mode_mean_tokens',
  mean_sqrt_len_tokens: 'pooling_mode_mean_sqrt_len_tokens',
  weightedmean: 'pooling_mode_weightedmean_tokens',
  lasttoken: 'pooling_mode_lasttoken',
};
const MODES = Object.keys(FLAGS) as PoolingMode[];

/** How many tokens each text of a batch has, and where they are. */
export interface PooledTokens {
  /** [B, S, hidden] */
  readonly tokens: Tensor;
  /** [B, S] of 1 and 0: which tokens count. */
  readonly attentionMask: Tensor;
  /** Tokens at the start of every text that are a prompt. */
  readonly promptLength: number;
}

/**
 * One vector a text from those of its tokens t (of n that count): `cls` the first, `lasttoken` the last, `max` the largest
 * of each feature, `mean` Σt / n, `mean_sqrt_len_tokens` Σt / √n, `weightedmean` Σi·t / Σi with the position i from 1.
 * Several are joined: [B, S, hidden] → [B, modes · hidden].
 */
export class Pooling extends Module {
  readonly modes: readonly PoolingMode[];
  /** Whether the tokens of a prompt count. */
  readonly includePrompt: boolean;

  constructor(modes: readonly PoolingMode[], { includePrompt = true }: { readonly includePrompt?: boolean } = {}) {
    super();
    this.modes = modes;
    this.includePrompt = includePrompt;
  }

  /** From the pooling's config.json, in the old format or today's. */
  static fromJson(config: Readonly<Record<string, unknown>>, file: string): Pooling {
    const { pooling_mode: mode, include_prompt: includePrompt = true } = config;
    if (typeof includePrompt !== 'boolean') throw new FormatError(`${file}: include_prompt must be true or false, not ${JSON.stringify(includePrompt)}`);
    const strange = Object.keys(config).filter((key) => key.startsWith('pooling_mode_') && config[key] !== false && !Object.values(FLAGS).includes(key));
    if (strange.length > 0) throw new FormatError(`${file}: ${strange.join(', ')} is not supported; known are ${Object.values(FLAGS).join(', ')}`);
    return new Pooling(mode === undefined ? oldModes(config) : newModes(mode, file), { includePrompt });
  }

  forward({ tokens, attentionMask, promptLength }: PooledTokens): Tensor {
    const [batch, length] = tokens.shape;
    const rows = countedTokens(attentionMask.toArray() as number[][], this.includePrompt ? 0 : promptLength);
    const mask = fromTypedArray(Float32Array.from(rows.flat()), [batch, length, 1]);
    const pooled = this.modes.map((mode) => pool(mode, tokens, mask, rows));
    return pooled.length === 1 ? pooled[0] : concat(pooled, -1);
  }
}

function oldModes(config: Readonly<Record<string, unknown>>): PoolingMode[] {
  const modes = MODES.filter((mode) => config[FLAGS[mode]] === true);
  return modes.length === 0 ? ['mean'] : modes;
}

function newModes(mode: unknown, file: string): PoolingMode[] {
  const modes: readonly unknown[] = Array.isArray(mode) ? mode : [mode];
  const unknown = modes.filter((one) => !MODES.includes(one as PoolingMode));
  if (modes.length === 0 || unknown.length > 0) throw new FormatError(`${file}: pooling_mode ${JSON.stringify(mode)} is not supported; known are ${MODES.join(', ')}`);
  return modes as PoolingMode[];
}

/** 1 where a token counts, with the prompt after any padding on the left taken out. */
function countedTokens(mask: readonly (readonly number[])[], promptLength: number): number[][] {
  return mask.map((row) => {
    const start = Math.max(row.findIndex((one) => one !== 0), 0) + promptLength;
    return row.map((one, i) => (one !== 0 && (promptLength === 0 || i >= start) ? 1 : 0));
  });
}

function pool(mode: PoolingMode, tokens: Tensor, mask: Tensor, rows: readonly (readonly number[])[]): Tensor {
  if (mode === 'cls') return pick(tokens, rows.map((row) => Math.max(row.indexOf(1), 0)));
  // Of a text without tokens there is no last: zeros.
  if (mode === 'lasttoken') return pick(tokens.mul(mask), rows.map((row) => Math.max(row.lastIndexOf(1), 0)));
  if (mode === 'max') return tokens.maskedFill(mask.eq(0), -Infinity).max(1);
  const weights = mode === 'weightedmean' ? fromTypedArray(Float32Array.from(rows.flatMap((row) => row.map((one, i) => one * (i + 1)))), mask.shape) : mask;
  const count = weights.sum(1).clamp({ min: 1e-9 });
  return tokens.mul(weights).sum(1).div(mode === 'mean_sqrt_len_tokens' ? count.sqrt() : count);
}

/** One token of each text. */
function pick(tokens: Tensor, positions: readonly number[]): Tensor {
  const [batch, length, hidden] = tokens.shape;
  const rows = Int32Array.from(positions, (position, text) => text * length + position);
  return tokens.reshape([batch * length, hidden]).indexSelect(0, fromTypedArray(rows));
}
