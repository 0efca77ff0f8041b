import { Tensor, type DType, type FloatDType } from '@strided/tensor';

/**
 * A tensor that training changes: a leaf that requires grad. A module's attributes of this class are its
 * parameters, its other tensors are buffers.
 *
 * @example
 * class Scale extends Module {
 *   weight = new Parameter(ones([8]));
 *   forward(x: Tensor) { return x.mul(this.weight); }
 * }
 */
export class Parameter<out D extends FloatDType = FloatDType> extends Tensor<D> {
  constructor(values: Tensor<D>, options: { readonly requiresGrad?: boolean } = {}) {
    super(values.detach());
    this.requiresGrad = options.requiresGrad ?? true;
  }
}

export function isParameter(tensor: Tensor<DType>): tensor is Parameter {
  return tensor instanceof Parameter;
}
