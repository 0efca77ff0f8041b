import { loadPeer } from '../harness/peers.ts';

/** The part of onnxruntime's JavaScript interface that the benchmarks use: the same for WebAssembly and native. */
export interface OrtTensor {
  readonly data: Float32Array;
  dispose(): void;
}

export interface Session {
  run(feeds: Readonly<Record<string, OrtTensor>>): Promise<Readonly<Record<string, OrtTensor>>>;
  release(): Promise<void>;
}

export interface Ort {
  readonly env: { readonly wasm: { numThreads: number }; logLevel: string };
  /** From a model's bytes or its file. */
  readonly InferenceSession: { create(model: Uint8Array | string, options: object): Promise<Session> };
  readonly Tensor: {
    new (type: 'float32', values: Float32Array, shape: readonly number[]): OrtTensor;
    new (type: 'int64', values: BigInt64Array, shape: readonly number[]): OrtTensor;
  };
}

/** onnxruntime on a number of threads, with the options that its sessions are made with. */
export interface OrtLibrary {
  readonly name: string;
  readonly ort: Ort;
  readonly options: object;
}

async function load(name: string): Promise<Ort> {
  const ort = await loadPeer<Ort>(name);
  if (ort === null) throw new Error(`${name} is not installed`);
  ort.env.logLevel = 'error';
  return ort;
}

export async function ortWeb(threads: number): Promise<OrtLibrary> {
  const ort = await load('onnxruntime-web');
  ort.env.wasm.numThreads = threads;
  return { name: 'onnxruntime-web', ort, options: { graphOptimizationLevel: 'all', executionProviders: ['wasm'] } };
}

export async function ortNode(threads: number): Promise<OrtLibrary> {
  const options = { graphOptimizationLevel: 'all', executionProviders: ['cpu'], intraOpNumThreads: threads, interOpNumThreads: 1 };
  return { name: 'onnxruntime-node', ort: await load('onnxruntime-node'), options };
}
