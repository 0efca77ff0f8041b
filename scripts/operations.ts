/** Writes docs/operations.md: every op with its gradient status, found by running it. `node --conditions=strided-source scripts/operations.ts` */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as strided from '@strided/tensor';
import { grad, rand, tensor, Tensor } from '@strided/tensor';

/** What the package exports beside ops on tensors. */
type NotAnOp =
  | 'Tensor' | 'Generator' | 'defaultGenerator' | 'manualSeed' | 'dtypes' | 'backward' | 'grad' | 'noGrad' | 'enableGrad' | 'isGradEnabled' | 'detectAnomaly' | 'checkpoint'
  | 'arange' | 'empty' | 'eye' | 'fromTypedArray' | 'fromNdarray' | 'enableConsoleFormatter' | 'full' | 'fullLike' | 'linspace' | 'oneHot' | 'ones' | 'onesLike' | 'tensor' | 'zeros' | 'zerosLike'
  | 'bernoulli' | 'permutation' | 'rand' | 'randint' | 'randLike' | 'randn' | 'randnLike' | 'adamWStep'
  | 'encodeSafetensors' | 'loadSafetensors' | 'openSafetensors' | 'readTensor' | 'fillTensors' | 'sameTensors' | 'saveSafetensors' | 'saveSafetensorsSync' | 'saveShardedSafetensors'
  | 'blobSource' | 'memorySource' | 'scope' | 'keep' | 'persist' | 'assign' | 'configure' | 'engineInfo' | 'ready' | `${string}Error`;
type OpName = Exclude<keyof typeof strided, NotAnOp>;
type Result = Tensor | readonly Tensor[] | object;

const indices = tensor([1, 0], { dtype: 'int32' });
const grid = tensor([[1, 0], [0, 1]], { dtype: 'int32' });
const mask = tensor([[true, false], [false, true]]);

/** A call of each op on x and y, float64 [2, 2] between ¼ and ¾: an op without one does not compile. */
const calls: Record<OpName, (x: Tensor<'float64'>, y: Tensor<'float64'>) => Result> = {
  abs: (x) => strided.abs(x),
  acos: (x) => strided.acos(x),
  add: (x, y) => strided.add(x, y),
  all: (x) => strided.all(x),
  any: (x) => strided.any(x),
  argSort: (x) => strided.argSort(x),
  argmax: (x) => strided.argmax(x),
  argmin: (x) => strided.argmin(x),
  asin: (x) => strided.asin(x),
  atan: (x) => strided.atan(x),
  atan2: (x, y) => strided.atan2(x, y),
  bincount: () => strided.bincount(indices),
  cast: (x) => strided.cast(x, 'float32'),
  ceil: (x) => strided.ceil(x),
  chunk: (x) => strided.chunk(x, 2),
  clamp: (x) => strided.clamp(x, { min: 0.4, max: 0.6 }),
  clone: (x) => strided.clone(x),
  concat: (x, y) => strided.concat([x, y]),
  cos: (x) => strided.cos(x),
  crossEntropy: (x) => strided.crossEntropy(x, indices),
  cumProd: (x) => strided.cumProd(x, 0),
  cumSum: (x) => strided.cumSum(x, 0),
  diagonal: (x) => strided.diagonal(x),
  div: (x, y) => strided.div(x, y),
  dot: (x, y) => strided.dot(x.flatten(), y.flatten()),
  dropout: (x) => strided.dropout(x),
  einsum: (x, y) => strided.einsum('ij,jk->ik', x, y),
  embedding: (x) => strided.embedding(x, indices),
  eq: (x, y) => strided.eq(x, y),
  erf: (x) => strided.erf(x),
  exp: (x) => strided.exp(x),
  expand: (x) => strided.expand(x, [3, 2, 2]),
  expm1: (x) => strided.expm1(x),
  flatten: (x) => strided.flatten(x),
  flip: (x) => strided.flip(x),
  floor: (x) => strided.floor(x),
  floorDivide: (x, y) => strided.floorDivide(x, y),
  gather: (x) => strided.gather(x, 0, grid),
  ge: (x, y) => strided.ge(x, y),
  gelu: (x) => strided.gelu(x),
  gt: (x, y) => strided.gt(x, y),
  index: (x) => strided.index(x, [indices, indices]),
  indexAdd: (x, y) => strided.indexAdd(x, 0, indices, y),
  indexSelect: (x) => strided.indexSelect(x, 0, indices),
  isFinite: (x) => strided.isFinite(x),
  isInf: (x) => strided.isInf(x),
  isNaN: (x) => strided.isNaN(x),
  layerNorm: (x) => strided.layerNorm(x),
  le: (x, y) => strided.le(x, y),
  linear: (x, y) => strided.linear(x, y),
  linears: (x, y) => strided.linears(x, [x, y], [null, null]),
  log: (x) => strided.log(x),
  log10: (x) => strided.log10(x),
  log1p: (x) => strided.log1p(x),
  log2: (x) => strided.log2(x),
  logSoftmax: (x) => strided.logSoftmax(x),
  logSumExp: (x) => strided.logSumExp(x),
  logicalAnd: (x, y) => strided.logicalAnd(x, y),
  logicalNot: (x) => strided.logicalNot(x),
  logicalOr: (x, y) => strided.logicalOr(x, y),
  logicalXor: (x, y) => strided.logicalXor(x, y),
  lt: (x, y) => strided.lt(x, y),
  maskedFill: (x) => strided.maskedFill(x, mask, 0),
  maskedScatter: (x, y) => strided.maskedScatter(x, mask, y.flatten()),
  maskedSelect: (x) => strided.maskedSelect(x, mask),
  matmul: (x, y) => strided.matmul(x, y),
  max: (x) => strided.max(x),
  maximum: (x, y) => strided.maximum(x, y),
  mean: (x) => strided.mean(x),
  min: (x) => strided.min(x),
  minimum: (x, y) => strided.minimum(x, y),
  mod: (x, y) => strided.mod(x, y),
  mul: (x, y) => strided.mul(x, y),
  narrow: (x) => strided.narrow(x, 0, 0, 1),
  ne: (x, y) => strided.ne(x, y),
  neg: (x) => strided.neg(x),
  nllLoss: (x) => strided.nllLoss(x, indices),
  nonZero: (x) => strided.nonZero(x),
  norm: (x) => strided.norm(x),
  outer: (x, y) => strided.outer(x.flatten(), y.flatten()),
  pad: (x) => strided.pad(x, [[1, 0], [0, 1]]),
  permute: (x) => strided.permute(x, [1, 0]),
  pow: (x, y) => strided.pow(x, y),
  prod: (x) => strided.prod(x),
  reciprocal: (x) => strided.reciprocal(x),
  relu: (x) => strided.relu(x),
  repeatInterleave: (x) => strided.repeatInterleave(x, 2, 0),
  reshape: (x) => strided.reshape(x, [4]),
  rmsNorm: (x) => strided.rmsNorm(x),
  round: (x) => strided.round(x),
  rsqrt: (x) => strided.rsqrt(x),
  scaledDotProductAttention: (x, y) => strided.scaledDotProductAttention(x, y, y),
  scatter: (x, y) => strided.scatter(x, 0, grid, y),
  scatterAdd: (x, y) => strided.scatterAdd(x, 0, grid, y),
  select: (x) => strided.select(x, 0, 1),
  sigmoid: (x) => strided.sigmoid(x),
  sign: (x) => strided.sign(x),
  silu: (x) => strided.silu(x),
  sin: (x) => strided.sin(x),
  slice: (x) => strided.slice(x, 0, 0, 1),
  softmax: (x) => strided.softmax(x),
  softplus: (x) => strided.softplus(x),
  sort: (x) => strided.sort(x),
  split: (x) => strided.split(x, 1),
  sqrt: (x) => strided.sqrt(x),
  square: (x) => strided.square(x),
  squeeze: (x) => strided.squeeze(x),
  stack: (x, y) => strided.stack([x, y]),
  std: (x) => strided.std(x),
  sub: (x, y) => strided.sub(x, y),
  sum: (x) => strided.sum(x),
  take: (x) => strided.take(x, indices),
  tan: (x) => strided.tan(x),
  tanh: (x) => strided.tanh(x),
  tile: (x) => strided.tile(x, [2, 1]),
  topK: (x) => strided.topK(x, 1),
  transpose: (x) => strided.transpose(x),
  tril: (x) => strided.tril(x),
  triu: (x) => strided.triu(x),
  trunc: (x) => strided.trunc(x),
  unbind: (x) => strided.unbind(x),
  unique: (x) => strided.unique(x),
  unsqueeze: (x) => strided.unsqueeze(x, 0),
  variance: (x) => strided.variance(x),
  where: (x, y) => strided.where(mask, x, y),
};

interface Row {
  readonly name: string;
  readonly file: string;
  readonly summary: string;
  readonly gradient: string;
  readonly recorded: string;
}

function tensorsOf(result: Result): Tensor[] {
  if (result instanceof Tensor) return [result];
  return Object.values(result).filter((value): value is Tensor => value instanceof Tensor);
}

/** Names of the ops recorded behind a tensor, its own last. */
function recordedBehind(result: Tensor): string[] {
  const names: string[] = [];
  const walk = (node: Tensor['gradFn']): void => {
    if (node === null) return;
    for (const edge of node.edges) if (edge !== null && !(edge instanceof Tensor)) walk(edge);
    if (!names.includes(node.op.name)) names.push(node.op.name);
  };
  walk(result.gradFn);
  return names;
}

/** Runs an op, differentiates it, and differentiates that: a status that is not so would be an error here. */
function gradientOf(name: OpName): { gradient: string; recorded: string } {
  const make = () => rand([2, 2], { dtype: 'float64' }).mul(0.5).add(0.25).detach();
  const [x, y] = [make(), make()];
  x.requiresGrad = true;
  y.requiresGrad = true;
  const tracked = tensorsOf(calls[name](x, y)).filter((each) => each.requiresGrad);
  if (tracked.length === 0) return { gradient: 'none', recorded: '' };
  const total = tracked.map((each) => each.sum()).reduce((a, b) => a.add(b));
  const first = grad([total], [x, y], { createGraph: true, allowUnused: true }).filter((each) => each !== null && each.requiresGrad) as Tensor[];
  if (first.length > 0) grad(first.map((each) => each.sum()), [x, y], { allowUnused: true });
  return { gradient: 'all orders', recorded: [...new Set(tracked.flatMap(recordedBehind))].join(', ') };
}

const folder = resolve(import.meta.dirname, '../packages/tensor/src/ops');

/** Where each op is written, with the first sentence of its documentation. */
function sources(): Map<string, { file: string; summary: string }> {
  const found = new Map<string, { file: string; summary: string }>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))) {
    const code = readFileSync(join(folder, file), 'utf8');
    for (const [, comment, name] of code.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\nexport (?:function|const) (\w+)/g)) {
      const text = comment.replaceAll(/\n?\s*\*\s?/g, ' ').trim();
      const summary = (/^.*?(?:\.(?=\s|$)|$)/.exec(text)?.[0] ?? text).replaceAll('|', '\\|').replace(/\.$/, '');
      if (!found.has(name)) found.set(name, { file, summary });
    }
  }
  return found;
}

/** The whole page. */
export function operationsPage(): string {
  const documented = sources();
  const rows: Row[] = (Object.keys(calls) as OpName[]).sort().map((name) => ({
    name, ...(documented.get(name) ?? { file: '', summary: '' }), ...gradientOf(name),
  }));
  const undocumented = rows.filter(({ summary }) => summary === '').map(({ name }) => name);
  if (undocumented.length > 0) throw new Error(`operations: no documentation comment was found for ${undocumented.join(', ')}`);
  return [
    '# Operations', '',
    'Every op of `@strided/tensor`, made from the code by `scripts/operations.ts`, which ran each one, its gradient and the gradient of that.',
    '"Recorded" names what stands in the graph after the call; "none" means that the result is not differentiable (numbers of things, truth, order).', '',
    '| op | what it computes | gradient | recorded | file |', '|---|---|---|---|---|',
    ...rows.map(({ name, summary, gradient, recorded, file }) => `| \`${name}\` | ${summary} | ${gradient} | ${recorded} | \`ops/${file}\` |`), '',
  ].join('\n');
}

if (process.argv[1] === import.meta.filename) writeFileSync(resolve(import.meta.dirname, '../docs/operations.md'), operationsPage());
