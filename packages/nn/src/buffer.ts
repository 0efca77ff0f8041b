import { Tensor, type DType } from '@strided/tensor';

/**
 * A tensor of a module that is neither trained nor saved, such as a table that the constructor computes again. It has
 * no place in the state dict, but follows the module's dtype. (A plain Tensor as an attribute is saved.)
 *
 * @example
 * class Shifted extends Module {
 *   steps = new TransientBuffer(arange(512).cast('float32'));
 * }
 * new Shifted().stateDict().size; // 0
 */
export class TransientBuffer<out D extends DType = DType> extends Tensor<D> {
  constructor(values: Tensor<D>) {
    super(values.detach());
  }
}
