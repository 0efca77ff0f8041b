import { isContiguous } from './layout.ts';
import { Node, type AnomalyCheck, type Edge } from './ops/op.ts';
import { newestSerial, type Storage } from './storage.ts';
import type { Tensor } from './tensor.ts';

/** Gradients on their way, summed where they meet, and who holds their memory. */
export class Gradients {
  readonly #byEdge = new Map<Node | Tensor, Tensor>();
  /** Sums that were made here: they belong to nobody else yet and grow in place. */
  readonly #own = new Set<Tensor>();
  readonly #since = newestSerial();
  readonly #held = new Set<Storage>();
  readonly #asked = new Set<Storage>();
  /** How many gradients on their way lie in a storage. */
  readonly #uses = new Map<Storage, number>();
  /** Storages that a gradient has left. */
  #left: Storage[] = [];

  add(edge: Edge, gradient: Tensor, check: AnomalyCheck | null): void {
    if (edge === null) return;
    const sum = this.#byEdge.get(edge);
    if (sum === undefined) {
      this.#put(edge, gradient);
    } else if (this.#own.has(sum) && sum.gradFn === null && !gradient.requiresGrad && check === null) {
      sum.addInPlace(gradient);
    } else {
      const next = sum.add(gradient) as Tensor;
      check?.(`the sum of the gradients of ${edge instanceof Node ? edge.op.name : 'a leaf'}`, [sum, gradient], [next]);
      this.#own.delete(sum);
      this.#own.add(next);
      this.#put(edge, next);
    }
  }

  #put(edge: Node | Tensor, gradient: Tensor): void {
    const before = this.#byEdge.get(edge);
    if (before !== undefined) this.#leave(before);
    this.#byEdge.set(edge, gradient);
    this.#uses.set(gradient.storage, (this.#uses.get(gradient.storage) ?? 0) + 1);
  }

  #leave({ storage }: Tensor): void {
    const uses = (this.#uses.get(storage) ?? 1) - 1;
    if (uses > 0) {
      this.#uses.set(storage, uses);
      return;
    }
    this.#uses.delete(storage);
    if (storage.serial > this.#since) this.#left.push(storage);
  }

  /** Takes back the room of what no gradient lies in any more, of what was made just now and of what was made before. */
  recycle(made: readonly Storage[]): void {
    for (const storage of [...made, ...this.#left]) {
      if (!this.#uses.has(storage) && !this.#held.has(storage) && !this.#asked.has(storage)) storage.recycle();
    }
    this.#left = [];
  }

  take(node: Node): Tensor | undefined {
    const gradient = this.#byEdge.get(node);
    if (gradient !== undefined) {
      this.#byEdge.delete(node);
      this.#own.delete(gradient);
      this.#leave(gradient);
    }
    return gradient;
  }

  leaves(): [Tensor, Tensor][] {
    return [...this.#byEdge].filter((entry): entry is [Tensor, Tensor] => !(entry[0] instanceof Node));
  }

  /** Notes that a gradient is asked for at the end. */
  hold({ storage }: Tensor): void {
    this.#asked.add(storage);
  }

  /** Notes that somebody outside may hold this memory. */
  share({ storage }: Tensor): void {
    this.#held.add(storage);
  }

  /** The gradient as dense memory that nobody else holds: itself where this walk made it for nobody else, else a copy. */
  claim(gradient: Tensor): Tensor {
    const { storage, layout, size } = gradient;
    const free = storage.serial > this.#since && !this.#held.has(storage) && isContiguous(layout) && storage.length === size;
    this.#held.add(storage);
    return free ? gradient : gradient.clone();
  }
}
