import type { Layer } from './forward.ts';
import type { Tensor } from '@strided/tensor';

/** What a Linear adds to what it gives: a small trained change of its weight. */
export interface Adapter extends Layer {
  /** The same change as a weight [outFeatures, inFeatures]. */
  delta(): Tensor;
}
