import { ArgumentError, AutogradError } from '../errors.ts';
import { isFloat, type DType } from '../dtype.ts';
import type { Shape } from '../layout.ts';
import { checkPresent, currentRegion, type Region, type View } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { abandonsPromise } from '../thenable.ts';

/**
 * What an op is: a forward on views beside its backward on tensors. `apply` runs the one and records the other.
 * The walk back is in `autograd.ts`; everything that stands between is here.
 */

/** What `backward` may look at: the saved tensors, the attributes, and which inputs want a gradient. */
export interface Saved<A> {
  /** The inputs named by `saves.inputs`; reading another is undefined. */
  readonly inputs: readonly Tensor[];
  /** The result, when `saves.output`; reading it otherwise is undefined. */
  readonly output: Tensor;
  /** What forward returned beside its output. */
  readonly extras: readonly View[];
  readonly attributes: A;
  readonly shapes: readonly Shape[];
  readonly needs: readonly boolean[];
}

/** One gradient per input, in the shape of the op's broadcast result or of the input; null where none flows. */
export type Backward<A> = (gradient: Tensor, saved: Saved<A>) => readonly (Tensor | null)[];

export interface ForwardResult {
  readonly output: View;
  /** Views kept for backward, such as layerNorm's mean and reciprocal deviation. */
  readonly extras: readonly View[];
}

interface OpParts<A> {
  readonly name: string;
  /** Which values backward reads, where it matters for which inputs want a gradient. Left out: none. */
  readonly saves?: {
    readonly inputs?: readonly number[] | ((needs: readonly boolean[]) => readonly number[]);
    readonly output?: true;
  };
  forward(inputs: readonly View[], attributes: A): View | ForwardResult;
  /**
   * The rule, written in differentiable ops so that it can be differentiated again; or, for a fused op, in kernels,
   * beside a `composed` twin; or "none" where no derivative exists.
   */
  readonly backward: Backward<A> | 'none';
}

/** The same function in ordinary ops: the oracle of a fused op. */
export type Twin<A> = (inputs: readonly Tensor[], attributes: A) => Tensor;

/**
 * An op. `throughTwin` is set where `backward` is written in kernels: higher derivatives then go through the composed
 * twin, which such an op must have, and all inputs are saved.
 */
export type Op<A = undefined> = OpParts<A> & (
  | { readonly composed?: Twin<A>; readonly throughTwin?: never }
  | { readonly composed: Twin<A>; readonly throughTwin: true }
);

/** Every op by name, for the documentation made from it. */
export const registry = new Map<string, Op<never>>();

export function defineOp<A>(op: Op<A>): Op<A> {
  registry.set(op.name, op as Op<never>);
  return op;
}

/** Where a gradient goes next: a recorded op, or a leaf that collects it. */
export type Edge = Node | Tensor | null;

/** A saved tensor with the state it had. */
interface SavedTensor {
  readonly tensor: Tensor;
  readonly version: number;
}

/** What one recorded op keeps until backward has passed. */
export interface SavedValues {
  readonly inputs: readonly (SavedTensor | undefined)[];
  readonly output: SavedTensor | undefined;
  readonly extras: readonly View[];
}

/** Stands in for saved values that a checkpoint will compute again. */
export interface DeferredValues {
  values(): SavedValues;
}

/** Called with each gradient on its way; a returned tensor takes its place. */
export type Hook = (gradient: Tensor) => Tensor | void;

/** A recorded op: one per tensor that has a history. */
export class Node {
  /** Rises with every op recorded, so falling ids are an order in which gradients are complete. */
  readonly id: number;
  readonly op: Op<unknown>;
  readonly attributes: unknown;
  readonly shapes: readonly Shape[];
  readonly dtypes: readonly DType[];
  edges: readonly Edge[];
  /** null once backward has passed and freed it. */
  saved: SavedValues | DeferredValues | null;
  hooks: readonly Hook[] | null = null;
  /** The scope that it was recorded in: it cannot be passed after that. */
  readonly region: Region | null;
  /** The tensor that this op made, where its `.grad` is wanted. */
  retained: Tensor | null = null;

  constructor(op: Op<unknown>, attributes: unknown, inputs: readonly Tensor[], saved: SavedValues | DeferredValues) {
    // Asked first: the edge of a view whose base was written to is an op recorded only now, which must count as older.
    this.edges = inputs.map(edgeOf);
    this.id = ++lastId;
    this.region = currentRegion();
    this.op = op;
    this.attributes = attributes;
    this.shapes = inputs.map((input) => input.shape);
    this.dtypes = inputs.map((input) => input.dtype);
    this.saved = saved;
  }
}

let lastId = 0;
let recording = true;
let anomaly: AnomalyCheck | null = null;
let deferral: Deferral | null = null;
let construct: (view: View) => Tensor;

/** tensor.ts hands its class in: ops make tensors without importing upwards. */
export function bindTensorClass(make: (view: View) => Tensor): void {
  construct = make;
}

/** A tensor without history around a view. */
export function wrap<D extends DType>(view: View<D>): Tensor<D> {
  return construct(view) as Tensor<D>;
}

/** Refuses what is no tensor, such as a bare array, where no type was checked. */
export function checkTensor(op: string, value: Tensor): void {
  if (typeof value === 'object' && value !== null && 'storage' in value) return;
  throw new ArgumentError(`${op}: a tensor is needed, not ${kindOf(value)}; make one with tensor(…)`);
}

export function kindOf(value: unknown): string {
  return Array.isArray(value) ? 'an array' : value === null ? 'null' : typeof value;
}

export function isRecording(): boolean {
  return recording;
}

/** Runs `fn` with recording switched on or off, and puts back what was, whatever happens. */
export function withRecording<T>(on: boolean, fn: () => T): T {
  const before = recording;
  recording = on;
  try {
    return refusePromise(on ? 'enableGrad' : 'noGrad', fn());
  } finally {
    recording = before;
  }
}

/** A callback that goes on after it returned would run outside what it was given to. */
export function refusePromise<T>(name: string, result: T): T {
  if (abandonsPromise(result)) throw new AutogradError(`${name}: the callback must be synchronous; await before or after it, not inside`);
  return result;
}

/** Looks at what an op read and made. */
export type AnomalyCheck = (op: string, inputs: readonly View[], outputs: readonly View[]) => void;

/** While set, `check` is called for each op (anomaly mode); null stops an outer one. */
export function withAnomalyCheck<T>(check: AnomalyCheck | null, fn: () => T): T {
  const before = anomaly;
  anomaly = check;
  try {
    return fn();
  } finally {
    anomaly = before;
  }
}

export function anomalyCheck(): AnomalyCheck | null {
  return anomaly;
}

/** Decides what a node keeps instead of its saved values; knows them by the order of its calls, and the op's inputs. */
export type Deferral = (op: string, inputs: readonly Tensor[], saved: SavedValues | DeferredValues) => DeferredValues;

/** While set, nodes keep what `defer` returns instead of their saved values (checkpoint). */
export function withDeferral<T>(defer: Deferral, fn: () => T): T {
  const before = deferral;
  deferral = defer;
  try {
    return fn();
  } finally {
    deferral = before;
  }
}

export function currentDeferral(): Deferral | null {
  return deferral;
}

/** The place where a tensor's gradient is collected. */
export function edgeOf(tensor: Tensor): Edge {
  return tensor.gradFn ?? (tensor.requiresGrad ? tensor : null);
}

function capture(tensor: Tensor): SavedTensor {
  return { tensor, version: tensor.storage.version };
}

/** Runs an op and, where a gradient may be asked for, records how to go back. */
export function apply<A>(op: Op<A>, inputs: readonly Tensor[], attributes: A): Tensor {
  checkPresent(op.name, inputs);
  const result = op.forward(inputs, attributes);
  const [view, extras] = 'storage' in result ? [result, []] : [result.output, result.extras];
  anomaly?.(op.name, inputs, [view]);
  const output = construct(view);
  if (recording && op.backward !== 'none' && isFloat(view.storage.dtype)) {
    for (const input of inputs) {
      if (!input.requiresGrad) continue;
      record(op, inputs, attributes, output, extras);
      break;
    }
  }
  return output;
}

function record<A>(op: Op<A>, inputs: readonly Tensor[], attributes: A, output: Tensor, extras: readonly View[]): void {
  const wanted = op.saves?.inputs;
  const kept = typeof wanted === 'function' ? wanted(inputs.map((input) => input.requiresGrad)) : wanted;
  const saved: SavedValues = {
    inputs: inputs.map((input, i) => (op.throughTwin || kept?.includes(i) ? capture(input) : undefined)),
    output: op.saves?.output ? capture(output) : undefined,
    extras,
  };
  output.setHistory(new Node(op as Op<unknown>, attributes, inputs, deferral === null ? saved : deferral(op.name, inputs, saved)));
}

/** The saved tensor, unless its values were written to since: then an AutogradError that names both ops. */
export function checkUnchanged(op: string, { tensor, version }: SavedTensor): Tensor {
  if (tensor.storage.version !== version) throw changedSince(op, tensor);
  return tensor;
}

/** For a value that `op` needs in backward and that is no longer what it was. */
export function changedSince(op: string, tensor: Tensor): AutogradError {
  return new AutogradError(
    `backward of ${op}: a value of shape [${tensor.shape.join(', ')}] that ${op} needs was changed afterwards by ${tensor.storage.lastWriter}; clone() the tensor before changing it, or change it after backward`,
  );
}
