import { ArgumentError, AutogradError, DTypeError, ScopeError, ShapeError } from './errors.ts';
import { isFloat } from './dtype.ts';
import { formatShape, sameShape, type Shape } from './layout.ts';
import { cast, scalar } from './ops/elementwise.ts';
import {
  anomalyCheck, apply, checkTensor, checkUnchanged, defineOp, edgeOf, isRecording, refusePromise, withAnomalyCheck, withRecording, wrap, Node,
  type AnomalyCheck, type Edge, type Hook, type Op, type Saved, type Twin,
} from './ops/op.ts';
import { Gradients } from './gradients.ts';
import { keep, keepGradient } from './scope.ts';
import { watch, type View } from './storage.ts';
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

/** Whether ops are recorded for backward; inside `noGrad` they are not. */
export function isGradEnabled(): boolean {
  return isRecording();
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
 * Adds d(root)/d(leaf) to `.grad` of every leaf that requires grad, and of every tensor that asked by `retainGrad()`.
 * Each `.grad` is memory of its own. The graph is freed on the way unless `retainGraph` keeps it.
 *
 * @param gradient Where the chain rule starts: d(what is differentiated)/d(root), in root's shape. Default 1, for a single value.
 * @throws AutogradError when the root has no history, or its graph was freed, or a value that is needed has changed.
 * @example
 * const x = tensor([1, 2], { requiresGrad: true });
 * backward(x.square().sum());
 * x.grad!.toArray(); // [2, 4]
 */
export function backward(root: Tensor, gradient?: Tensor, options: BackwardOptions = {}): void {
  walk('backward', [root], [gradient ?? null], options, null);
}

/**
 * The gradients of the sum of `outputs` with regard to `inputs` (leaves or not), without touching any `.grad`.
 * Only what leads to the inputs is computed.
 *
 * @throws AutogradError where an input does not require grad, or no output depends on it (unless `allowUnused`).
 * @example
 * const x = tensor(3, { requiresGrad: true });
 * const [slope] = grad(x.pow(3), [x], { createGraph: true }); // 27
 * const [curvature] = grad(slope, [x]);                       // 18
 */
export function grad(outputs: Tensor | readonly Tensor[], inputs: readonly Tensor[], options: GradOptions & { readonly allowUnused: true }): (Tensor | null)[];
export function grad(outputs: Tensor | readonly Tensor[], inputs: readonly Tensor[], options?: GradOptions): Tensor[];
export function grad(outputs: Tensor | readonly Tensor[], inputs: readonly Tensor[], options: GradOptions = {}): (Tensor | null)[] {
  const roots = 'storage' in outputs ? [outputs] : outputs;
  const given = options.gradOutputs ?? roots.map(() => null);
  if (given.length !== roots.length) {
    throw new ArgumentError(`grad: ${given.length} gradOutputs for ${roots.length} outputs; give one for each, null for a single value`);
  }
  const edges = inputs.map((input, i) => {
    const edge = edgeOf(input);
    if (edge === null) throw new AutogradError(`grad: input ${i} of shape ${formatShape(input.shape)} does not require grad; create it with { requiresGrad: true }`);
    return edge;
  });
  const pending = new Gradients();
  const found = walk('grad', roots, given, options, new Set(edges), pending);
  return edges.map((edge, i) => {
    const gradient = found.get(edge);
    if (gradient === undefined && !options.allowUnused) {
      throw new AutogradError(`grad: no output depends on input ${i} of shape ${formatShape(inputs[i].shape)}; pass { allowUnused: true } to get null for it`);
    }
    return gradient === undefined ? null : withRecording(options.createGraph ?? false, () => pending.claim(gradient));
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
function collect(op: string, roots: readonly Tensor[]): Node[] {
  const seen = new Set<Node>();
  const stack: Node[] = [];
  const visit = (edge: Edge) => {
    if (edge instanceof Node && !seen.has(edge)) {
      seen.add(edge);
      stack.push(edge);
    }
  };
  for (const root of roots) visit(edgeOf(root));
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (node.region?.ended) throw new ScopeError(`${op}: ${node.op.name} was recorded in a scope that has ended, and what it saved is gone; call backward inside the scope`);
    node.edges.forEach(visit);
  }
  return [...seen].sort((a, b) => b.id - a.id);
}

/** Which edges lead to a wanted one: `grad` walks no others. */
function leadingTo(wanted: ReadonlySet<Edge>, nodes: readonly Node[]): (edge: Edge) => boolean {
  const leading = new Set(wanted);
  for (let i = nodes.length - 1; i >= 0; i--) {
    for (const edge of nodes[i].edges) {
      if (edge === null || !leading.has(edge)) continue;
      leading.add(nodes[i]);
      break;
    }
  }
  return (edge) => edge !== null && leading.has(edge);
}

/**
 * The chain rule from the roots back. Without `wanted` the gradients of leaves go to their `.grad`; with it, those of
 * the wanted edges are returned and no `.grad` is touched. Stores come last: what throws on the way leaves every `.grad` as it was.
 */
function walk(
  op: string, roots: readonly Tensor[], given: readonly (Tensor | null)[], options: BackwardOptions, wanted: ReadonlySet<Edge> | null,
  pending = new Gradients(),
): Map<Edge, Tensor> {
  const createGraph = options.createGraph ?? false;
  const retain = options.retainGraph ?? createGraph;
  const nodes = collect(op, roots);
  const flows = wanted === null ? (edge: Edge) => edge !== null : leadingTo(wanted, nodes);
  const found = new Map<Edge, Tensor>();
  const retained: [Tensor, Tensor][] = [];
  // The walk looks for anomalies itself, op by op of the graph: what ops a rule is made of is no matter.
  const check = anomalyCheck();
  const arrive = (edge: Node | Tensor, gradient: Tensor): Tensor => {
    const g = runHooks(op, edge.hooks, gradient, pending);
    if (g !== gradient) check?.('a hook', [gradient], [g]);
    if (wanted?.has(edge)) {
      pending.hold(g);
      found.set(edge, g);
    }
    return g;
  };
  withAnomalyCheck(null, () => withRecording(createGraph, () => {
    roots.forEach((root, i) => pending.add(edgeOf(root), startGradient(op, root, given[i]), check));
    for (const node of nodes) {
      const gradient = pending.take(node);
      if (gradient === undefined) continue;
      const g = arrive(node, gradient);
      // A tensor that was written to after this op has another history by now.
      if (wanted === null && node.retained?.gradFn === node) {
        pending.hold(g);
        retained.push([node.retained, g]);
      }
      if (wanted !== null && !flows(node)) continue;
      const { made } = watch(() => {
        const gradients = gradientsOf(op, node, g, node.edges.map(flows), createGraph, check);
        gradients.forEach((each, i) => each !== null && pending.add(node.edges[i], each, check));
      });
      if (!createGraph) pending.recycle(made);
      if (!retain) {
        node.saved = null;
        node.edges = [];
      }
    }
    const leaves = pending.leaves().map(([leaf, gradient]): [Tensor, Tensor] => [leaf, arrive(leaf, gradient)]);
    if (wanted === null) for (const [tensor, g] of [...retained, ...leaves]) store(tensor, g, createGraph, pending);
  }));
  return found;
}

function runHooks(op: string, hooks: readonly Hook[] | null, gradient: Tensor, pending: Gradients): Tensor {
  let g = gradient;
  for (const hook of hooks ?? []) {
    pending.share(g);
    keep(g);
    const { storage } = g;
    const { version } = storage;
    const replaced = refusePromise('registerHook', hook(g)) ?? g;
    checkTensor(`${op}: a hook's result`, replaced);
    if (storage.version !== version) throw new AutogradError(`${op}: a hook wrote to its gradient (${storage.lastWriter}), which others may read; return a new tensor instead`);
    if (!sameShape(replaced.shape, g.shape)) throw new ShapeError(`${op}: a hook turned a gradient of shape ${formatShape(g.shape)} into ${formatShape(replaced.shape)}; it must keep the shape`);
    if (replaced.dtype !== g.dtype) throw new DTypeError(`${op}: a hook turned a ${g.dtype} gradient into ${replaced.dtype}; it must keep the dtype`);
    pending.share(replaced);
    g = replaced;
  }
  return g;
}

/** What the op's own rule gives, or with createGraph its composed twin's where the op's is written in kernels. */
function gradientsOf(op: string, node: Node, g: Tensor, needs: readonly boolean[], createGraph: boolean, check: AnomalyCheck | null): readonly (Tensor | null)[] {
  const { op: recorded, saved, attributes, shapes } = node;
  if (saved === null) {
    throw new AutogradError(`${op}: the graph behind ${recorded.name} was freed by an earlier ${op}; pass { retainGraph: true } to the earlier one, or compute the value again`);
  }
  const values = 'values' in saved ? saved.values() : saved;
  const inputs = values.inputs.map((input) => (input === undefined ? undefined : checkUnchanged(recorded.name, input))) as Tensor[];
  const output = (values.output === undefined ? undefined : checkUnchanged(recorded.name, values.output)) as Tensor;
  const context: Saved<unknown> = { inputs, output, extras: values.extras, attributes, shapes, needs };
  const twin = createGraph && recorded.throughTwin ? recorded.composed : undefined;
  const raw = twin === undefined ? runRule(recorded, g, context) : throughTwin(twin, g, context);
  if (raw.length < shapes.length) {
    throw new AutogradError(`backward of ${recorded.name}: the rule gave ${raw.length} gradients for ${shapes.length} inputs; give one for each, null where none flows`);
  }
  const gradients = needs.map((need, i) => (need && raw[i] !== null ? fit(node, i, raw[i]) : null));
  const read = [g, ...inputs, output].filter((each) => each !== undefined);
  check?.(`backward of ${recorded.name}`, read, gradients.filter((each) => each !== null));
  return gradients;
}

function runRule(op: Op<unknown>, g: Tensor, saved: Saved<unknown>): readonly (Tensor | null)[] {
  if (op.backward === 'none') throw new AutogradError(`backward: ${op.name} has no derivative`);
  return op.backward(g, saved);
}

/** An input under a name of its own, so that one tensor used twice gets each use's gradient. */
const aliasOp: Op = defineOp({ name: 'alias', forward: ([x]): View => x, backward: (g) => [g] });

function throughTwin(twin: Twin<unknown>, g: Tensor, { inputs, attributes, needs }: Saved<unknown>): readonly (Tensor | null)[] {
  const aliases = inputs.map((input, i) => (needs[i] ? apply(aliasOp, [input], undefined) : input));
  const output = twin(aliases, attributes);
  const found = walk('grad', [output], [g], { createGraph: true }, new Set(aliases.filter((_, i) => needs[i]).map(edgeOf)));
  return aliases.map((alias, i) => (needs[i] ? (found.get(edgeOf(alias)) ?? null) : null));
}

/** A gradient in its input's shape and dtype: broadcasting is undone here, once, for every op. */
function fit(node: Node, i: number, gradient: Tensor): Tensor {
  const shape = node.shapes[i];
  const lead = gradient.rank - shape.length;
  if (lead < 0 || shape.some((length, axis) => length !== 1 && length !== gradient.shape[lead + axis])) {
    throw new ShapeError(`backward of ${node.op.name}: the gradient ${formatShape(gradient.shape)} of input ${i} does not sum to the input's shape ${formatShape(shape)}`);
  }
  return cast(sumTo(gradient, shape), node.dtypes[i]);
}

/** Sums over the axes that broadcasting added or stretched. */
function sumTo(gradient: Tensor, shape: Shape): Tensor {
  if (sameShape(gradient.shape, shape)) return gradient;
  const lead = gradient.rank - shape.length;
  const axes = gradient.shape.map((_, i) => i).filter((i) => i < lead || (shape[i - lead] === 1 && gradient.shape[i] !== 1));
  return gradient.sum(axes, { keepDims: true }).reshape(shape);
}

/** Adds to a tensor's `.grad`. With createGraph always in new memory: the graph of the gradient may need the old. */
function store(tensor: Tensor, gradient: Tensor, createGraph: boolean, pending: Gradients): void {
  const { grad: before } = tensor;
  keepGradient(tensor);
  if (before === null) tensor.grad = createGraph ? gradient.clone() : wrap(pending.claim(gradient));
  else if (createGraph || before.requiresGrad) tensor.grad = before.add(gradient) as Tensor;
  else before.addInPlace(gradient);
}
