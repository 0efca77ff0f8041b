/** What the compiled modules export. */

/** Does share `part` of `parts` of the work that the record at address `job` describes. */
export type Job = (job: number, part: number, parts: number) => void;

/** Functions of values side by side, and a gradient times their slopes. */
export interface ElementwiseJobs {
  exp: Job;
  sigmoid: Job;
  tanh: Job;
  gelu: Job;
  geluTanh: Job;
  silu: Job;
  geluBackward: Job;
  geluTanhBackward: Job;
  siluBackward: Job;
}

/** Softmax along rows and its gradients. */
export interface RowJobs {
  softmax: Job;
  logSoftmax: Job;
  softmaxBackward: Job;
  logSoftmaxBackward: Job;
}

/** Functions of values side by side that are seldom called, and slopes that wait for memory. */
export interface LightElementwiseJobs {
  erf: Job;
  log: Job;
  tanhBackward: Job;
  sigmoidBackward: Job;
}

/** Rows of a table by their numbers, and their transpose. */
export interface LookupJobs {
  lookUp: Job;
  addAt: Job;
}

/** Floats of 16 bits in and out. */
export interface HalfJobs {
  widenFloat16: Job;
  widenBfloat16: Job;
  narrowFloat16: Job;
  narrowBfloat16: Job;
}

/** Not in `simd256`: most wait for memory. */
export interface LightExports extends LightElementwiseJobs, LookupJobs, HalfJobs {
  arithmetic: Job;
  where: Job;
  move: Job;
  reduce: Job;
  adamW: Job;
}

/** In every module: the kernels whose time matters most. */
export interface HeavyExports extends ElementwiseJobs, RowJobs {
  /** Bytes that the packed panels of a K × N matrix take. */
  packedBytes(K: number, N: number): number;
  /** Bytes of scratch that each part of a product needs. */
  scratchBytes(K: number): number;
  packB: Job;
  multiplyPacked: Job;
  multiplyColumns: Job;
  multiplyEach: Job;
  crossEntropy: Job;
  crossEntropyBackward: Job;
  layerNorm: Job;
  layerNormBackward: Job;
  /** Adds what `layerNormBackward` summed in blocks of rows. */
  layerNormSums: Job;
  dropout: Job;
  attention: Job;
  attentionBackward: Job;
  /** Bytes of scratch that each part of an attention over up to S keys needs. */
  attentionBytes(S: number, E: number, V: number, backward: 0 | 1): number;
}

/** The modules of `simd256` together. */
export interface WideExports extends HeavyExports {
  /** `steps` times 48 multiply-adds in 128-bit registers over the 512 bytes at `p`. */
  probe(p: number, steps: number): void;
}

/** The modules `simd128` and `relaxed`. */
export type Exports = HeavyExports & LightExports;

/** What modules on one memory export together: where two export a name, the later one's is used. */
export function exportsOf(modules: readonly WebAssembly.Module[], memory: WebAssembly.Memory): object {
  return Object.assign({}, ...modules.map((module) => new WebAssembly.Instance(module, { env: { memory } }).exports)) as object;
}
