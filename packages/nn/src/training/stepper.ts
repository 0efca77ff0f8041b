import { AutogradError, defaultGenerator, detectAnomaly, scope, type GeneratorState } from '@strided/tensor';
import { TrainingError } from '../errors.ts';
import { clipGradNorm } from '../optim/clip.ts';
import type { Metrics } from './curve.ts';
import type { TrainerOptions } from './trainer.ts';

/** What a step of one or more batches came to. */
export interface MadeStep {
  /** The mean over the batches. */
  readonly loss: number;
  readonly learningRate: number;
  readonly gradientNorm: number;
  /** The sum over the batches. */
  readonly tokens: number;
  /** Means over the batches. */
  readonly metrics: Metrics;
}

/** What one batch came to. */
interface BatchResult {
  readonly loss: number;
  readonly tokens: number;
  readonly metrics: Metrics;
}

/** What went wrong, before anything changed. */
interface Failure {
  readonly text: string;
  readonly infinite: boolean;
}

/** So many steps skipped in a row are no accident. */
const MOST_SKIPS = 100;

type Options<B> = Pick<TrainerOptions<B>, 'model' | 'optimizer' | 'data' | 'step' | 'clipNorm' | 'accumulate' | 'nonFinite'>;

/** Makes the steps: batches, losses, gradients, clipping, and what to do when a number is not finite. */
export class Stepper<B> {
  readonly #options: Options<B>;
  readonly #warn: (message: string) => void;
  /** Batches taken from the data, those of skipped steps included. */
  batches = 0;
  /** Steps that were skipped. */
  skipped = 0;
  #skippedInARow = 0;

  constructor(options: Options<B>, warn: (message: string) => void) {
    this.#options = options;
    this.#warn = warn;
  }

  /**
   * Step `number`, with all learning rates multiplied by `factor`; null when it was skipped.
   * @throws TrainingError, before the model changes, when the loss or the gradients are not finite.
   */
  async make(number: number, factor: number): Promise<MadeStep | null> {
    const { model, optimizer, data, accumulate = 1, clipNorm = Infinity } = this.#options;
    optimizer.scaleLr(factor);
    optimizer.zeroGrad();
    const generator = defaultGenerator.state;
    const batches: B[] = [];
    const results: BatchResult[] = [];
    let gradientNorm = 0;
    while (batches.length < accumulate) {
      const batch = await data.next();
      batches.push(batch);
      this.batches++;
      const last = batches.length === accumulate;
      // Gradients leave the scope where more batches follow; after the last one they are used in it.
      const failure = scope((): Failure | null => {
        const result = this.#backward(batch, accumulate);
        if (!Number.isFinite(result.loss)) return { text: `the loss of step ${number} is ${result.loss}`, infinite: !Number.isNaN(result.loss) };
        results.push(result);
        if (!last) return null;
        gradientNorm = clipGradNorm(optimizer.parameters, clipNorm);
        if (!Number.isFinite(gradientNorm)) {
          return { text: `the gradients of step ${number} have the norm ${gradientNorm} (the loss is ${meanLoss(results)})`, infinite: !Number.isNaN(gradientNorm) };
        }
        optimizer.step();
        optimizer.zeroGrad();
        return null;
      }, { roots: [model] });
      if (failure !== null) return this.#fail(failure, number, batches, generator);
    }
    this.#skippedInARow = 0;
    return {
      loss: meanLoss(results), gradientNorm, learningRate: optimizer.groups[0].lr,
      tokens: results.reduce((sum, { tokens }) => sum + tokens, 0),
      metrics: means(results.map(({ metrics }) => metrics)),
    };
  }

  /** Adds the gradients of one of `count` batches. */
  #backward(batch: B, count: number): BatchResult {
    const { loss, tokens = 0, metrics = {} } = this.#options.step(batch);
    const value = Number(loss.item());
    if (Number.isFinite(value)) (count === 1 ? loss : loss.div(count)).backward();
    return { loss: value, tokens, metrics };
  }

  #fail(failure: Failure, number: number, batches: readonly B[], generator: GeneratorState): null {
    const { optimizer, nonFinite = 'stop' } = this.#options;
    optimizer.zeroGrad();
    const op = this.#firstOp(failure, batches, generator);
    const which = `batch ${this.batches}; ${op ?? 'no single op made it: look at the data and the weights'}`;
    const what = `Trainer: ${failure.text} (${which}); the model is as it was after step ${number - 1}`;
    this.#skippedInARow++;
    if (nonFinite === 'skip' && this.#skippedInARow <= MOST_SKIPS) {
      this.skipped++;
      this.#warn(`${what}, and goes on with the next batch (skipped: ${this.skipped})`);
      return null;
    }
    const why = nonFinite === 'skip' ? `; ${MOST_SKIPS} steps in a row were skipped` : '';
    throw new TrainingError(`${what}${why}: lower the learning rate, set clipNorm, or look at the batch (error.batch)`, number, { batch: batches.at(-1) });
  }

  /** Makes the step once more to learn which op was the first to give a number that is not finite. */
  #firstOp({ infinite }: Failure, batches: readonly B[], generator: GeneratorState): string | null {
    const { optimizer, accumulate = 1, step } = this.#options;
    const now = defaultGenerator.state;
    defaultGenerator.state = generator;
    try {
      detectAnomaly(() => {
        for (const batch of batches) step(batch).loss.div(accumulate).backward();
      }, { infinite });
      return null;
    } catch (error) {
      // What else goes wrong the second time says nothing of the first.
      return error instanceof AutogradError ? (/^detectAnomaly: (.*), from inputs/.exec(error.message)?.[1] ?? null) : null;
    } finally {
      defaultGenerator.state = now;
      optimizer.zeroGrad();
    }
  }
}

const meanLoss = (results: readonly BatchResult[]): number => results.reduce((sum, { loss }) => sum + loss, 0) / results.length;

function means(rows: readonly Metrics[]): Metrics {
  const names = new Set(rows.flatMap((row) => Object.keys(row)));
  return Object.fromEntries(Array.from(names, (name) => {
    const values = rows.flatMap((row) => (Object.hasOwn(row, name) ? [row[name]] : []));
    return [name, values.reduce((sum, value) => sum + value, 0) / values.length];
  }));
}
