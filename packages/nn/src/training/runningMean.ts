/** The mean of a series of numbers in which the last 50 or so count most: weights fall by `decay` from each to the one before. */
export class RunningMean {
  readonly #decay: number;
  #sum = 0;
  #weight = 0;

  constructor(decay = 0.98) {
    this.#decay = decay;
  }

  add(value: number): void {
    this.#sum = this.#sum * this.#decay + value;
    this.#weight = this.#weight * this.#decay + 1;
  }

  /** NaN before the first number. */
  get value(): number {
    return this.#sum / this.#weight;
  }
}
