import { backward, configure, enableGrad, grad, keep, linear, matmul, noGrad, ones, persist, rand, scope, ScopeError, softmax, tensor, zeros, type Tensor } from '@strided/tensor';
import { toNdarray, fromNdarray } from '@strided/tensor/ndarray';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applySettings, currentSettings } from '../../packages/tensor/src/kernels/wasm/settings.ts';
import { chosen, runtime, runtimeOf } from './levels.ts';

/** Large enough to lie in the kernels' memory. */
const N = 4096;
const ramp = (start: number): Tensor => tensor(Array.from({ length: N }, (_, i) => start + i));
const used = (): number => runtime?.heap.used ?? 0;
/** Fills what was given back, so that who still reads it gets other numbers. */
const churn = (): void => scope(() => {
  for (let i = 0; i < 20; i++) ramp(-i).mul(3);
});

beforeAll(() => {
  if (runtime !== null) runtime.heap.poison = true;
});
afterAll(() => {
  if (runtime !== null) runtime.heap.poison = false;
});

describe('scope', () => {
  it.skipIf(runtime === null)('that cannot move what stays, as a thread failed, ends all the same: its memory is back and its tensors are refused', () => {
    const { heap } = chosen();
    const before = used();
    const seen: Tensor[] = [];
    const failing = (): Tensor => scope(() => {
      const x = ramp(1).add(1);
      seen.push(x);
      let told = false;
      heap.leave({ finish: () => {
        if (told) return;
        told = true;
        throw new Error('a thread failed');
      } });
      return x;
    });
    expect(failing).toThrow('a thread failed');
    expect(used()).toBe(before);
    scope(() => {
      const outer = ramp(3).mul(2);
      expect(failing).toThrow('a thread failed');
      churn();
      expect(outer.select(0, 5).item()).toBe(16);
    });
    for (const x of seen) expect(() => x.add(1)).toThrow(ScopeError);
    expect(used()).toBe(before);
  });

  it('gives back all of its memory, and keeps what it returns: in arrays, objects, maps and sets, through cycles', () => {
    const before = used();
    interface Loop { readonly x: Tensor; self?: Loop }
    const found = scope(() => {
      const loop: Loop = { x: ramp(1) };
      loop.self = loop;
      const [a, b, c, d] = [ramp(2).add(1), ramp(3).mul(2), ramp(4), ramp(5)];
      return { list: [a, [b]], map: new Map([['c', c]]), set: new Set([d.slice(0, 5, 9)]), loop, number: 3, nothing: null };
    });
    expect(used()).toBe(before);
    churn();
    const [a, [b]] = found.list as [Tensor, [Tensor]];
    expect(a.toTypedArray()).toEqual(ramp(3).toTypedArray());
    expect(b.slice(0, 0, 3).toArray()).toEqual([6, 8, 10]);
    expect(found.map.get('c')?.toTypedArray()).toEqual(ramp(4).toTypedArray());
    expect([...found.set][0].toArray()).toEqual([10, 11, 12, 13]);
    expect(found.loop.self?.x.toTypedArray()).toEqual(ramp(1).toTypedArray());
    expect([...found.set][0].addInPlace(1).toArray()).toEqual([11, 12, 13, 14]);
  });

  it('refuses what left it in any other way, naming the op and the remedy', () => {
    let leaked = zeros([1]) as Tensor;
    let small = leaked;
    scope(() => {
      leaked = ramp(0).add(1);
      small = tensor([1, 2]);
    });
    for (const lost of [leaked, small]) {
      expect(() => lost.add(1)).toThrow(ScopeError);
      expect(() => lost.add(1)).toThrow('add: a tensor was made in a scope that has ended, and its memory is used for others by now; return it from the scope, or keep(t) it inside');
      expect(() => lost.toArray()).toThrow(ScopeError);
      expect(() => zeros(lost.shape).copyFrom(lost)).toThrow(ScopeError);
      expect(() => lost.fill(1)).toThrow(ScopeError);
      expect(() => lost.reshape([-1])).toThrow(ScopeError);
      expect(() => softmax(lost)).toThrow(ScopeError);
      expect(() => keep(lost)).toThrow('keep: a tensor was made in a scope that has ended');
      expect(() => persist([lost])).toThrow('persist: a tensor was made in a scope that has ended');
    }
    expect(leaked.shape).toEqual([N]);
  });

  it('keeps what keep() names, through outer scopes too, and after an error', () => {
    let kept = zeros([1]) as Tensor;
    scope(() => scope(() => {
      kept = keep(ramp(1).mul(2));
      ramp(7);
    }));
    churn();
    expect(kept.slice(0, 0, 3).toArray()).toEqual([2, 4, 6]);
    const before = used();
    expect(() => scope(() => {
      kept = keep(ramp(5).mul(1));
      throw new RangeError('inside');
    })).toThrow('inside');
    expect(used()).toBe(before);
    churn();
    expect(kept.slice(0, 0, 2).toArray()).toEqual([5, 6]);
    expect(keep(kept)).toBe(kept);
  });

  it('keeps the tensors of its roots, wherever their attributes hold them', () => {
    class Part {
      cache: Tensor | null = null;
      table = new Map<string, readonly Tensor[]>();
    }
    class Model {
      parts = [new Part(), new Part()];
      owner: Model = this;
    }
    const model = new Model();
    scope(() => {
      model.parts[0].cache = ramp(1);
      model.parts[1].table.set('a', [ramp(2).neg()]);
    }, { roots: [model] });
    churn();
    expect(model.parts[0].cache?.slice(0, 0, 2).toArray()).toEqual([1, 2]);
    expect(model.parts[1].table.get('a')?.[0].slice(0, 0, 2).toArray()).toEqual([-2, -3]);
  });

  it('moves what an inner scope returns to the outer one, sliding it down', () => {
    const before = used();
    const sum = scope(() => {
      const a = ramp(1).mul(1);
      const [b, c] = scope(() => {
        ramp(9).mul(2);
        const kept = ramp(2).mul(2);
        ramp(9).mul(3);
        return [kept, ramp(3).mul(3)];
      });
      churn();
      return a.add(b).add(c);
    });
    expect(used()).toBe(before);
    expect(sum.slice(0, 0, 3).toArray()).toEqual([1 + 4 + 9, 2 + 6 + 12, 3 + 8 + 15]);
  });

  it('keeps the gradients of older leaves, and adds to them', () => {
    const leaf = ramp(1).detach();
    leaf.requiresGrad = true;
    for (const factor of [2, 3]) scope(() => leaf.mul(factor).sum().backward());
    churn();
    expect(leaf.grad?.slice(0, 0, 2).toArray()).toEqual([5, 5]);
    scope(() => {
      scope(() => leaf.mul(10).sum().backward());
      leaf.square().sum().backward();
    });
    churn();
    expect(leaf.grad?.slice(0, 0, 2).toArray()).toEqual([5 + 10 + 2, 5 + 10 + 4]);
    const returned = scope(() => {
      const own = ones([N], { requiresGrad: true });
      own.mul(3).sum().backward();
      return own;
    });
    churn();
    expect(returned.grad?.slice(0, 0, 2).toArray()).toEqual([3, 3]);
  });

  it('keeps the value of what it returns, not its history', () => {
    const leaf = ramp(1).detach();
    leaf.requiresGrad = true;
    const y = scope(() => leaf.square().sum());
    expect(() => y.backward()).toThrow(ScopeError);
    expect(() => y.mul(2).backward()).toThrow('was recorded in a scope that has ended, and what it saved is gone; call backward inside the scope');
    expect(() => grad(y, [leaf])).toThrow(ScopeError);
    expect(leaf.grad).toBeNull();
    expect(y.detach().item()).toBeGreaterThan(0);
  });

  it('keeps the tensors that a hook was handed', () => {
    const leaf = ones([N], { requiresGrad: true });
    const seen: Tensor[] = [];
    scope(() => {
      const y = leaf.mul(2);
      y.registerHook((g) => {
        seen.push(g);
      });
      y.square().sum().backward();
    });
    churn();
    expect(seen[0].slice(0, 0, 2).toArray()).toEqual([4, 4]);
  });

  it('refuses an asynchronous callback', () => {
    const run = (): unknown => scope(async () => ramp(1));
    expect(run).toThrow('scope: the callback must be synchronous: its memory is taken back when it returns; await before or after it, not inside');
  });

  it('leaves memory shared with the outside alone', () => {
    const data = new Float32Array(N);
    const shape = { data, shape: [N], stride: [1], offset: 0 };
    const view = scope(() => fromNdarray(shape));
    scope(() => fromNdarray(shape).addInPlace(1));
    const outside = scope(() => toNdarray(ramp(1).mul(2)));
    churn();
    expect([data[0], view.slice(0, 0, 1).toArray(), outside.get(1)]).toEqual([1, [1], 4]);
    persist([view]);
    view.addInPlace(1);
    expect(data[0]).toBe(2);
  });

  it('computes the same bits inside as outside', () => {
    const [x, w, b] = [rand([37, 64]), rand([50, 64]), rand([50])];
    const network = (): Tensor[] => {
      const [v, m] = [w.detach(), x.detach()];
      v.requiresGrad = true;
      const y = softmax(linear(m, v, b).gelu()).matmul(v);
      backward(y.square().sum());
      return [y.detach(), v.grad as Tensor, matmul(m.transpose(), m), m.add(m.slice(0, 0, 1)).sum(0)];
    };
    const plain = network().map((each) => each.toTypedArray());
    const inside = scope(network).map((each) => each.toTypedArray());
    expect(inside).toEqual(plain);
    persist([x, w, b]);
    expect(scope(network).map((each) => each.toTypedArray())).toEqual(plain);
    expect(network().map((each) => each.toTypedArray())).toEqual(plain);
  });
});

describe('persist', () => {
  it('keeps values, views and identity, inside of a scope too, and writes are seen', () => {
    const base = ramp(1);
    const view = base.slice(0, 1, 4);
    persist([base]);
    expect(view.toArray()).toEqual([2, 3, 4]);
    noGrad(() => base.mulInPlace(2));
    expect(view.toArray()).toEqual([4, 6, 8]);
    const inside = scope(() => {
      const made = ramp(3).mul(1);
      persist([made]);
      return () => made;
    });
    churn();
    expect(inside().slice(0, 0, 2).toArray()).toEqual([3, 4]);
    expect(enableGrad(() => base.detach()).slice(0, 0, 1).toArray()).toEqual([2]);
  });
});

describe('persist packed', () => {
  const layer = (x: Tensor, w: Tensor): Float32Array => linear(x, w).toTypedArray() as Float32Array;

  it('gives the same bits, follows every change, and gives the values back', () => {
    for (const [outputs, inputs, rows] of [[40, 70, 9], [16, 257, 300], [1, 300, 20], [129, 64, 1]] as const) {
      const [x, w] = [rand([rows, inputs]), rand([outputs, inputs])];
      const twin = w.clone();
      persist([w], { packed: true });
      expect(layer(x, w)).toEqual(layer(x, twin));
      expect(w.toTypedArray()).toEqual(twin.toTypedArray());
      expect(layer(x, w)).toEqual(layer(x, twin));
      persist([w], { packed: true });
      const changes: readonly ((t: Tensor) => unknown)[] = [(t) => t.mulInPlace(2), (t) => t.copyFrom(t.flip([0])), (t) => t.slice(0, 0, 1).fill(3), (t) => t.transpose().addInPlace(1)];
      for (const change of changes) {
        for (const each of [w, twin]) noGrad(() => change(each));
        expect(layer(x, w)).toEqual(layer(x, twin));
        persist([w], { packed: true });
        expect(layer(x, w)).toEqual(layer(x, twin));
        // Packed again before any product has seen the change.
        for (const each of [w, twin]) noGrad(() => each.subInPlace(0.5));
        persist([w], { packed: true });
        expect(w.toTypedArray()).toEqual(twin.toTypedArray());
        expect(layer(x, w)).toEqual(layer(x, twin));
      }
      persist([w]);
      expect(layer(x, w)).toEqual(layer(x, twin));
      expect(w.toTypedArray()).toEqual(twin.toTypedArray());
    }
  });

  it('trains on: gradients read the values, and an optimiser takes them over', () => {
    const [x, w] = [rand([30, 50]), rand([40, 50])];
    const twin = w.clone();
    for (const each of [w, twin]) each.requiresGrad = true;
    persist([w], { packed: true });
    for (const each of [w, twin]) linear(x, each).square().sum().backward();
    expect(w.grad?.toTypedArray()).toEqual(twin.grad?.toTypedArray());
    for (const each of [w, twin]) noGrad(() => each.subInPlace((each.grad as Tensor).mul(0.01)));
    expect(layer(x, w)).toEqual(layer(x, twin));
  });

  it('gives its panels back at once where the weight is to change at every step, and makes no array of its values', () => {
    if (runtime === null) return;
    const w = rand([130, 70]);
    const values = w.toTypedArray();
    const before = runtime.heap.reserved;
    persist([w], { packed: true });
    persist([w]);
    expect(runtime.heap.reserved - before).toBe(Math.ceil(w.storage.byteLength / 64) * 64);
    expect(w.storage.place).not.toBeNull();
    expect(w.toTypedArray()).toEqual(values);
  });

  it('serves the weight alone, not other views of all its values', () => {
    for (const [outputs, inputs] of [[1, 37], [37, 1], [6, 20]] as const) {
      const [x, w] = [rand([210, inputs]), rand([outputs, inputs])];
      const twin = w.clone();
      for (const each of [w, twin]) each.requiresGrad = true;
      persist([w], { packed: true });
      const gradients = [w, twin].map((weight) => {
        const input = x.clone();
        input.requiresGrad = true;
        linear(input, weight).square().sum().backward();
        return input.grad?.toTypedArray();
      });
      expect(gradients[0]).toEqual(gradients[1]);
      const y = rand([300, outputs * 2]);
      const turned = (weight: Tensor): Tensor => weight.detach().reshape([inputs / 2, outputs * 2]);
      if (inputs % 2 === 0) expect(layer(y, turned(w))).toEqual(layer(y, turned(twin)));
    }
  });

  it('is packed anew for another level, and stays nothing but packed until a level reads the values', () => {
    const before = currentSettings();
    const levels = (['relaxed', 'simd256', 'simd128'] as const).filter((name) => runtimeOf(name) !== null);
    const [x, w] = [rand([21, 70]), rand([43, 70])];
    const twin = w.clone();
    try {
      for (const kernels of [...levels, ...levels]) {
        configure({ kernels });
        persist([w], { packed: true });
        expect(layer(x, w)).toEqual(layer(x, twin));
      }
      for (const kernels of levels) {
        configure({ kernels });
        expect(layer(x, w)).toEqual(layer(x, twin));
        expect(w.storage.isFolded).toBe(true);
      }
      for (const kernels of ['js', ...levels] as const) {
        configure({ kernels });
        expect(layer(x, w)).toEqual(layer(x, twin));
        expect(w.storage.isFolded).toBe(false);
      }
    } finally {
      applySettings(before);
    }
    expect(w.toTypedArray()).toEqual(twin.toTypedArray());
  });

  it('leaves tensors alone that are no matrix of their own', () => {
    const base = rand([20, 60]);
    const views = [base.slice(0, 2, 10), base.transpose(), rand([300]), rand([2, 20, 30])];
    const before = views.map((view) => view.toTypedArray());
    persist(views, { packed: true });
    expect(views.map((view) => view.toTypedArray())).toEqual(before);
  });
});

describe('when the memory is used up', () => {
  it('what persists moves out for a kernel that needs room, and computes the same', () => {
    if (runtime === null) return;
    const heap = runtime.heap;
    const [x, w, other] = [rand([64, 200]), rand([120, 200]), rand([500, 60])];
    const plain = linear(x, w).toTypedArray();
    const values = other.toTypedArray();
    persist([w], { packed: true });
    persist([other]);
    expect(heap.relieve?.()).toBe(true);
    while (heap.relieve?.() === true);
    churn();
    expect(linear(x, w).toTypedArray()).toEqual(plain);
    expect(other.toTypedArray()).toEqual(values);
  });
});
