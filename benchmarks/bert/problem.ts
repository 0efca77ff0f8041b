import { numbers } from '../problems.ts';

/** A model's files, of the same weights. */
export interface ModelPaths {
  /** A checkpoint of transformers. */
  readonly folder: string;
  /** The same as ONNX. */
  readonly onnx: string;
}

/** Hidden states [rows, length, hidden] of BERT; whoever computes them gives those of real tokens, one after the other. */
export interface ForwardProblem extends ModelPaths {
  readonly op: 'bert-forward';
  readonly rows: number;
  readonly length: number;
  /** Padded to `length`, row after row. */
  readonly inputIds: readonly number[];
  /** 1 for a token, 0 for padding. */
  readonly attentionMask: readonly number[];
}

/** Embeddings of unit length of texts, as sentence-transformers makes them, at most `batch` at once. */
export interface EmbedProblem extends ModelPaths {
  readonly op: 'embed';
  readonly texts: readonly string[];
  readonly batch: number;
}

/** What a whole model is asked. */
export type ModelProblem = ForwardProblem | EmbedProblem;

/** Sequences as long as each other, of any tokens. */
export function evenProblem(paths: ModelPaths, vocabulary: number, rows: number, length: number): ForwardProblem {
  const inputIds = Array.from(numbers(rows * length, 1, vocabulary), Math.floor);
  return { op: 'bert-forward', ...paths, rows, length, inputIds, attentionMask: inputIds.map(() => 1) };
}

/** Sequences of their own lengths, padded to the longest. */
export function paddedProblem(paths: ModelPaths, sequences: readonly (readonly number[])[]): ForwardProblem {
  const length = Math.max(...sequences.map((ids) => ids.length));
  const padded = (value: (ids: readonly number[], position: number) => number): number[] =>
    sequences.flatMap((ids) => Array.from({ length }, (_, position) => (position < ids.length ? value(ids, position) : 0)));
  return {
    op: 'bert-forward', ...paths, rows: sequences.length, length,
    inputIds: padded((ids, position) => ids[position]), attentionMask: padded(() => 1),
  };
}

/** Of the hidden states of all positions those of real tokens. */
export function realPositions(hidden: Float32Array, { attentionMask }: Pick<ForwardProblem, 'attentionMask'>): Float32Array {
  const size = hidden.length / attentionMask.length;
  const real = new Float32Array(size * attentionMask.reduce((count, one) => count + one, 0));
  let at = 0;
  attentionMask.forEach((one, position) => {
    if (one === 0) return;
    real.set(hidden.subarray(position * size, (position + 1) * size), at);
    at += size;
  });
  return real;
}
