import { AutogradError, DTypeError, ShapeError } from './errors.ts';
import { isFloat } from './dtype.ts';
import { formatShape, isContiguous, sameShape, type Shape } from './layout.ts';
import { cast, scalar } from './ops/elementwise.ts';
import { anomalyCheck, apply, checkUnchanged, defineOp, edgeOf, withAnomalyCheck, withRecording, wrap, refusePromise, Node, type Edge, type Op, type Saved } from './ops/op.ts';
import { newestSerial, type Storage, type View } from './storage.ts';
import type { Tensor } from './tensor.ts';

/** Differentiation in reverse: the walk from results back to leaves, over the nodes that `apply` recorded. */

export interface BackwardOptions {
  /** Keep saved values, so that backward can pass again. Default: the value of createGraph. */
  readonly retainGraph?: boolean;
  /** Record backward itself, so that gradients can be differentiated again. */
  readonly createGraph?: boolean;
}

export interface GradOptions extends BackwardOptions {
  /** What each output's gradient starts from; needed unless outputs are single values. */
  readonly gradOutputs?: readonly (Tensor | null)[];
  /** Give null for an input that no output depends on, instead of an error. */
  readonly allowUnused?: boolean;
}

/** Runs `fn` without recording: no history, no memory kept for backward. */
export function noGrad<T>(fn: () => T): T {
  return withRecording(false, fn);
}

/** Runs `fn` with recording, inside a `noGrad`. */
export function enableGrad<T>(fn: () => T): T {
  return withRecording(true, fn);
}

/**
 * Adds d(root)/d(leaf) to `.grad` of every leaf that requires grad.
 * @throws AutogradError when the root has no history, or its graph was freed, or a value that is needed has changed.
 */
export function backward(root: Tensor, gradient?: Tensor, options: BackwardOptions = {}): void {
  walk('backward', [root], [gradient ?? null], options, null);
}

/**
 * The gradients of the sum of `outputs` with regard to `inputs`, without touching any `.grad`.
 *
 * @example
 * const x = tensor(3, { requiresGrad: true });
 * const [slope] = grad([x.mul(x)], [x]);   // 6
 */
export function grad(outputs: Tensor | readonly Tensor[], inputs: readonly Tensor[], options: GradOptions & { readonly allowUnused: true }): (Tensor | null)[];
export function grad(outputs: Tensor | readonly Tensor[], inputs: readonly Tensor[], options?: GradOptions): Tensor[];
export function grad(outputs: Tensor | readonly Tensor[], inputs: readonly Tensor[], options: GradOptions = {}): (Tensor | null)[] {
  const roots = 'storage' in outputs ? [outputs] : outputs;
  const edges = inputs.map((input, i) => {
    const edge = edgeOf(input);
    if (edge === null) throw new AutogradError(`grad: input ${i} of shape ${formatShape(input.shape)} does not require grad; create it with { requiresGrad: true }`);
    return edge;
  });
  const wanted = new Map<Edge, Tensor | null>(edges.map((edge) => [edge, null]));
  walk('grad', roots, options.gradOutputs ?? roots.map(() => null), options, wanted);
  return edges.map((edge, i) => {
    const found = wanted.get(edge) ?? null;
    if (found === null && !options.allowUnused) {
      throw new AutogradError(`grad: no output depends on input ${i} of shape ${formatShape(inputs[i].shape)}; pass { allowUnused: true } to get null for it`);
    }
    return found;
  });
}

function startGradient(op: string, root: Tensor, given: Tensor | null): Tensor {
  if (edgeOf(root) === null) {
    throw new AutogradError(`${op}: the tensor of shape ${formatShape(root.shape)} does not require grad and has no history; create its inputs with { requiresGrad: true }, outside noGrad`);
  }
  if (given === null) {
    if (root.size !== 1) throw new AutogradError(`${op}: only a single value has a gradient of its own, not shape ${formatShape(root.shape)}; reduce it with sum() or mean(), or pass a gradient`);
    return scalar(op, 1, root.dtype).expand(root.shape);
  }
  if (!sameShape(given.shape, root.shape)) throw new ShapeError(`${op}: the gradient ${formatShape(given.shape)} must have the shape of the tensor, ${formatShape(root.shape)}`);
  if (!isFloat(given.dtype)) throw new DTypeError(`${op}: a gradient is float32 or float64, not ${given.dtype}`);
  return cast(given, root.dtype);
}

/** All recorded ops behind the roots, newest first: an op's users are newer than it, so its gradient is then complete. */
function collect(roots: readonly Tensor[]): Node[] {
  const seen = new Set<Node>();
  const stack: Node[] = [];
  const visit = (edge: Edge) => {
    if (edge instanceof Node && !seen.has(edge)) {
      seen.add(edge);
      stack.push(edge);
    }
  };
  for (const root of roots) visit(edgeOf(root));
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) node.edges.forEach(visit);
  return [...seen].sort((a, b) => b.id - a.id);
}

/** The nodes from which a wanted edge can be reached: `grad` walks no others. */
function leadingTo(wanted: ReadonlyMap<Edge, unknown>, nodes: readonly Node[]): Set<Node> {
  const useful = new Set<Node>();
  for (let i = nodes.length - 1; i >= 0; i--) {
    if (nodes[i].edges.some((edge) => edge !== null && (wanted.has(edge) || useful.has(edge as Node)))) useful.add(nodes[i]);
  }
  return useful;
}

function walk(op: string, roots: readonly Tensor[], given: readonly (Tensor | null)[], options: BackwardOptions, wanted: Map<Edge, Tensor | null> | null): void {
  const createGraph = options.createGraph ?? false;
  const retain = options.retainGraph ?? createGraph;
  const firstOwn = newestSerial();
  const nodes = collect(roots);
  const useful = wanted === null ? null : leadingTo(wanted, nodes);
  const pending = new Gradients();
  withRecording(createGraph, () => {
    roots.forEach((root, i) => pending.add(edgeOf(root), startGradient(op, root, given[i])));
    for (const node of nodes) {
      let g = pending.take(node);
      if (g === undefined) continue;
      g = runHooks(node.hooks, g);
      for (const tensor of node.retained ?? []) tensor.grad = tensor.grad === null ? g : tensor.grad.add(g);
      if (wanted?.has(node)) wanted.set(node, g);
      if (useful !== null && !useful.has(node)) continue;
      const gradients = gradientsOf(op, node, g, createGraph);
      for (let i = 0; i < gradients.length; i++) {
        const gradient = gradients[i];
        if (gradient !== null && node.edges[i] !== null) pending.add(node.edges[i], fit(node, i, gradient));
      }
      if (!retain) {
        node.saved = null;
        node.edges = [];
      }
    }
    const claimed = new Set<Storage>();
    for (const [leaf, gradient] of pending.leaves()) {
      const g = runHooks(leaf.hooks, gradient);
      if (wanted === null) store(leaf, g, createGraph, firstOwn, claimed);
      else if (wanted.has(leaf)) wanted.set(leaf, g);
    }
  });
}

/** Sums of gradients on their way. A sum that was made here belongs to nobody else and grows in place. */
class Gradients {
  readonly #byEdge = new Map<Node | Tensor, Tensor>();
  readonly #own = new Set<Tensor>();

  add(edge: Edge, gradient: Tensor): void {
    if (edge === null) return;
    const sum = this.#byEdge.get(edge);
    if (sum === undefined) {
      this.#byEdge.set(edge, gradient);
    } else if (this.#own.has(sum) && sum.gradFn === null && !gradient.requiresGrad) {
      sum.addInPlace(gradient);
    } else {
      const next = sum.add(gradient) as Tensor;
      this.#own.delete(sum);
      this.#own.add(next);
      this.#byEdge.set(edge, next);
    }
  }

  take(node: Node): Tensor | undefined {
    const gradient = this.#byEdge.get(node);
    if (gradient !== undefined) {
      this.#byEdge.delete(node);
      this.#own.delete(gradient);
    }
    return gradient;
  }

  *leaves(): Iterable<[Tensor, Tensor]> {
    for (const [edge, gradient] of this.#byEdge) if (!(edge instanceof Node)) yield [edge, gradient];
  }
}

function runHooks(hooks: readonly ((gradient: Tensor) => Tensor | void)[] | null, gradient: Tensor): Tensor {
  let g = gradient;
  for (const hook of hooks ?? []) g = hook(g) ?? g;
  return g;
}

/** The op's own rule, or with createGraph the rule of its composed twin where the op's is written in kernels. */
function gradientsOf(op: string, node: Node, g: Tensor, createGraph: boolean): readonly (Tensor | null)[] {
  const { op: recorded, saved } = node;
  if (saved === null) {
    throw new AutogradError(`${op}: the graph behind ${recorded.name} was freed by an earlier ${op}; pass { retainGraph: true } to the earlier one, or compute the value again`);
  }
  const values = 'values' in saved ? saved.values() : saved;
  const inputs = values.inputs.map((input) => (input === undefined ? undefined : checkUnchanged(recorded.name, input))) as Tensor[];
  const output = (values.output === undefined ? undefined : checkUnchanged(recorded.name, values.output)) as Tensor;
  const context: Saved<unknown> = {
    inputs, output, extras: values.extras, attributes: node.attributes, shapes: node.shapes, needs: node.edges.map((edge) => edge !== null),
  };
  const gradients = createGraph && recorded.throughTwin && recorded.composed !== undefined ? throughTwin(recorded.composed, inputs, node.attributes, g, context.needs) : runRule(recorded, g, context);
  const check = anomalyCheck();
  if (check !== null) for (const gradient of gradients) if (gradient !== null) check(`backward of ${recorded.name}`, gradient);
  return gradients;
}

function runRule(op: Op<unknown>, g: Tensor, saved: Saved<unknown>): readonly (Tensor | null)[] {
  if (op.backward === 'none') throw new AutogradError(`backward: ${op.name} has no derivative`);
  return op.backward(g, saved);
}

/** An input under a name of its own, so that one tensor used twice gets each use's gradient. */
const aliasOp: Op = defineOp({ name: 'alias', forward: ([x]): View => x, backward: (g) => [g] });

function throughTwin(twin: NonNullable<Op<unknown>['composed']>, inputs: readonly Tensor[], attributes: unknown, g: Tensor, needs: readonly boolean[]): readonly (Tensor | null)[] {
  const aliases = inputs.map((input) => (input.requiresGrad ? apply(aliasOp, [input], undefined) : input));
  const output = twin(aliases, attributes);
  const asked = aliases.filter((_, i) => needs[i]);
  const found = grad(output, asked, { gradOutputs: [g], createGraph: true, allowUnused: true });
  let next = 0;
  return needs.map((need) => (need ? found[next++] : null));
}

/** A gradient in its input's shape and dtype: broadcasting is undone here, once, for every op. */
function fit(node: Node, i: number, gradient: Tensor): Tensor {
  return cast(sumTo(gradient, node.shapes[i]), node.dtypes[i]);
}

/** Sums over the axes that broadcasting added or stretched. */
function sumTo(gradient: Tensor, shape: Shape): Tensor {
  if (sameShape(gradient.shape, shape)) return gradient;
  const lead = gradient.rank - shape.length;
  const axes = gradient.shape.map((_, i) => i).filter((i) => i < lead || (shape[i - lead] === 1 && gradient.shape[i] !== 1));
  return gradient.sum(axes, { keepDims: true }).reshape(shape);
}

/** Adds to a leaf's `.grad`, which is memory of its own: taken over where this walk made it, copied otherwise. */
function store(leaf: Tensor, gradient: Tensor, createGraph: boolean, firstOwn: number, claimed: Set<Storage>): void {
  if (leaf.grad !== null) {
    if (createGraph) leaf.grad = leaf.grad.add(gradient) as Tensor;
    else leaf.grad.addInPlace(gradient);
    return;
  }
  const { storage } = gradient;
  const own = storage.serial > firstOwn && !claimed.has(storage) && isContiguous(gradient.layout) && storage.data.length === gradient.size && leaf.hooks === null;
  claimed.add(storage);
  leaf.grad = createGraph ? gradient : own ? wrap(gradient) : wrap(gradient.clone());
}

/**
 * Runs `fn` so that the first op whose result, or whose backward, holds a NaN throws an AutogradError that names it.
 * Slow: it looks at every value.
 */
export function detectAnomaly<T>(fn: () => T): T {
  return withAnomalyCheck((op, view) => {
    if (isFloat(view.storage.dtype) && withoutCheck(() => wrap(view).isNaN().any().item())) {
      throw new AutogradError(`detectAnomaly: ${op} is the first op to make a NaN, in a result of shape ${formatShape(view.layout.shape)}`);
    }
  }, () => refusePromise('detectAnomaly', fn()));
}

function withoutCheck<T>(fn: () => T): T {
  return withAnomalyCheck(() => {}, () => withRecording(false, fn));
}
