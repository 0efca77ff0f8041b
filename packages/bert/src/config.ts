import { CheckpointError } from '@strided/tensor';

/**
 * What every encoder is built from, whatever family its file came from. A family's parser fills all of it;
 * a value that no encoder here understands is refused there, never ignored.
 */
export interface EncoderConfig {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly intermediateSize: number;
  /** The longest sequence that has positions. */
  readonly maxPositions: number;
  /** Rows of the segment table. */
  readonly segments: number;
  /** The probability of every dropout. */
  readonly dropout: number;
  readonly paddingId: number;
}

/** A field of an untrusted config.json: a whole number in a range. */
export function wholeNumber(file: string, config: Readonly<Record<string, unknown>>, field: string, low: number, high: number, fallback?: number): number {
  const value = config[field] ?? fallback;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < low || value > high) {
    throw new CheckpointError(`${file}: ${field} must be a whole number from ${low} to ${high}, not ${JSON.stringify(value)}`);
  }
  return value;
}

/** A field of an untrusted config.json: a probability. */
export function probability(file: string, config: Readonly<Record<string, unknown>>, field: string, fallback: number): number {
  const value = config[field] ?? fallback;
  if (typeof value !== 'number' || !(value >= 0 && value < 1)) {
    throw new CheckpointError(`${file}: ${field} must be a probability from 0 to below 1, not ${JSON.stringify(value)}`);
  }
  return value;
}

/** Refuses sizes that cannot be a model, before anything is allocated. */
export function checkSizes(file: string, config: EncoderConfig): EncoderConfig {
  const { hiddenSize, heads } = config;
  if (hiddenSize % heads !== 0) {
    throw new CheckpointError(`${file}: the hidden size ${hiddenSize} is not a multiple of the ${heads} attention heads; choose heads that divide it`);
  }
  return config;
}
