import { fromTypedArray, type Tensor } from '@strided/tensor';
import ndarray, { type NdArray } from 'ndarray';
import type { NpArray } from '../libraries/numpyTs.ts';
import type { TfTensor } from '../libraries/tfjs.ts';
import type { Libraries } from './libraries.ts';

/** The same numbers as an array of each library; made when first asked for. */
export class Operand {
  readonly #libraries: Libraries;
  readonly #shape: readonly number[];
  readonly #values: Float32Array;
  #strided: Tensor<'float32'> | undefined;
  #nd: NdArray | undefined;
  #tf: TfTensor | undefined;
  #np: NpArray | undefined;

  constructor(libraries: Libraries, shape: readonly number[], values: Float32Array) {
    this.#libraries = libraries;
    this.#shape = shape;
    this.#values = values;
  }

  get strided(): Tensor<'float32'> {
    return (this.#strided ??= fromTypedArray(this.#values.slice(), this.#shape));
  }
  get nd(): NdArray {
    return (this.#nd ??= ndarray(this.#values.slice(), this.#shape.slice()) as NdArray);
  }
  get tf(): TfTensor {
    const { tf } = this.#libraries;
    if (tf === null) throw new Error('TensorFlow.js is not here');
    // Kept: the first to ask may stand inside a tidy.
    return (this.#tf ??= tf.keep(tf.tensor(this.#values.slice(), this.#shape, 'float32')));
  }
  get np(): NpArray {
    const { np } = this.#libraries;
    if (np === null) throw new Error('numpy-ts is not here');
    return (this.#np ??= np.array(this.#values.slice(), 'float32').reshape(...this.#shape));
  }
}
