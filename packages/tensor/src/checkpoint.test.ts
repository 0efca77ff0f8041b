import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { grad, noGrad } from './autograd.ts';
import { checkpoint } from './checkpoint.ts';
import { ones, tensor, zeros } from './creation.ts';
import { AutogradError } from './errors.ts';
import { defaultGenerator, Generator, manualSeed } from './random.ts';
import { randn } from './randomCreation.ts';
import type { Storage } from './storage.ts';
import type { Tensor } from './tensor.ts';
import { runs } from './testing/index.ts';

const flat = (x: Tensor | null): number[] => Array.from(x?.toTypedArray() ?? []);
const leaves = (): Tensor[] => [1, 2].map((seed) => randn([3, 3], { dtype: 'float64', requiresGrad: true, generator: new Generator(seed) }));
type Wrap = <T>(fn: () => T) => T;
const plain: Wrap = (fn) => fn();

/** Values, gradients and the generator's state after a function of two leaves. */
function outcome(f: (x: Tensor, w: Tensor, wrap: Wrap) => Tensor, wrap: Wrap) {
  manualSeed(1);
  const [x, w] = leaves();
  const y = f(x, w, wrap);
  const state = defaultGenerator.state;
  y.sum().backward();
  return { y: flat(y), x: flat(x.grad), w: flat(w.grad), state, after: defaultGenerator.state };
}

describe('checkpoint', () => {
  it.each<[string, (x: Tensor, w: Tensor, wrap: Wrap) => Tensor]>([
    ['a layer', (x, w, wrap) => wrap(() => x.matmul(w).tanh().mul(x))],
    ['dropout', (x, w, wrap) => wrap(() => x.mul(w).dropout({ p: 0.5 }).exp().dropout()).add(x.dropout())],
    ['two in a row', (x, w, wrap) => { const h = wrap(() => x.exp().mul(w)); return wrap(() => h.sin().mul(h)); }],
    ['nested', (x, w, wrap) => wrap(() => { const h = x.mul(w).dropout(); return wrap(() => wrap(() => h.exp()).dropout().mul(w).sin()).mul(h); })],
    ['several results', (x, w, wrap) => { const [a, b] = wrap(() => [x.exp(), w.sin().mul(x)] as const); return a.mul(b); }],
    ['writes to what it made', (x, w, wrap) => wrap(() => { const h = x.mul(w); h.select(0, 0).mulInPlace(h.select(0, 1)); return h.exp(); })],
    ['an integer beside', (x, w, wrap) => wrap(() => x.mul(w.gt(0)).exp())],
  ])('gives the same bits as without: %s', (_, f) => {
    expect(outcome(f, checkpoint)).toEqual(outcome(f, plain));
  });

  it('leaves the generators as they are, and winds back those that it is told of', () => {
    const own = new Generator(7);
    const f = (x: Tensor, w: Tensor, wrap: Wrap) => {
      own.state = { seed: 7, offset: 0 };
      return wrap(() => x.dropout({ generator: own }).exp().mul(w).dropout({ generator: own }).sin());
    };
    expect(outcome(f, (fn) => checkpoint(fn, { generators: [own] }))).toEqual(outcome(f, plain));
    expect(own.state).toEqual({ seed: 7, offset: 13 });
  });

  it('random programs, cut into checkpoints anywhere, have the same gradients', () => {
    const steps = fc.array(fc.tuple(fc.constantFrom('exp', 'mul', 'dropout', 'tanh', 'open', 'close'), fc.boolean()), { maxLength: 12 });
    const interpret = (list: readonly (readonly [string, boolean])[]) => (x: Tensor, w: Tensor, wrap: Wrap): Tensor => {
      const rest = list.slice();
      const go = (h: Tensor): Tensor => {
        for (let y = h; ;) {
          const [kind, flag] = rest.shift() ?? ['close', false];
          if (kind === 'close') return y;
          if (kind === 'open') {
            const [input, before] = [y, rest.slice()];
            y = wrap(() => {
              // The second run reads the same steps again.
              rest.splice(0, rest.length, ...before);
              return go(input);
            });
          } else y = kind === 'mul' ? y.mul(flag ? w : x) : kind === 'dropout' ? y.dropout() : kind === 'tanh' ? y.tanh() : y.mul(0.1).exp();
        }
      };
      return go(x);
    };
    fc.assert(
      fc.property(steps, (list) => {
        const f = interpret(list);
        expect(outcome(f, checkpoint)).toEqual(outcome(f, plain));
      }),
      { numRuns: runs(1 / 2) },
    );
  });

  it('works with retainGraph, createGraph and grad', () => {
    const run = (wrap: Wrap) => {
      const [x, w] = leaves();
      const y = wrap(() => x.mul(w).exp()).sum();
      const [slope] = grad(y, [x], { createGraph: true });
      const [second] = grad(slope.square().sum(), [w], { retainGraph: true });
      y.backward(undefined, { retainGraph: true });
      y.backward();
      return [slope, second, x.grad, w.grad].map(flat);
    };
    expect(run(checkpoint)).toEqual(run(plain));
  });

  it('records nothing inside noGrad', () => {
    const [x] = leaves();
    expect(noGrad(() => checkpoint(() => x.exp())).requiresGrad).toBe(false);
  });

  it('runs its callback once more, and only when backward comes', () => {
    const [x, w] = leaves();
    let calls = 0;
    const y = checkpoint(() => {
      calls++;
      return x.mul(w).exp().sin();
    });
    expect(calls).toBe(1);
    y.sum().backward();
    expect(calls).toBe(2);
  });
});

describe('checkpoint refuses', () => {
  it('a callback that does something else the second time', () => {
    const [x, w] = leaves();
    let first = true;
    const y = checkpoint(() => {
      const h = first ? x.exp() : x.sin();
      first = false;
      return h.mul(w);
    });
    expect(() => y.sum().backward()).toThrow('checkpoint: op 0 of the callback was exp the first time and sin the second; the callback must compute the same both times');
    let more = true;
    const z = checkpoint(() => {
      const h = x.exp();
      if (!more) return h;
      more = false;
      return h.mul(w);
    });
    expect(() => z.sum().backward()).toThrow('op 1 of the callback was mul the first time and missing the second');
    expect(x.grad).toBeNull();
  });

  it('values that were written to in between, saved or only read', () => {
    for (const f of [(x: Tensor, w: Tensor) => x.mul(w), (x: Tensor, w: Tensor) => x.add(w).exp()]) {
      const [x, w] = leaves();
      const y = checkpoint(() => f(x, w));
      noGrad(() => w.mulInPlace(2));
      expect(() => y.sum().backward()).toThrow(/^backward of (mul|add): a value of shape \[3, 3\] that \1 needs was changed afterwards by mulInPlace/);
    }
    const [x] = leaves();
    const count = zeros([3], { dtype: 'float64' });
    const y = checkpoint(() => x.add(count.addInPlace(1)).exp());
    expect(() => y.sum().backward()).toThrow(AutogradError);
  });

  it('async callbacks', () => {
    expect(() => checkpoint(async () => {})).toThrow('checkpoint: the callback must be synchronous');
    const [x] = leaves();
    const y = x.exp();
    expect(y.gradFn?.saved).toHaveProperty('output');
  });
});

describe('memory', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  /** How many of the storages are still alive, after the collector has run. */
  async function alive(storages: readonly WeakRef<Storage>[]): Promise<number> {
    for (let i = 0; i < 3; i++) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      collect();
    }
    return storages.filter((each) => each.deref() !== undefined).length;
  }
  function chain(x: Tensor, made: WeakRef<Storage>[]): Tensor {
    let y = x;
    for (let i = 0; i < 10; i++) {
      y = y.mul(0.1).exp();
      made.push(new WeakRef(y.storage));
    }
    return y;
  }

  it('of a checkpoint holds its result alone, nested or not', async () => {
    const x = ones([100], { requiresGrad: true });
    const counts: number[] = [];
    for (const wrap of [plain, checkpoint, (fn: () => Tensor) => checkpoint(() => checkpoint(fn).mul(1))]) {
      const made: WeakRef<Storage>[] = [];
      const y = wrap(() => chain(x, made));
      counts.push(await alive(made));
      y.sum().backward();
      expect(x.grad).not.toBeNull();
      // What the second run made is gone with the graph, although the result is held.
      counts.push(await alive(made.slice(0, 9)));
      expect(y.size).toBe(100);
    }
    expect(counts).toEqual([10, 0, 1, 0, 0, 0]);
  });

  it('of a checkpoint inside another does not hold what the outer one made', async () => {
    const x = ones([100], { requiresGrad: true });
    const made: WeakRef<Storage>[] = [];
    const y = checkpoint(() => {
      const h = chain(x, made);
      return checkpoint(() => h.exp().mul(h));
    });
    expect(await alive(made)).toBe(0);
    expect(y.requiresGrad).toBe(true);
  });

  it('of a graph is freed by backward, though its result is held', async () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const made: WeakRef<Storage>[] = [];
    const y = chain(x, made).add(1);
    expect(await alive(made)).toBe(10);
    y.sum().backward();
    expect(await alive(made)).toBe(0);
    expect(y.size).toBe(2);
  });

  it('of views that a graph recorded is not held by their nodes', async () => {
    const x = ones([4, 4], { requiresGrad: true });
    const made: WeakRef<Storage>[] = [];
    const views: ((y: Tensor) => Tensor)[] = [(y) => y.slice(0, 1, 3), (y) => y.select(0, 0), (y) => y.diagonal(), (y) => y.transpose(), (y) => y.flip(), (y) => y.expand([2, 4, 4]), (y) => y.reshape([16])];
    const results = views.map((view) => {
      const y = x.mul(2);
      made.push(new WeakRef(y.storage));
      return view(y).add(1);
    });
    expect(await alive(made)).toBe(0);
    expect(results.every(({ requiresGrad }) => requiresGrad)).toBe(true);
  });
});
