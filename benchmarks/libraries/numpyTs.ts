import { loadPeer } from '../harness/peers.ts';

/** The part of numpy-ts that the benchmarks use. Its kernels are WebAssembly SIMD where it has them. */
export interface NpArray {
  readonly data: Float32Array;
  readonly T: NpArray;
  reshape(...shape: number[]): NpArray;
  slice(...slices: string[]): NpArray;
  copy(): NpArray;
  dispose(): void;
}

export interface NumpyTs {
  array(values: Float32Array, dtype: 'float32'): NpArray;
  add(a: NpArray, b: NpArray | number): NpArray;
  subtract(a: NpArray, b: NpArray): NpArray;
  multiply(a: NpArray, b: NpArray | number): NpArray;
  divide(a: NpArray, b: NpArray): NpArray;
  exp(x: NpArray): NpArray;
  tanh(x: NpArray): NpArray;
  flip(x: NpArray, axis: number): NpArray;
  sum(x: NpArray, axis?: number, keepdims?: boolean): NpArray | number;
  max(x: NpArray, axis?: number, keepdims?: boolean): NpArray | number;
  matmul(a: NpArray, b: NpArray): NpArray;
  swapaxes(x: NpArray, a: number, b: number): NpArray;
}

export function loadNumpyTs(): Promise<NumpyTs | null> {
  return loadPeer<NumpyTs>('numpy-ts');
}
