import { numbers } from '../problems.ts';

/** A step of pretraining the seed's model, as data; `weights`: the safetensors file that all start from. */
export interface TrainProblem {
  readonly op: 'train-step';
  readonly weights: string;
  readonly vocabulary: number;
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly batch: number;
  readonly length: number;
  readonly dropout: number;
  readonly lr: number;
  /** How many steps without dropout all must agree on, by their losses. */
  readonly steps: number;
  readonly inputIds: readonly number[];
  readonly segmentLabels: readonly number[];
  readonly maskedPositions: readonly number[];
  readonly maskedLabels: readonly number[];
  readonly isNext: readonly number[];
}

export type TrainSize = Pick<TrainProblem, 'vocabulary' | 'hidden' | 'layers' | 'heads' | 'batch' | 'length'>;

/** The original's sizes of a run on its command line. */
export const seedSize: TrainSize = { vocabulary: 8000, hidden: 256, layers: 8, heads: 8, batch: 64, length: 20 };

/** A batch of whole sequences in which 15% of the tokens are to be found, and the loss that belongs to it. */
export function trainProblem(size: TrainSize, weights: string, dropout: number): TrainProblem {
  const { vocabulary, batch, length } = size;
  const tokens = batch * length;
  const ids = (count: number, begin: number): number[] => Array.from(numbers(count, 5, vocabulary, begin), Math.floor);
  const maskedPositions = Array.from({ length: Math.floor(tokens * 0.15) }, (_, i) => Math.floor(i / 0.15));
  const inputIds = ids(tokens, 1);
  for (const position of maskedPositions) inputIds[position] = 4;
  return {
    op: 'train-step', weights, ...size, dropout, lr: 1e-4, steps: 2,
    inputIds, maskedPositions,
    segmentLabels: inputIds.map((_, i) => (i % length < length / 2 ? 1 : 2)),
    maskedLabels: ids(maskedPositions.length, 50_001),
    isNext: Array.from({ length: batch }, (_, i) => i % 2),
  };
}
