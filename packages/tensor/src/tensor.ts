import type { Arithmetic, Counted, DType, ScalarOf, Summed, ToFloat, TypedArrayOf } from './dtype.ts';
import { bytesPerElement, isFloat, newArray } from './dtype.ts';
import { ArgumentError, AutogradError, DTypeError, ShapeError } from './errors.ts';
import { backward, type BackwardOptions } from './autograd.ts';
import { kernels } from './kernels/dispatch.ts';
import { contiguous, formatShape, isContiguous, sizeOf, type Layout, type Shape } from './layout.ts';
import * as elementwise from './ops/elementwise.ts';
import type { Joined, Operand, Quotient, Sum } from './ops/elementwise.ts';
import { dropout, type DropoutOptions } from './ops/dropout.ts';
import * as extreme from './ops/extreme.ts';
import * as gather from './ops/gather.ts';
import * as inplace from './ops/inplace.ts';
import * as join from './ops/join.ts';
import * as mask from './ops/mask.ts';
import { matmul } from './ops/matmul.ts';
import { bindTensorClass, type Hook, type Node } from './ops/op.ts';
import { pad, type PadOptions, type PadPair } from './ops/pad.ts';
import { dot, outer } from './ops/products.ts';
import * as reduce from './ops/reduce.ts';
import type { Axes, ReduceOptions } from './ops/reduce.ts';
import * as scan from './ops/scan.ts';
import * as select from './ops/select.ts';
import { logSoftmax, softmax } from './ops/softmax.ts';
import * as sort from './ops/sort.ts';
import type { Sorted, SortOptions, TopKOptions } from './ops/sort.ts';
import * as statistics from './ops/statistics.ts';
import type { NormOptions, VarianceOptions } from './ops/statistics.ts';
import * as take from './ops/take.ts';
import * as unique from './ops/unique.ts';
import type { BincountOptions, Unique, UniqueOptions } from './ops/unique.ts';
import { tril, triu } from './ops/triangle.ts';
import * as views from './ops/view.ts';
import { formatTensor, inspectTensor } from './print.ts';
import { Storage, type View } from './storage.ts';

/** By this name Node, Deno and Bun ask an object how to show it. */
const inspectSymbol: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;

/** Nested arrays of a tensor's values; a scalar is one value. */
export type Nested<T> = T | Nested<T>[];

/**
 * A strided array of numbers of one dtype, with the history that differentiation needs. A plain garbage-collected
 * value: nothing is ever disposed. Views share memory with what they were taken from.
 *
 * @example
 * const x = tensor([[1, 2], [3, 4]], { requiresGrad: true });
 * x.mul(x).sum().backward();
 * x.grad!.toArray(); // [[2, 4], [6, 8]]
 */
export class Tensor<D extends DType = DType> implements View<D> {
  readonly storage: Storage<D>;
  readonly layout: Layout;
  /** The gradient that `backward` added up, for leaves that require grad. */
  grad: Tensor<D> | null = null;
  /** Called with a leaf's gradient before it is added; a returned tensor takes its place. */
  hooks: readonly Hook[] | null = null;
  /** The tensor whose values this one shows, when it is a view: writes to either are part of both histories. */
  base: Tensor | null = null;
  #leafRequiresGrad = false;
  #gradFn: Node | null = null;
  /** Counts how often a write gave this tensor another history; in a view, the base's count that its own history knows of. */
  #rewrites = 0;

  constructor(view: View<D>) {
    this.storage = view.storage;
    this.layout = view.layout;
  }

  get shape(): Shape {
    return this.layout.shape;
  }
  get dtype(): D {
    return this.storage.dtype;
  }
  /** The number of axes. */
  get rank(): number {
    return this.layout.shape.length;
  }
  /** The number of values. */
  get size(): number {
    return sizeOf(this.layout.shape);
  }
  get strides(): readonly number[] {
    return this.layout.strides;
  }
  /** Bytes that the values take. */
  get byteLength(): number {
    return this.size * bytesPerElement(this.dtype);
  }
  get isContiguous(): boolean {
    return isContiguous(this.layout);
  }

  // Gradients

  /** Whether operations on this tensor are recorded. */
  get requiresGrad(): boolean {
    return this.#leafRequiresGrad || this.gradFn !== null;
  }
  set requiresGrad(value: boolean) {
    if (!this.isLeaf) throw new AutogradError('requiresGrad: only a leaf can be switched; use detach() for the same values without history');
    if (value && !isFloat(this.dtype)) throw new DTypeError(`requiresGrad: only float32 and float64 have gradients, not ${this.dtype}; use cast('float32')`);
    this.#leafRequiresGrad = value;
    // A leaf starts a history of its own, whatever becomes of the tensor that it was taken from.
    if (value) this.base = null;
  }
  /** Whether this tensor was created, not computed from others that require grad. */
  get isLeaf(): boolean {
    return this.gradFn === null;
  }
  /** The recorded op that made this tensor. */
  get gradFn(): Node | null {
    const { base } = this;
    if (base !== null && base.#rewrites !== this.#rewrites) {
      this.#rewrites = base.#rewrites;
      this.#replaceHistory(inplace.historyFromBase(this, base));
    }
    return this.#gradFn;
  }
  /** For the engine: this new tensor is the result of `node`. */
  setHistory(node: Node): void {
    this.#gradFn = node;
  }
  /** For the engine: a write made this tensor the result of `node`; its views take notice when next asked. */
  rewriteHistory(node: Node): void {
    this.#rewrites++;
    this.#replaceHistory(node);
  }
  #replaceHistory(node: Node): void {
    if (this.#gradFn?.retained === this) node.retained = this;
    this.#gradFn = node;
  }
  /** For the engine: this tensor is a view of `x`'s values. */
  showValuesOf(x: Tensor): void {
    this.base = x.base ?? x;
    this.#rewrites = this.base.#rewrites;
  }
  /** Adds the gradient of this single value to `.grad` of every leaf behind it. */
  backward(gradient?: Tensor, options?: BackwardOptions): void {
    backward(this, gradient, options);
  }
  /** The same values without history, sharing memory. */
  detach(): Tensor<D> {
    return new Tensor({ storage: this.storage, layout: this.layout });
  }
  /** Lets `backward` keep `.grad` of this tensor although it is no leaf. */
  retainGrad(): this {
    if (!this.requiresGrad) throw new AutogradError('retainGrad: the tensor does not require grad, so it gets no gradient; create its inputs with { requiresGrad: true }');
    if (this.gradFn !== null) this.gradFn.retained = this;
    return this;
  }
  /**
   * Calls `hook` with each gradient of this tensor, in the order of registration; what it returns takes the gradient's
   * place. It must not write to the gradient. Returns a function that removes it.
   */
  registerHook(hook: Hook): () => void {
    if (!this.requiresGrad) throw new AutogradError('registerHook: the tensor does not require grad, so it gets no gradient; create its inputs with { requiresGrad: true }');
    if (typeof hook !== 'function') throw new ArgumentError(`registerHook: a function of the gradient is needed, not ${typeof hook}`);
    const owner: { hooks: readonly Hook[] | null } = this.gradFn ?? this;
    const entry: Hook = (gradient) => hook(gradient);
    owner.hooks = [...(owner.hooks ?? []), entry];
    return () => {
      owner.hooks = owner.hooks?.filter((each) => each !== entry) ?? null;
    };
  }

  // Reading

  /** The one value of a tensor of size 1. */
  item(): ScalarOf<D> {
    if (this.size !== 1) throw new ShapeError(`item: only a tensor of one value has an item, not shape ${formatShape(this.shape)}; use toArray()`);
    const value = this.storage.data[this.layout.offset];
    return (this.dtype === 'bool' ? value !== 0 : value) as ScalarOf<D>;
  }
  /** A copy of the values in row-major order. */
  toTypedArray(): TypedArrayOf<D> {
    const data = newArray(this.dtype, this.size);
    kernels.copy(this, { storage: new Storage(this.dtype, data), layout: contiguous(this.shape) });
    return data;
  }
  /** A copy of the values as nested arrays. */
  toArray(): Nested<ScalarOf<D>> {
    const values = this.toTypedArray();
    const bool = this.dtype === 'bool';
    let at = 0;
    const build = (axis: number): Nested<ScalarOf<D>> => {
      if (axis === this.rank) {
        const value = values[at++];
        return (bool ? value !== 0 : value) as ScalarOf<D>;
      }
      return Array.from({ length: this.shape[axis] }, () => build(axis + 1));
    };
    return build(0);
  }
  /** A copy of the values in row-major order, for backends that compute elsewhere. */
  async data(): Promise<TypedArrayOf<D>> {
    return this.toTypedArray();
  }
  /** The slices along the first axis, in order. */
  *[Symbol.iterator](): Iterator<Tensor<D>> {
    if (this.rank === 0) throw new ShapeError('iteration: a scalar has no axis to walk; use item()');
    for (let i = 0; i < this.shape[0]; i++) yield this.select(0, i);
  }
  toString(): string {
    return formatTensor(this);
  }
  [inspectSymbol](depth: number): unknown {
    return inspectTensor(this, depth, inspectSymbol);
  }

  // Arithmetic

  add<O extends Operand>(other: O): Sum<Tensor<D>, O> { return elementwise.add<Tensor<D>, O>(this, other); }
  sub<O extends Operand>(other: O): Sum<Tensor<D>, O> { return elementwise.sub<Tensor<D>, O>(this, other); }
  mul<O extends Operand>(other: O): Sum<Tensor<D>, O> { return elementwise.mul<Tensor<D>, O>(this, other); }
  div<O extends Operand>(other: O): Quotient<Tensor<D>, O> { return elementwise.div<Tensor<D>, O>(this, other); }
  floorDivide<O extends Operand>(other: O): Sum<Tensor<D>, O> { return elementwise.floorDivide<Tensor<D>, O>(this, other); }
  pow<O extends Operand>(other: O): Sum<Tensor<D>, O> { return elementwise.pow<Tensor<D>, O>(this, other); }
  mod<O extends Operand>(other: O): Sum<Tensor<D>, O> { return elementwise.mod<Tensor<D>, O>(this, other); }
  atan2<O extends Operand>(other: O): Quotient<Tensor<D>, O> { return elementwise.atan2<Tensor<D>, O>(this, other); }
  minimum<O extends Operand>(other: O): Joined<Tensor<D>, O> { return elementwise.minimum<Tensor<D>, O>(this, other); }
  maximum<O extends Operand>(other: O): Joined<Tensor<D>, O> { return elementwise.maximum<Tensor<D>, O>(this, other); }
  clamp(options: { readonly min?: number; readonly max?: number }): Tensor<D> { return elementwise.clamp(this, options); }
  eq(other: Operand): Tensor<'bool'> { return elementwise.eq(this, other); }
  ne(other: Operand): Tensor<'bool'> { return elementwise.ne(this, other); }
  lt(other: Operand): Tensor<'bool'> { return elementwise.lt(this, other); }
  le(other: Operand): Tensor<'bool'> { return elementwise.le(this, other); }
  gt(other: Operand): Tensor<'bool'> { return elementwise.gt(this, other); }
  ge(other: Operand): Tensor<'bool'> { return elementwise.ge(this, other); }
  logicalAnd(other: Operand): Tensor<'bool'> { return elementwise.logicalAnd(this, other); }
  logicalOr(other: Operand): Tensor<'bool'> { return elementwise.logicalOr(this, other); }
  logicalXor(other: Operand): Tensor<'bool'> { return elementwise.logicalXor(this, other); }
  logicalNot(): Tensor<'bool'> { return elementwise.logicalNot(this); }
  isNaN(): Tensor<'bool'> { return elementwise.isNaN(this); }
  isInf(): Tensor<'bool'> { return elementwise.isInf(this); }
  isFinite(): Tensor<'bool'> { return elementwise.isFinite(this); }
  neg(): Tensor<Counted<D>> { return elementwise.neg(this); }
  abs(): Tensor<Counted<D>> { return elementwise.abs(this); }
  sign(): Tensor<Counted<D>> { return elementwise.sign(this); }
  square(): Tensor<Counted<D>> { return elementwise.square(this); }
  relu(): Tensor<Counted<D>> { return elementwise.relu(this); }
  floor(): Tensor<Counted<D>> { return elementwise.floor(this); }
  ceil(): Tensor<Counted<D>> { return elementwise.ceil(this); }
  round(): Tensor<Counted<D>> { return elementwise.round(this); }
  trunc(): Tensor<Counted<D>> { return elementwise.trunc(this); }
  sqrt(): Tensor<ToFloat<D>> { return elementwise.sqrt(this); }
  rsqrt(): Tensor<ToFloat<D>> { return elementwise.rsqrt(this); }
  reciprocal(): Tensor<ToFloat<D>> { return elementwise.reciprocal(this); }
  exp(): Tensor<ToFloat<D>> { return elementwise.exp(this); }
  expm1(): Tensor<ToFloat<D>> { return elementwise.expm1(this); }
  log(): Tensor<ToFloat<D>> { return elementwise.log(this); }
  log2(): Tensor<ToFloat<D>> { return elementwise.log2(this); }
  log10(): Tensor<ToFloat<D>> { return elementwise.log10(this); }
  log1p(): Tensor<ToFloat<D>> { return elementwise.log1p(this); }
  sin(): Tensor<ToFloat<D>> { return elementwise.sin(this); }
  cos(): Tensor<ToFloat<D>> { return elementwise.cos(this); }
  tan(): Tensor<ToFloat<D>> { return elementwise.tan(this); }
  asin(): Tensor<ToFloat<D>> { return elementwise.asin(this); }
  acos(): Tensor<ToFloat<D>> { return elementwise.acos(this); }
  atan(): Tensor<ToFloat<D>> { return elementwise.atan(this); }
  tanh(): Tensor<ToFloat<D>> { return elementwise.tanh(this); }
  sigmoid(): Tensor<ToFloat<D>> { return elementwise.sigmoid(this); }
  erf(): Tensor<ToFloat<D>> { return elementwise.erf(this); }
  softplus(): Tensor<ToFloat<D>> { return elementwise.softplus(this); }
  silu(): Tensor<ToFloat<D>> { return elementwise.silu(this); }
  gelu(options?: { readonly approximate?: 'none' | 'tanh' }): Tensor<ToFloat<D>> { return elementwise.gelu(this, options); }
  cast<E extends DType>(dtype: E): Tensor<E> { return elementwise.cast(this, dtype); }
  where<O extends Operand>(condition: Tensor, other: O): Joined<Tensor<D>, O> { return elementwise.where<Tensor<D>, O>(condition, this, other); }
  matmul<E extends DType>(other: Tensor<E>): Tensor<Arithmetic<D, E>> { return matmul(this, other); }
  dot<E extends DType>(other: Tensor<E>): Tensor<Arithmetic<D, E>> { return dot(this, other); }
  outer<E extends DType>(other: Tensor<E>): Tensor<Arithmetic<D, E>> { return outer(this, other); }

  // Reductions

  sum(axes?: Axes, options?: ReduceOptions): Tensor<Summed<D>> { return reduce.sum(this, axes, options); }
  prod(axes?: Axes, options?: ReduceOptions): Tensor<Summed<D>> { return reduce.prod(this, axes, options); }
  mean(axes?: Axes, options?: ReduceOptions): Tensor<ToFloat<D>> { return reduce.mean(this, axes, options); }
  min(axes?: Axes, options?: ReduceOptions): Tensor<D> { return extreme.min(this, axes, options); }
  max(axes?: Axes, options?: ReduceOptions): Tensor<D> { return extreme.max(this, axes, options); }
  argmin(axis?: number, options?: ReduceOptions): Tensor<'int32'> { return extreme.argmin(this, axis, options); }
  argmax(axis?: number, options?: ReduceOptions): Tensor<'int32'> { return extreme.argmax(this, axis, options); }
  all(axes?: Axes, options?: ReduceOptions): Tensor<'bool'> { return reduce.all(this, axes, options); }
  any(axes?: Axes, options?: ReduceOptions): Tensor<'bool'> { return reduce.any(this, axes, options); }
  variance(axes?: Axes, options?: VarianceOptions): Tensor<ToFloat<D>> { return statistics.variance(this, axes, options); }
  std(axes?: Axes, options?: VarianceOptions): Tensor<ToFloat<D>> { return statistics.std(this, axes, options); }
  norm(axes?: Axes, options?: NormOptions): Tensor<ToFloat<D>> { return statistics.norm(this, axes, options); }
  logSumExp(axes?: Axes, options?: ReduceOptions): Tensor<ToFloat<D>> { return statistics.logSumExp(this, axes, options); }

  // Order and counts

  cumSum(axis: number): Tensor<Summed<D>> { return scan.cumSum(this, axis); }
  cumProd(axis: number): Tensor<Summed<D>> { return scan.cumProd(this, axis); }
  sort(axis?: number, options?: SortOptions): Sorted<D> { return sort.sort(this, axis, options); }
  argSort(axis?: number, options?: SortOptions): Tensor<'int32'> { return sort.argSort(this, axis, options); }
  topK(k: number, axis?: number, options?: TopKOptions): Sorted<D> { return sort.topK(this, k, axis, options); }
  unique<const O extends UniqueOptions = UniqueOptions>(options?: O): Unique<D, O> { return unique.unique<D, O>(this, options); }
  nonZero(): Tensor<'int32'> { return unique.nonZero(this); }
  bincount<W extends DType = 'int32'>(options?: BincountOptions<W>): Tensor<Summed<W>> { return unique.bincount(this, options); }

  // Views

  reshape(shape: Shape): Tensor<D> { return views.reshape(this, shape); }
  view(shape: Shape): Tensor<D> { return views.viewAs(this, shape); }
  flatten(start?: number, end?: number): Tensor<D> { return views.flatten(this, start, end); }
  permute(order: readonly number[]): Tensor<D> { return views.permute(this, order); }
  transpose(axis0?: number, axis1?: number): Tensor<D> { return views.transpose(this, axis0, axis1); }
  expand(shape: Shape): Tensor<D> { return views.expand(this, shape); }
  slice(axis: number, start?: number, stop?: number, step?: number): Tensor<D> { return views.slice(this, axis, start, stop, step); }
  narrow(axis: number, start: number, length: number): Tensor<D> { return views.narrow(this, axis, start, length); }
  select(axis: number, index: number): Tensor<D> { return views.select(this, axis, index); }
  squeeze(axes?: number | readonly number[]): Tensor<D> { return views.squeeze(this, axes); }
  unsqueeze(axis: number): Tensor<D> { return views.unsqueeze(this, axis); }
  flip(axes?: number | readonly number[]): Tensor<D> { return views.flip(this, axes); }
  diagonal(offset?: number, axis1?: number, axis2?: number): Tensor<D> { return views.diagonal(this, offset, axis1, axis2); }
  split(size: number | readonly number[], axis?: number): Tensor<D>[] { return views.split(this, size, axis); }
  chunk(count: number, axis?: number): Tensor<D>[] { return views.chunk(this, count, axis); }
  unbind(axis?: number): Tensor<D>[] { return views.unbind(this, axis); }
  tril(diagonal?: number): Tensor<D> { return tril(this, diagonal); }
  triu(diagonal?: number): Tensor<D> { return triu(this, diagonal); }
  contiguous(): Tensor<D> { return views.asContiguous(this); }
  clone(): Tensor<D> { return views.clone(this); }

  // Indexing

  indexSelect(axis: number, index: Tensor): Tensor<D> { return select.indexSelect(this, axis, index); }
  indexAdd(axis: number, index: Tensor, source: Tensor): Tensor<D> { return select.indexAdd(this, axis, index, source); }
  index(indices: readonly Tensor[]): Tensor<D> { return take.index(this, indices); }
  take(index: Tensor): Tensor<D> { return take.take(this, index); }
  gather(axis: number, index: Tensor): Tensor<D> { return gather.gather(this, axis, index); }
  scatter(axis: number, index: Tensor, source: Tensor | number): Tensor<D> { return gather.scatter(this, axis, index, source); }
  scatterAdd(axis: number, index: Tensor, source: Tensor | number): Tensor<D> { return gather.scatterAdd(this, axis, index, source); }
  maskedSelect(where: Tensor): Tensor<D> { return mask.maskedSelect(this, where); }
  maskedFill(where: Tensor, value: number | Tensor): Tensor<D> { return mask.maskedFill(this, where, value); }
  maskedScatter(where: Tensor, source: Tensor): Tensor<D> { return mask.maskedScatter(this, where, source); }
  pad(widths: readonly PadPair[], options?: PadOptions): Tensor<D> { return pad(this, widths, options); }
  tile(repeats: readonly number[]): Tensor<D> { return join.tile(this, repeats); }
  repeatInterleave(repeats: number | readonly number[], axis?: number): Tensor<D> { return join.repeatInterleave(this, repeats, axis); }

  // Fused

  softmax(axis?: number): Tensor<ToFloat<D>> { return softmax(this, axis); }
  logSoftmax(axis?: number): Tensor<ToFloat<D>> { return logSoftmax(this, axis); }
  dropout(options?: DropoutOptions): Tensor<ToFloat<D>> { return dropout(this, options); }

  // Writing

  addInPlace(other: Operand): this { inplace.arithmeticInPlace('add', this, other); return this; }
  subInPlace(other: Operand): this { inplace.arithmeticInPlace('sub', this, other); return this; }
  mulInPlace(other: Operand): this { inplace.arithmeticInPlace('mul', this, other); return this; }
  divInPlace(other: Operand): this { inplace.arithmeticInPlace('div', this, other); return this; }
  copyFrom(source: Tensor): this { inplace.copyFrom(this, source); return this; }
  fill(value: number | boolean): this { inplace.fill(this, value); return this; }
}

bindTensorClass((view) => new Tensor(view));
