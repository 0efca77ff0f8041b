import { defaultGenerator } from './random.ts';
import { withDeferral, withRecording, type DeferredValues, type SavedValues } from './ops/op.ts';

/**
 * Runs `fn` without keeping what its backward needs; backward runs `fn` once more to get it (Chen et al.,
 * "Training deep nets with sublinear memory cost", arXiv 1604.06174). `fn` must compute the same both times;
 * random numbers are drawn again from where the default generator stood.
 *
 * @example
 * const y = checkpoint(() => layer.forward(x));
 */
export function checkpoint<T>(fn: () => T): T {
  const start = defaultGenerator.state;
  let count = 0;
  let again: SavedValues[] | null = null;
  const recompute = (): SavedValues[] => {
    const now = defaultGenerator.state;
    const found: SavedValues[] = [];
    defaultGenerator.state = start;
    try {
      withDeferral((saved) => {
        found.push(saved);
        return { values: () => saved };
      }, () => withRecording(true, fn));
    } finally {
      defaultGenerator.state = now;
    }
    return found;
  };
  return withDeferral((): DeferredValues => {
    const index = count++;
    return {
      values() {
        again ??= recompute();
        return again[index];
      },
    };
  }, fn);
}
