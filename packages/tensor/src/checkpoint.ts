import { AutogradError } from './errors.ts';
import { changedSince, currentDeferral, refusePromise, withDeferral, withRecording, type Deferral, type DeferredValues, type SavedValues } from './ops/op.ts';
import { defaultGenerator, type Generator } from './random.ts';
import { watch } from './storage.ts';
import type { Tensor } from './tensor.ts';

export interface CheckpointOptions {
  /** Generators that `fn` draws from beside the default one: they too are wound back for the second run. */
  readonly generators?: readonly Generator[];
}

/** One op that `fn` recorded: its name, and how often each of its inputs had been written to. */
interface Trace {
  readonly op: string;
  readonly versions: readonly number[];
}

/** The same of the second run, with what backward needs. */
interface Replayed extends Trace {
  readonly inputs: readonly Tensor[];
  readonly saved: SavedValues | DeferredValues;
}

const versionsOf = (inputs: readonly Tensor[]): number[] => inputs.map(({ storage }) => storage.version);

/**
 * Runs `fn` without keeping what its backward needs; backward runs `fn` once more to get it (Chen et al.,
 * "Training deep nets with sublinear memory cost", arXiv 1604.06174). Gradients are the same, bit for bit: random
 * numbers are drawn again from where the generators stood. `fn` must compute the same both times and write to nothing
 * that it did not make. Checkpoints nest: the inner one is then run a third time.
 *
 * @throws AutogradError at backward, where `fn` did something else the second time or what it reads was written to since.
 * @example
 * const y = checkpoint(() => layer.forward(x));
 */
export function checkpoint<T>(fn: () => T, options: CheckpointOptions = {}): T {
  const generators = [defaultGenerator, ...(options.generators ?? [])];
  const start = generators.map(({ state }) => state);
  const first: Trace[] = [];
  let again: Replayed[] | null = null;

  const replay = (): Replayed[] => {
    const found: Replayed[] = [];
    const now = generators.map(({ state }) => state);
    const collect: Deferral = (op, inputs, saved) => {
      found.push({ op, versions: versionsOf(inputs), inputs, saved });
      return { values: () => valuesOf(saved) };
    };
    generators.forEach((generator, i) => (generator.state = start[i]));
    try {
      // What it makes is needed until backward has passed all of it.
      watch(() => withDeferral(collect, () => withRecording(true, fn)));
    } finally {
      generators.forEach((generator, i) => (generator.state = now[i]));
    }
    first.forEach((trace, i) => checkSame(trace, found[i], i));
    return found;
  };

  const outer = currentDeferral();
  const defer: Deferral = (op, inputs) => {
    const index = first.push({ op, versions: versionsOf(inputs) }) - 1;
    const deferred = { values: () => valuesOf((again ??= replay())[index].saved) };
    // Inside another checkpoint, that one runs this one again when its turn comes.
    return outer === null ? deferred : outer(op, inputs, deferred);
  };
  return withDeferral(defer, () => refusePromise('checkpoint', fn()));
}

function valuesOf(saved: SavedValues | DeferredValues): SavedValues {
  return 'values' in saved ? saved.values() : saved;
}

function checkSame({ op, versions }: Trace, second: Replayed | undefined, index: number): void {
  if (second?.op !== op) {
    throw new AutogradError(
      `checkpoint: op ${index} of the callback was ${op} the first time and ${second?.op ?? 'missing'} the second; the callback must compute the same both times`,
    );
  }
  const changed = second.inputs.find((_, i) => second.versions[i] !== versions[i]);
  if (changed !== undefined) throw changedSince(op, changed);
}
