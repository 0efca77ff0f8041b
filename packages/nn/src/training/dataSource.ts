/**
 * An endless stream of batches that can go on exactly where it stopped. What it draws at random it draws from a
 * generator of its own, whose state is part of `state`.
 *
 * @example
 * class Windows implements DataSource<Tensor, { generator: GeneratorState }> {
 *   readonly #generator = new Generator(1);
 *   constructor(readonly tokens: Tensor, readonly length: number) {}
 *   next() { return this.tokens.narrow(0, this.#generator.integer(this.tokens.size - this.length), this.length); }
 *   get state() { return { generator: this.#generator.state }; }
 *   restore({ generator }: { generator: GeneratorState }) { this.#generator.state = generator; }
 * }
 */
export interface DataSource<B, S = unknown> {
  next(): B | Promise<B>;
  /** Plain JSON: where the batch after the last that `next` gave begins, however far it has read ahead. */
  readonly state: S;
  /** Goes to a place that `state` told; refuses, before it changes, one that cannot be its own. */
  restore(state: S): void;
}
