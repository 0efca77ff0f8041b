import { isFloat, promote, toFloat, type DType, type ToFloat } from '../dtype.ts';
import { reserveMask } from '../dropoutMask.ts';
import { ArgumentError, DTypeError, ShapeError } from '../errors.ts';
import { kernels } from '../kernels/dispatch.ts';
import { broadcastShapes, formatShape, sizeOf, type Shape } from '../layout.ts';
import { defaultGenerator, type Generator } from '../random.ts';
import { allocate, allocateUnset, type View } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { checkProbability, dropStream, type DropoutStream } from './dropout.ts';
import { cast, stretch, where } from './elementwise.ts';
import { apply, defineOp, wrap } from './op.ts';

interface Attributes {
  readonly scale: number;
  readonly causal: boolean;
  readonly segments: Int32Array | null;
  /** What is dropped: drawn again on the way back. */
  readonly dropout: DropoutStream | null;
}

/** All operands with the same batch axes, and the shapes of result and scores. */
function aligned(views: readonly View[]) {
  const shapes = views.map(({ layout }) => layout.shape);
  const batch = broadcastShapes('scaledDotProductAttention', ...shapes.map((shape) => shape.slice(0, -2)));
  const [L, S, V] = [shapes[0][shapes[0].length - 2], shapes[1][shapes[1].length - 2], shapes[2][shapes[2].length - 1]];
  const scores = [...batch, L, S];
  const all = views.map((view, i) => stretch('scaledDotProductAttention', view, i < 3 ? [...batch, ...shapes[i].slice(-2)] : scores));
  return { all, mask: all[3] ?? null, output: [...batch, L, V], rows: [...batch, L, 1] };
}

/** The keys that each query may see: those up to its own number. */
function lowerTriangle(L: number, S: number): Tensor {
  const view = allocate([L, S], 'bool');
  for (let i = 0; i < L; i++) view.storage.data.fill(1, i * S, i * S + Math.min(S, i + 1));
  return wrap(view);
}

/** The pairs of a query and a key of one segment. */
function sameSegment(segments: Int32Array): Tensor {
  const length = segments[segments.length - 1];
  const view = allocate([length, length], 'bool');
  for (let i = 1; i < segments.length; i++) {
    const [start, end] = [segments[i - 1], segments[i]];
    for (let row = start; row < end; row++) view.storage.data.fill(1, row * length + start, row * length + end);
  }
  return wrap(view);
}

/** Keeps one number a row, logSumExp; scores exist a block of rows at a time. */
const attentionOp = defineOp<Attributes>({
  name: 'scaledDotProductAttention',
  throughTwin: true,
  forward(inputs, attributes) {
    const { all: [q, k, v], mask, output: shape, rows } = aligned(inputs);
    const output = allocateUnset(shape, q.storage.dtype);
    const logSumExp = allocateUnset(rows, 'float64');
    kernels.attention(q, k, v, mask, attributes, output, logSumExp);
    return { output, extras: [logSumExp] };
  },
  backward(g, { inputs, extras: [logSumExp], attributes, needs }) {
    const { all, mask } = aligned(inputs);
    const gradients = all.map(({ layout, storage }, i) => (needs[i] ? allocateUnset(layout.shape, storage.dtype) : null));
    const [q, k, v, m = null] = gradients;
    kernels.attentionBackward(all[0], all[1], all[2], mask, attributes, logSumExp, g, { q, k, v, mask: m });
    return gradients.map((gradient) => (gradient === null ? null : wrap(gradient)));
  },
  composed([q, k, v, mask], { scale, causal, segments, dropout }) {
    let scores: Tensor = q.matmul(k.transpose()).mul(scale);
    if (mask !== undefined) scores = mask.dtype === 'bool' ? where(mask, scores, -Infinity) : scores.add(mask);
    if (causal) scores = where(lowerTriangle(scores.shape[scores.rank - 2], scores.shape[scores.rank - 1]), scores, -Infinity);
    if (segments !== null) scores = where(sameSegment(segments), scores, -Infinity);
    const dead = scores.detach().eq(-Infinity).all(-1, { keepDims: true });
    const weights = where(dead, 0, where(dead, 0, scores).softmax());
    if (dropout === null) return weights.matmul(v);
    // Each batch of values has draws of its own.
    const batch = broadcastShapes('scaledDotProductAttention', weights.shape.slice(0, -2), v.shape.slice(0, -2));
    return dropStream(weights.expand([...batch, ...weights.shape.slice(-2)]), dropout).matmul(v);
  },
});

export interface AttentionOptions {
  /** What each query may see, broadcast to [..., L, S]: bool (true: seen) or a float added to the scores (which may have a gradient). */
  readonly mask?: Tensor | null;
  /** Query i sees keys 0 … i only; together with a mask, both hold. Default false. */
  readonly causal?: boolean;
  /**
   * Sequences of different lengths that lie one after the other on the axis of queries and keys: where each begins, and
   * the end of the last, as [0, 5, 12, 20] for lengths 5, 7 and 8. A query sees the keys of its own sequence only (causal:
   * those up to itself), and scores between sequences are never computed: a batch without padding costs what its
   * sequences cost. Default: one sequence.
   */
  readonly segments?: ArrayLike<number> | null;
  /** The probability with which a weight is dropped after softmax. Default 0. */
  readonly dropout?: number;
  /** Off, nothing is dropped. Default true. */
  readonly training?: boolean;
  /** The factor of q·kᵀ. Default 1/√E. */
  readonly scale?: number;
  readonly generator?: Generator;
  /** Allow keys and values with fewer heads (axis −3) than queries: each serves a group of them, in order. Default false. */
  readonly groupedHeads?: boolean;
}

/**
 * softmax(q·kᵀ·scale + mask)·v for q [..., L, E], k [..., S, E], v [..., S, V], with leading axes (batch, heads) that
 * broadcast: [..., L, V] (Vaswani et al., arXiv 1706.03762). Never holds all scores at once, on the way back neither
 * (Dao et al., arXiv 2205.14135): it saves one number a query.
 *
 * A query that sees no key (all masked, or all its scores −∞) gives 0 and gets no gradient, as in PyTorch from 2.5 on.
 *
 * @throws ShapeError when lengths do not fit; ArgumentError for segments that do not rise from 0 to L; DTypeError for a mask that is neither bool nor float.
 * @example
 * const [q, k, v] = [randn([8, 4, 20, 32]), randn([8, 4, 20, 32]), randn([8, 4, 20, 32])];
 * scaledDotProductAttention(q, k, v, { causal: true }).shape; // [8, 4, 20, 32]
 */
export function scaledDotProductAttention<D extends DType>(q: Tensor<D>, k: Tensor<D>, v: Tensor<D>, options: AttentionOptions = {}): Tensor<ToFloat<D>> {
  const { mask = null, causal = false, segments = null, dropout: p = 0, training = true, generator = defaultGenerator, groupedHeads = false } = options;
  checkLengths(q.shape, k.shape, v.shape);
  checkProbability('scaledDotProductAttention', p);
  if (segments !== null) checkSegments(segments, q.shape[q.rank - 2], k.shape[k.rank - 2]);
  if (mask !== null) checkMask(mask, q.shape[q.rank - 2], k.shape[k.rank - 2]);
  const dtype = toFloat(promote(promote(q.dtype, k.dtype), v.dtype));
  const operands: Tensor[] = [cast(q, dtype), cast(k, dtype), cast(v, dtype)];
  if (mask !== null) operands.push(mask.dtype === 'bool' ? mask : cast(mask, dtype));
  const heads = groupedHeads ? groupHeads(operands) : null;
  const used = heads === null ? operands : heads.operands;
  const batch = broadcastShapes('scaledDotProductAttention', ...used.map(({ shape }) => shape.slice(0, -2)));
  const scale = options.scale ?? 1 / Math.sqrt(q.shape[q.rank - 1]);
  if (typeof scale !== 'number' || Number.isNaN(scale)) throw new ArgumentError(`scaledDotProductAttention: the scale must be a number, not ${scale}`);
  const drops = training && p > 0;
  const attributes = { scale, causal, segments: segments === null ? null : Int32Array.from(segments), dropout: drops ? { p, state: reserveMask(generator, sizeOf(batch) * q.shape[q.rank - 2] * k.shape[k.rank - 2]) } : null };
  const result = apply(attentionOp, used, attributes);
  return (heads === null ? result : result.reshape([...result.shape.slice(0, -4), heads.count, ...result.shape.slice(-2)])) as Tensor<ToFloat<D>>;
}

function checkLengths(q: Shape, k: Shape, v: Shape): void {
  const [names, shapes] = [['q', 'k', 'v'], [q, k, v]];
  shapes.forEach((shape, i) => {
    if (shape.length < 2) throw new ShapeError(`scaledDotProductAttention: ${names[i]} must have at least two axes, [..., length, size], not ${formatShape(shape)}`);
  });
  if (q[q.length - 1] !== k[k.length - 1]) throw new ShapeError(`scaledDotProductAttention: q ${formatShape(q)} and k ${formatShape(k)} must have the same size on the last axis`);
  if (k[k.length - 2] !== v[v.length - 2]) throw new ShapeError(`scaledDotProductAttention: k ${formatShape(k)} and v ${formatShape(v)} must have the same length on the axis before the last`);
}

function checkSegments(segments: ArrayLike<number>, L: number, S: number): void {
  const list = Array.from(segments);
  if (L !== S) throw new ShapeError(`scaledDotProductAttention: with segments there must be as many keys (${S}) as queries (${L}): both are cut at the same places`);
  if (list.length < 1 || list[0] !== 0 || list[list.length - 1] !== L || list.some((bound, i) => !Number.isInteger(bound) || (i > 0 && bound < list[i - 1]))) {
    throw new ArgumentError(`scaledDotProductAttention: segments must be whole numbers that rise from 0 to the number of queries, ${L}, not [${list.slice(0, 8).join(', ')}${list.length > 8 ? ', …' : ''}]; for lengths 5, 7 and 8 give [0, 5, 12, 20]`);
  }
}

function checkMask(mask: Tensor, L: number, S: number): void {
  if (mask.dtype !== 'bool' && !isFloat(mask.dtype)) {
    throw new DTypeError(`scaledDotProductAttention: the mask must be bool (true: may be seen) or float (added to the scores), not ${mask.dtype}; use mask.ne(0) for bool`);
  }
  const [rows = 1, columns = 1] = mask.rank < 2 ? [1, ...mask.shape] : mask.shape.slice(-2);
  if ((rows !== 1 && rows !== L) || (columns !== 1 && columns !== S)) {
    throw new ShapeError(`scaledDotProductAttention: the mask ${formatShape(mask.shape)} does not broadcast to [..., ${L}, ${S}], queries by keys; give a mask of keys [batch, ${S}] axes for heads and queries: mask.unsqueeze(1).unsqueeze(1)`);
  }
}

/** [..., H, L, E] as [..., G, H/G, L, E], and keys and values [..., G, S, E] as [..., G, 1, S, E]: broadcasting does the rest. */
function groupHeads([q, k, v, mask]: readonly Tensor[]): { readonly operands: Tensor[]; readonly count: number } {
  const count = q.shape[q.rank - 3];
  const groups = k.shape[k.rank - 3];
  if (q.rank < 3 || k.rank < 3 || v.shape[v.rank - 3] !== groups || groups === 0 || count % groups !== 0) {
    throw new ShapeError(`scaledDotProductAttention: with groupedHeads the heads (axis -3) of q ${formatShape(q.shape)} must be a multiple of those of k ${formatShape(k.shape)} and v ${formatShape(v.shape)}`);
  }
  const split = (x: Tensor): Tensor =>
    x.shape[x.rank - 3] === 1 ? x.unsqueeze(-3) : x.reshape([...x.shape.slice(0, -3), groups, count / groups, ...x.shape.slice(-2)]);
  const spread = (x: Tensor): Tensor => x.unsqueeze(-3);
  const masks = mask === undefined ? [] : [mask.rank < 3 ? mask : split(mask)];
  return { operands: [q.reshape([...q.shape.slice(0, -3), groups, count / groups, ...q.shape.slice(-2)]), spread(k), spread(v), ...masks], count };
}
