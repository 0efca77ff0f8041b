import { ArgumentError, noGrad, type Tensor } from '@strided/tensor';

/**
 * Scales all gradients together so that their joint norm √Σg² is at most `maxNorm`; returns the norm before.
 * A norm that is not finite is returned and nothing is scaled.
 */
export function clipGradNorm(parameters: Iterable<{ readonly grad: Tensor | null }>, maxNorm: number): number {
  return noGrad(() => {
    const gradients = [...parameters].flatMap(({ grad }) => (grad === null ? [] : [grad]));
    let sum = 0;
    for (const gradient of gradients) sum += (gradient.norm().item() as number) ** 2;
    const norm = Math.sqrt(sum);
    if (Number.isFinite(norm) && norm > maxNorm) for (const gradient of gradients) gradient.mulInPlace(maxNorm / (norm + 1e-6));
    return norm;
  });
}

/** Moves every number of all gradients into [−limit, limit]; NaN stays. */
export function clipGradValue(parameters: Iterable<{ readonly grad: Tensor | null }>, limit: number): void {
  if (!(limit >= 0)) throw new ArgumentError(`clipGradValue: the limit must be a number from 0, not ${limit}`);
  noGrad(() => {
    for (const { grad } of parameters) grad?.copyFrom(grad.clamp({ min: -limit, max: limit }));
  });
}
