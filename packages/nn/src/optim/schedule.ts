import { ArgumentError } from '@strided/tensor';

/** How far training has come. */
export interface Progress {
  /** Steps made before this one. */
  readonly step: number;
  /** The share of the planned steps, or of the planned time, that has passed: 0 to 1. */
  readonly share: number;
}

/** What the learning rate is multiplied by at a moment of training. */
export type Schedule = (progress: Progress) => number;

export interface WarmupOptions {
  /** The share of training over which the rate rises linearly from 0, from 0 to below 1. */
  readonly warmup?: number;
}

/** `after` is told the share of what follows the warm-up, 0 to 1. */
function warmed(name: string, warmup: number, after: (share: number) => number): Schedule {
  if (!(warmup >= 0 && warmup < 1)) throw new ArgumentError(`${name}: the warm-up must be a share from 0 to below 1, not ${warmup}`);
  return ({ share }) => (share < warmup ? share / warmup : after((share - warmup) / (1 - warmup)));
}

function checkEnd(name: string, end: number): void {
  if (!(end >= 0 && end <= 1)) throw new ArgumentError(`${name}: the end must be a factor from 0 to 1, not ${end}`);
}

/** 1, after a warm-up over the share `warmup` (default 0). */
export function constantSchedule({ warmup = 0 }: WarmupOptions = {}): Schedule {
  return warmed('constantSchedule', warmup, () => 1);
}

/** Rises linearly from 0 to 1 over the share `warmup`, then falls linearly to `end` (default 0) at the end (BERT's schedule). */
export function linearSchedule({ warmup = 0.1, end = 0 }: WarmupOptions & { readonly end?: number } = {}): Schedule {
  checkEnd('linearSchedule', end);
  return warmed('linearSchedule', warmup, (share) => end + (1 - end) * Math.max(0, 1 - share));
}

/**
 * Rises linearly from 0 to 1 over the share `warmup` (default 0.1), then falls along half a cosine wave to `end` (default
 * 0) at the end (Loshchilov and Hutter, arXiv 1608.03983).
 */
export function cosineSchedule({ warmup = 0.1, end = 0 }: WarmupOptions & { readonly end?: number } = {}): Schedule {
  checkEnd('cosineSchedule', end);
  return warmed('cosineSchedule', warmup, (share) => end + ((1 - end) * (1 + Math.cos(Math.PI * Math.min(1, share)))) / 2);
}

/**
 * width^−½ · min(n^−½, n·warmupSteps^−1.5) with n = step + 1 ("Attention is all you need", section 5.3), multiplied by the
 * learning rate; with `peak` scaled so that it reaches 1 at the end of the warm-up.
 */
export function inverseRootSchedule({ warmupSteps, width = 1, peak = false }: { readonly warmupSteps: number; readonly width?: number; readonly peak?: boolean }): Schedule {
  if (!(Number.isInteger(warmupSteps) && warmupSteps >= 1)) throw new ArgumentError(`inverseRootSchedule: the warm-up must be a whole number of steps from 1, not ${warmupSteps}`);
  const scale = peak ? Math.sqrt(warmupSteps) : width ** -0.5;
  return ({ step }) => scale * Math.min((step + 1) ** -0.5, (step + 1) * warmupSteps ** -1.5);
}
