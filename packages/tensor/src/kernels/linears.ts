import { slice } from '../layout.ts';
import type { View } from '../storage.ts';
import type { Kernels, LinearEpilogue } from './contract.ts';

/** Sums that nothing but a bias follows. */
const sumsAnd = (bias: View | null): LinearEpilogue => ({ bias, scale: 1, activation: null, dropout: null, residual: null, slope: null });

/** The columns of `out` [R, ΣNᵢ] that each weight [Nᵢ, K] makes. */
export function columnsOf(weights: readonly View[], { storage, layout }: View): View[] {
  let end = 0;
  return weights.map(({ layout: { shape: [N] } }) => ({ storage, layout: slice('linears', layout, 1, end, (end += N)) }));
}

/** `linears` as so many calls of `linear`. */
export function oneByOne(linear: Kernels['linear'], ...[x, weights, biases, out]: Parameters<Kernels['linears']>): void {
  columnsOf(weights, out).forEach((part, i) => linear(x, weights[i], sumsAnd(biases[i]), part));
}
