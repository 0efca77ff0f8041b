import type { TypedArray } from '../../dtype.ts';
import type { View } from '../../storage.ts';
import type { AttentionGradients, AttentionOptions } from '../contract.ts';
import { fill } from './convert.ts';
import { forEachRow } from './iterate.ts';
import { evenBlock, multiply, pack, padded, tileHeight, tileWidth } from './panels.ts';
import { dropFactors } from './random.ts';

/**
 * Batches of q [L, E], k [S, E], v [S, V], a block of rows of q at a time:
 *   scores [R, S]      s = q·kᵀ·scale + mask, −∞ where masked; p = e^(s − logSumExp), 0 in a row with nothing but −∞
 *   forward            out = (p∘d)·v, with d the draw of dropout: 0 or 1/(1 − p)
 *   backward           gv = (p∘d)ᵀ·g,  t = g·vᵀ∘d,  ds = p∘(t − Σ p∘t),  gq = ds·k·scale,  gk = dsᵀ·q·scale,  gmask = ds
 * Scores, sums and gradients that grow over blocks are float64.
 */
const blockSize = 1 << 14;

/** The last two axes of a view. */
function matrix({ storage: { data }, layout: { shape, strides } }: View): { readonly data: TypedArray; readonly rows: number; readonly columns: number; readonly step: number; readonly stride: number } {
  const rank = shape.length;
  return { data, rows: shape[rank - 2], columns: shape[rank - 1], step: strides[rank - 2], stride: strides[rank - 1] };
}

/** Every batch in row-major order: the offsets of the views, and its number. */
function forEachBatch(views: readonly View[], visit: (offsets: readonly number[], batch: number) => void): void {
  const lead = views[0].layout.shape.slice(0, -2);
  if (lead.includes(0)) return;
  const strides = views.map(({ layout }) => [...layout.strides.slice(0, -2), 0]);
  let batch = 0;
  forEachRow({ shape: [...lead, 1], strides, offsets: views.map(({ layout }) => layout.offset) }, strides, (offsets) => visit(offsets, batch++));
}

/** Scores of blocks of rows, in memory that all blocks share. */
function scorer(queries: View, keys: View, mask: View | null, { scale, causal }: AttentionOptions) {
  const [q, k] = [matrix(queries), matrix(keys)];
  const [L, S, E] = [q.rows, k.rows, q.columns];
  const rows = evenBlock(L, blockSize, S, tileHeight);
  const width = padded(S, tileWidth);
  const scores = new Float64Array(rows * width);
  const [qPanels, kPanels] = [new Float64Array(rows * E), new Float64Array(width * E)];
  const m = mask === null ? null : { ...matrix(mask), bool: mask.storage.dtype === 'bool' };
  return {
    rows,
    /** Values from one row of the scores to the next. */
    width,
    scores,
    useKeys(offset: number): void {
      pack(k.data, offset, S, k.step, E, k.stride, kPanels, 0, tileWidth);
    },
    /** The scores of `height` rows from row `first`. */
    compute(iq: number, im: number, first: number, height: number): void {
      pack(q.data, iq + first * q.step, height, q.step, E, q.stride, qPanels, 0, tileHeight);
      scores.fill(0, 0, padded(height, tileHeight) * width);
      multiply(height, causal ? Math.min(S, first + height) : S, E, qPanels, kPanels, 0, scores, width);
      for (let i = 0; i < height; i++) {
        const row = i * width;
        const visible = causal ? Math.min(S, first + i + 1) : S;
        if (m === null) for (let j = 0; j < visible; j++) scores[row + j] *= scale;
        else if (m.bool) for (let j = 0, at = im + (first + i) * m.step; j < visible; j++, at += m.stride) scores[row + j] = m.data[at] === 0 ? -Infinity : scores[row + j] * scale;
        else for (let j = 0, at = im + (first + i) * m.step; j < visible; j++, at += m.stride) scores[row + j] = scores[row + j] * scale + m.data[at];
        scores.fill(-Infinity, row + visible, row + S);
      }
    },
  };
}

/** logSumExp of scores[row … row + S); −∞ where all are. */
function logSumExpOf(scores: Float64Array, row: number, S: number): number {
  let max = -Infinity;
  for (let j = 0; j < S; j++) {
    const s = scores[row + j];
    if (s > max) max = s;
  }
  let sum = 0;
  if (max === -Infinity) {
    // 0 for −∞ and NaN for NaN, so that only a row without NaN is dead.
    for (let j = 0; j < S; j++) sum += scores[row + j] === -Infinity ? 0 : scores[row + j];
    return sum + max;
  }
  for (let j = 0; j < S; j++) sum += Math.exp(scores[row + j] - max);
  return max + Math.log(sum);
}

/** Turns a row of scores into probabilities. */
function normalize(scores: Float64Array, row: number, S: number, logSumExp: number): void {
  if (logSumExp === -Infinity) scores.fill(0, row, row + S);
  else for (let j = 0; j < S; j++) scores[row + j] = Math.exp(scores[row + j] - logSumExp);
}

export function attention(queries: View, keys: View, values: View, mask: View | null, options: AttentionOptions, out: View, logSumExp: View): void {
  forEachSegment(queries, keys, options, (rows, scores, draw) => {
    attend(rows(queries), rows(keys), rows(values), mask === null ? null : scores(mask), options, rows(out), rows(logSumExp), draw);
  });
}

export function attentionBackward(
  queries: View, keys: View, values: View, mask: View | null, options: AttentionOptions, logSumExp: View, gradient: View, out: AttentionGradients,
): void {
  // Scores between segments are none, and have no gradient.
  if (out.mask !== null && options.segments !== null) fill(out.mask, 0);
  forEachSegment(queries, keys, options, (rows, scores, draw) => {
    const [q, k, v] = [out.q, out.k, out.v].map((view) => (view === null ? null : rows(view)));
    const gradients = { q, k, v, mask: out.mask === null ? null : scores(out.mask) };
    differentiate(rows(queries), rows(keys), rows(values), mask === null ? null : scores(mask), options, rows(logSumExp), rows(gradient), gradients, draw);
  });
}

/** The number of the draw for the first score of a row of a batch. */
type Draw = (batch: number, row: number) => number;

/** What a segment sees of a view: its rows, or its rows and columns of scores. */
type Narrow = (view: View) => View;

/** Queries that see the same keys: each segment, or all. */
function forEachSegment(queries: View, keys: View, { segments }: AttentionOptions, visit: (rows: Narrow, scores: Narrow, draw: Draw) => void): void {
  const [L, S] = [matrix(queries).rows, matrix(keys).rows];
  if (segments === null) {
    visit((view) => view, (view) => view, (batch, row) => (batch * L + row) * S);
    return;
  }
  for (let i = 0; i + 1 < segments.length; i++) {
    const [start, length] = [segments[i], segments[i + 1] - segments[i]];
    if (length > 0) visit((view) => narrow(view, start, length, false), (view) => narrow(view, start, length, true), (batch, row) => (batch * L + start + row) * S + start);
  }
}

function narrow({ storage, layout: { shape, strides, offset } }: View, start: number, length: number, square: boolean): View {
  const rank = shape.length;
  const shift = start * (strides[rank - 2] + (square ? strides[rank - 1] : 0));
  return { storage, layout: { shape: [...shape.slice(0, -2), length, square ? length : shape[rank - 1]], strides, offset: offset + shift } };
}

function attend(queries: View, keys: View, values: View, mask: View | null, options: AttentionOptions, out: View, logSumExp: View, draw: Draw): void {
  const [v, o, lse] = [matrix(values), matrix(out), matrix(logSumExp)];
  const [L, S, V] = [o.rows, v.rows, v.columns];
  if (L === 0) return;
  const { dropout } = options;
  const scoring = scorer(queries, keys, mask, options);
  const { scores, rows, width } = scoring;
  const columns = padded(V, tileWidth);
  const [pPanels, vPanels, sums] = [new Float64Array(rows * S), new Float64Array(columns * S), new Float64Array(rows * columns)];
  const factors = new Float64Array(S);
  forEachBatch([queries, keys, values, out, logSumExp, mask ?? queries], ([iq, ik, iv, io, il, im], batch) => {
    scoring.useKeys(ik);
    pack(v.data, iv, V, v.stride, S, v.step, vPanels, 0, tileWidth);
    for (let first = 0; first < L; first += rows) {
      const height = Math.min(rows, L - first);
      scoring.compute(iq, im, first, height);
      for (let i = 0; i < height; i++) {
        const row = i * width;
        const total = logSumExpOf(scores, row, S);
        lse.data[il + (first + i) * lse.step] = total;
        normalize(scores, row, S, total);
        if (dropout === null) continue;
        dropFactors(dropout.state, draw(batch, first + i), dropout.p, factors);
        for (let j = 0; j < S; j++) scores[row + j] *= factors[j];
      }
      pack(scores, 0, height, width, S, 1, pPanels, 0, tileHeight);
      sums.fill(0, 0, padded(height, tileHeight) * columns);
      multiply(height, V, S, pPanels, vPanels, 0, sums, columns);
      store(sums, height, V, columns, 1, o.data, io + first * o.step, o.step, o.stride);
    }
  });
}

function differentiate(
  queries: View, keys: View, values: View, mask: View | null, options: AttentionOptions, logSumExp: View, gradient: View, out: AttentionGradients, draw: Draw,
): void {
  const [q, k, v, g, lse] = [matrix(queries), matrix(keys), matrix(values), matrix(gradient), matrix(logSumExp)];
  const [L, S, E, V] = [q.rows, k.rows, q.columns, v.columns];
  const { scale, dropout } = options;
  const scoring = scorer(queries, keys, mask, options);
  const { scores: p, rows, width } = scoring;
  const [wide, tall, high] = [padded(E, tileWidth), padded(V, tileWidth), padded(S, tileHeight)];
  const ds = new Float64Array(rows * width);
  const factors = new Float64Array(S).fill(1);
  // Panels of the left and the right operand of one product after the other; kPanels and vPanels stay for a batch.
  const left = new Float64Array(Math.max(rows * Math.max(S, V), high * rows));
  const right = new Float64Array(rows * Math.max(wide, tall));
  const [kPanels, vPanels] = [new Float64Array(wide * S), new Float64Array(width * V)];
  const [gq, gk, gv] = [new Float64Array(rows * wide), new Float64Array(high * wide), new Float64Array(high * tall)];
  const [toQ, toK, toV, toMask] = [out.q, out.k, out.v, out.mask].map((view) => (view === null ? null : matrix(view)));
  const views = [queries, keys, values, mask ?? queries, logSumExp, gradient, out.q ?? queries, out.k ?? keys, out.v ?? values, out.mask ?? queries];
  forEachBatch(views, ([iq, ik, iv, im, il, ig, oq, ok, ov, om], batch) => {
    scoring.useKeys(ik);
    pack(v.data, iv, S, v.step, V, v.stride, vPanels, 0, tileWidth);
    if (toQ !== null) pack(k.data, ik, E, k.stride, S, k.step, kPanels, 0, tileWidth);
    gk.fill(0);
    gv.fill(0);
    for (let first = 0; first < L; first += rows) {
      const height = Math.min(rows, L - first);
      scoring.compute(iq, im, first, height);
      pack(g.data, ig + first * g.step, height, g.step, V, g.stride, left, 0, tileHeight);
      ds.fill(0, 0, padded(height, tileHeight) * width);
      multiply(height, S, V, left, vPanels, 0, ds, width);
      for (let i = 0; i < height; i++) {
        const row = i * width;
        normalize(p, row, S, lse.data[il + (first + i) * lse.step]);
        if (dropout !== null) dropFactors(dropout.state, draw(batch, first + i), dropout.p, factors);
        let inner = 0;
        for (let j = 0; j < S; j++) {
          const t = ds[row + j] * factors[j];
          ds[row + j] = t;
          inner += p[row + j] * t;
        }
        for (let j = 0; j < S; j++) {
          ds[row + j] = p[row + j] * (ds[row + j] - inner);
          p[row + j] *= factors[j];
        }
      }
      if (toV !== null) {
        pack(p, 0, S, 1, height, width, left, 0, tileHeight);
        pack(g.data, ig + first * g.step, V, g.stride, height, g.step, right, 0, tileWidth);
        multiply(S, V, height, left, right, 0, gv, tall);
      }
      if (toK !== null) {
        pack(ds, 0, S, 1, height, width, left, 0, tileHeight);
        pack(q.data, iq + first * q.step, E, q.stride, height, q.step, right, 0, tileWidth);
        multiply(S, E, height, left, right, 0, gk, wide);
      }
      if (toQ !== null) {
        pack(ds, 0, height, width, S, 1, left, 0, tileHeight);
        gq.fill(0, 0, padded(height, tileHeight) * wide);
        multiply(height, E, S, left, kPanels, 0, gq, wide);
        store(gq, height, E, wide, scale, toQ.data, oq + first * toQ.step, toQ.step, toQ.stride);
      }
      if (toMask !== null) store(ds, height, S, width, 1, toMask.data, om + first * toMask.step, toMask.step, toMask.stride);
    }
    if (toK !== null) store(gk, S, E, wide, scale, toK.data, ok, toK.step, toK.stride);
    if (toV !== null) store(gv, S, V, tall, 1, toV.data, ov, toV.step, toV.stride);
  });
}

/** Rounds a block of float64 sums, times a factor, into a result. */
function store(block: Float64Array, height: number, width: number, stride: number, factor: number, data: TypedArray, offset: number, step: number, inner: number): void {
  for (let i = 0; i < height; i++) {
    for (let j = 0, at = offset + i * step; j < width; j++, at += inner) data[at] = block[i * stride + j] * factor;
  }
}
