import { loadPeer } from '../harness/peers.ts';

/** The part of TensorFlow.js that the benchmarks use. */
export interface TfTensor {
  dataSync(): Float32Array;
  dispose(): void;
}

export interface Tfjs {
  enableProdMode(): void;
  setBackend(name: string): Promise<boolean>;
  tidy(fn: () => TfTensor): TfTensor;
  keep(x: TfTensor): TfTensor;
  tensor(values: Float32Array, shape: readonly number[], dtype: 'float32'): TfTensor;
  add(a: TfTensor, b: TfTensor | number): TfTensor;
  sub(a: TfTensor, b: TfTensor): TfTensor;
  mul(a: TfTensor, b: TfTensor | number): TfTensor;
  exp(x: TfTensor): TfTensor;
  tanh(x: TfTensor): TfTensor;
  erf(x: TfTensor): TfTensor;
  rsqrt(x: TfTensor): TfTensor;
  transpose(x: TfTensor, order: readonly number[]): TfTensor;
  stridedSlice(x: TfTensor, begin: readonly number[], end: readonly number[], strides: readonly number[]): TfTensor;
  reverse(x: TfTensor, axes: readonly number[]): TfTensor;
  sum(x: TfTensor, axes?: readonly number[]): TfTensor;
  max(x: TfTensor, axes?: readonly number[]): TfTensor;
  softmax(x: TfTensor): TfTensor;
  moments(x: TfTensor, axes: readonly number[], keepDims: boolean): { readonly mean: TfTensor; readonly variance: TfTensor };
  grads(fn: (...inputs: TfTensor[]) => TfTensor): (inputs: readonly TfTensor[], dy: TfTensor) => TfTensor[];
  matMul(a: TfTensor, b: TfTensor, transposeA?: boolean, transposeB?: boolean): TfTensor;
}

/** TensorFlow.js on one of its backends. */
export async function loadTfjs(backend: 'cpu' | 'wasm'): Promise<Tfjs | null> {
  const tf = await loadPeer<Tfjs>('@tensorflow/tfjs-core');
  if (tf === null) return null;
  tf.enableProdMode();
  await loadPeer(`@tensorflow/tfjs-backend-${backend}`);
  if (!(await tf.setBackend(backend))) throw new Error(`TensorFlow.js could not start its backend '${backend}'`);
  return tf;
}
