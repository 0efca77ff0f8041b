import { ArgumentError } from '@strided/tensor';

/** How long to train: at least one of the two; whichever is reached first ends it. */
export interface PlanOptions {
  /** Steps in all, those before a resume included. */
  readonly steps?: number;
  /** Seconds in all, those before a resume included; what a kill lost does not count. */
  readonly seconds?: number;
  /** Milliseconds since any moment. Default `performance.now`. */
  readonly clock?: () => number;
}

/** The plan of a run and how far it has come, in steps and in time. */
export class Plan {
  readonly steps: number | null;
  readonly seconds: number | null;
  readonly clock: () => number;
  /** Where this run began: it may be the continuation of others. */
  #firstStep = 0;
  #elapsedBefore = 0;
  #startedAt = 0;

  constructor({ steps, seconds, clock = () => performance.now() }: PlanOptions) {
    if (steps === undefined && seconds === undefined) throw new ArgumentError('Trainer: say how long to train with steps or seconds (or both)');
    if (steps !== undefined && !(Number.isInteger(steps) && steps >= 1)) throw new ArgumentError(`Trainer: steps must be a whole number from 1, not ${steps}`);
    if (seconds !== undefined && !(seconds > 0 && seconds < Infinity)) throw new ArgumentError(`Trainer: seconds must be a finite number above 0, not ${seconds}`);
    this.steps = steps ?? null;
    this.seconds = seconds ?? null;
    this.clock = clock;
  }

  /** The clock runs from here. */
  start(step: number, elapsed: number): void {
    this.#firstStep = step;
    this.#elapsedBefore = elapsed;
    this.#startedAt = this.clock();
  }

  /** Seconds of training, over all runs. */
  get elapsed(): number {
    return this.#elapsedBefore + (this.clock() - this.#startedAt) / 1000;
  }

  /** The share of the plan that is done after `step` steps, 0 to 1. */
  share(step: number): number {
    const ofSteps = this.steps === null ? 0 : step / this.steps;
    const ofSeconds = this.seconds === null ? 0 : this.elapsed / this.seconds;
    return Math.min(1, Math.max(ofSteps, ofSeconds));
  }

  /** Which of the two ends training after `step` steps, null while neither does. */
  reached(step: number): 'steps' | 'seconds' | null {
    if (this.steps !== null && step >= this.steps) return 'steps';
    return this.seconds !== null && this.elapsed >= this.seconds ? 'seconds' : null;
  }

  /** The seconds until the end if steps go on at the pace of this run; Infinity before the first. */
  timeLeft(step: number): number {
    const made = step - this.#firstStep;
    const pace = made === 0 ? Infinity : (this.elapsed - this.#elapsedBefore) / made;
    const stepsLeft = this.steps === null ? Infinity : this.steps - step;
    const secondsLeft = this.seconds === null ? Infinity : this.seconds - this.elapsed;
    return stepsLeft <= 0 ? 0 : Math.max(0, Math.min(stepsLeft * pace, secondsLeft));
  }
}
