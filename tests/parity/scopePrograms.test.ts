import { checkpoint, keep, persist, rand, manualSeed, scope, ScopeError, type Tensor } from '@strided/tensor';
import fc from 'fast-check';
import { afterEach, expect, it } from 'vitest';
import { runtime } from './levels.ts';

/**
 * Random programs of ops, nested scopes, escapes and errors, run twice: with scopes and with none. Every value that
 * may be used is the same bit for bit, everything else is refused.
 */
type Step =
  | { readonly do: 'make' | 'view' | 'add' | 'product' | 'rows' | 'write' | 'gradient' | 'persist' | 'keep'; readonly a: number; readonly b: number }
  | { readonly do: 'scope'; readonly body: readonly Step[]; readonly returns: readonly number[]; readonly fails: boolean };

const { program } = fc.letrec<{ step: Step; program: readonly Step[] }>((tie) => ({
  step: fc.oneof(
    { maxDepth: 3 },
    fc.record({ do: fc.constantFrom('make', 'view', 'add', 'product', 'rows', 'write', 'gradient', 'persist', 'keep'), a: fc.nat(), b: fc.nat() }),
    fc.record({ do: fc.constant('scope'), body: tie('program'), returns: fc.array(fc.nat(), { maxLength: 3 }), fails: fc.boolean() }),
  ),
  program: fc.array(tie('step'), { maxLength: 12 }),
}));

/** Sizes around those from which tensors lie in the kernels' memory, and beyond its first chunk. */
const sizes = [3, 8, 20, 64, 150];

class Run {
  readonly scoped: boolean;
  /** What each step found, as bits. */
  readonly trace: Float32Array[] = [];
  /** Tensors that no scope let out. */
  readonly lost: Tensor[] = [];

  constructor(scoped: boolean) {
    this.scoped = scoped;
  }

  execute(steps: readonly Step[], known: readonly Tensor[]): Tensor[] {
    const values = [...known];
    for (const step of steps) {
      const made = step.do === 'scope' ? this.#enter(step, values) : this.#compute(step, values);
      values.push(...made);
      for (const each of values.slice(-2)) this.trace.push(each.toTypedArray() as Float32Array);
    }
    return values;
  }

  #enter({ body, returns, fails }: Step & { do: 'scope' }, known: readonly Tensor[]): Tensor[] {
    let inside: Tensor[] = [];
    const kept = new Set<Tensor>();
    const run = (): Tensor[] => {
      const outer = this.#kept;
      this.#kept = kept;
      try {
        inside = this.execute(body, known).slice(known.length);
      } finally {
        this.#kept = outer;
        for (const each of kept) outer.add(each);
      }
      if (fails) throw new RangeError('on purpose');
      return inside.length === 0 ? [] : returns.map((index) => inside[index % inside.length]);
    };
    let out: Tensor[] = [];
    try {
      out = this.scoped ? scope(run) : run();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    const staying = new Set([...out, ...kept].map(({ storage }) => storage));
    const alive = inside.filter(({ storage }) => staying.has(storage));
    this.lost.push(...inside.filter((each) => !staying.has(each.storage) && !this.#gradients.has(each.storage) && !known.some(({ storage }) => storage === each.storage)));
    return alive;
  }

  #kept = new Set<Tensor>();
  /** They stay with their leaf, which has the memory of a tensor that may be older than the scope. */
  readonly #gradients = new Set<unknown>();

  #compute({ do: name, a, b }: Exclude<Step, { do: 'scope' }>, values: readonly Tensor[]): Tensor[] {
    const n = sizes[a % sizes.length];
    if (values.length === 0 || name === 'make') return [rand([n, n]).sub(0.5) as Tensor];
    const [x, other] = [values[a % values.length], values[b % values.length]];
    if (name === 'view') return [x.transpose()];
    if (name === 'add') return [x.mul(2).add(other.slice(0, 0, 1).slice(1, 0, 1))];
    if (name === 'product') return [x.matmul(x.transpose()).tanh()];
    if (name === 'rows') return [x.softmax()];
    if (name === 'write') x.mulInPlace(0.5);
    if (name === 'gradient') {
      const leaf = x.detach();
      leaf.requiresGrad = true;
      const inner = (): Tensor => leaf.matmul(leaf.softmax());
      // Backward lets go of what it made on the way, but not of what a checkpoint made again for later.
      const y = b % 2 === 0 ? inner() : checkpoint(() => checkpoint(inner).add(leaf.tanh()));
      y.square().mean().backward();
      const gradient = leaf.grad as Tensor;
      this.#gradients.add(gradient.storage);
      return [gradient];
    }
    if (name === 'persist') {
      persist([x]);
      this.#kept.add(x);
    }
    if (name === 'keep') this.#kept.add(keep(x));
    return [];
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength);

afterEach(() => {
  if (runtime !== null) runtime.heap.poison = false;
});

// Making it NaN waits for the other threads at every turn, which nobody else does.
it.each([true, false])('random programs compute the same in scopes as without, and what left its scope is refused (what is given back becomes NaN: %s)', (poison) => {
  if (runtime !== null) runtime.heap.poison = poison;
  fc.assert(fc.property(program, (steps) => {
    const before = runtime === null ? 0 : runtime.heap.used - runtime.heap.reserved;
    const runs = [false, true].map((scoped) => {
      manualSeed(7);
      const run = new Run(scoped);
      run.execute(steps, []);
      return run;
    });
    const different = runs[0].trace.findIndex((values, i) => Buffer.compare(bytesOf(values), bytesOf(runs[1].trace[i])) !== 0);
    expect([different, runs[1].trace.length]).toEqual([-1, runs[0].trace.length]);
    expect(runs[1].lost.length).toBe(runs[0].lost.length);
    for (const each of runs[1].lost) expect(() => each.add(1)).toThrow(ScopeError);
    if (runtime !== null) expect(runtime.heap.used - runtime.heap.reserved).toBe(before);
  }));
});
