import { AutogradError } from '../errors.ts';
import { isContiguous } from '../layout.ts';
import type { Tensor } from '../tensor.ts';
import { copyFrom } from './inplace.ts';
import { isRecording, withRecording } from './op.ts';

/**
 * target ← source, for loading: where it can, target takes over the memory of source instead of copying it, and source
 * is gone afterwards (using it throws ScopeError). Views of target, its gradient and what ties it to others stay.
 *
 * @throws ShapeError where the shapes differ; AutogradError while recording a target that requires grad.
 * @example
 * noGrad(() => assign(layer.weight, await readTensor(file, 'layer.weight')));
 */
export function assign(target: Tensor, source: Tensor): void {
  if (isRecording() && target.requiresGrad) throw new AutogradError('assign: the target requires grad, whose old value the graph needs; assign inside noGrad(() => …)');
  const whole = (x: Tensor): boolean => isContiguous(x.layout) && x.layout.offset === 0 && x.storage.length === x.size;
  const fits = target.shape.length === source.shape.length && target.shape.every((length, i) => length === source.shape[i]);
  if (fits && target.dtype === source.dtype && whole(target) && whole(source) && target.storage.takeOver(source.storage)) target.storage.touch('assign');
  else withRecording(false, () => copyFrom(target, source));
}
