import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backward, enableGrad, grad, noGrad } from './autograd.ts';
import { arange, ones, tensor, zeros } from './creation.ts';
import { ArgumentError, AutogradError, DTypeError, ShapeError } from './errors.ts';
import { apply, defineOp, isRecording, Node, type Op } from './ops/op.ts';
import { Generator } from './random.ts';
import { randn } from './randomCreation.ts';
import type { Tensor } from './tensor.ts';
import { expectClose, runs } from './testing/index.ts';

const leaf = (values: number | number[], dtype: 'float32' | 'float64' = 'float64') => tensor(values, { dtype, requiresGrad: true });
const flat = (x: Tensor): number[] => Array.from(x.toTypedArray());

describe('backward', () => {
  it('adds up over calls and over uses', () => {
    const x = leaf([1, 2, 3]);
    x.mul(x).sum().backward();
    expect(x.grad?.toArray()).toEqual([2, 4, 6]);
    x.sum().add(x.select(0, 2).mul(10)).backward();
    expect(x.grad?.toArray()).toEqual([3, 5, 17]);
    x.grad = null;
    x.sum().backward();
    expect(x.grad).toMatchObject({ shape: [3], dtype: 'float64', requiresGrad: false, isLeaf: true });
  });

  it('starts from 1 for a single value of any rank, else from what is given', () => {
    const x = leaf([1, 2]);
    x.mul(3).backward(tensor([1, 10]));
    expect(x.grad?.toArray()).toEqual([3, 30]);
    backward(x.sum([0], { keepDims: true }));
    expect(x.grad?.toArray()).toEqual([4, 31]);
    expect(() => x.mul(2).backward()).toThrow('backward: only a single value has a gradient of its own, not shape [2]; reduce it with sum() or mean(), or pass a gradient');
    expect(() => x.mul(2).backward(ones([1, 2]))).toThrow('backward: the gradient [1, 2] must have the shape of the tensor, [2]');
    expect(() => x.mul(2).backward(arange(2))).toThrow('backward: a gradient is float32 or float64, not int32');
  });

  it('of a leaf itself is what it starts from, copied', () => {
    const x = leaf([1, 2]);
    const given = tensor([5, 6], { dtype: 'float64' });
    x.backward(given);
    given.fill(0);
    expect(x.grad?.toArray()).toEqual([5, 6]);
    const y = leaf(2);
    y.backward();
    expect(y.grad?.item()).toBe(1);
  });

  it('needs a history', () => {
    for (const x of [zeros([]), noGrad(() => leaf(1).mul(2)), leaf(1).detach()]) {
      expect(() => x.backward()).toThrow('backward: the tensor of shape [] does not require grad and has no history; create its inputs with { requiresGrad: true }, outside noGrad');
    }
  });

  it('frees the graph on its way, unless it is kept', () => {
    const x = leaf([1, 2]);
    const squared = x.square();
    const y = squared.sum();
    y.backward(undefined, { retainGraph: true });
    y.backward();
    expect(x.grad?.toArray()).toEqual([4, 8]);
    for (const { gradFn } of [y, squared]) expect(gradFn).toMatchObject({ saved: null, edges: [] });
    expect(() => y.backward()).toThrow('backward: the graph behind reshape was freed by an earlier backward; pass { retainGraph: true } to the earlier one, or compute the value again');
    expect(() => squared.mul(2).sum().backward()).toThrow('the graph behind square was freed');
    expect(x.grad?.toArray()).toEqual([4, 8]);
  });

  it('with createGraph keeps the graph', () => {
    const x = leaf(3);
    const y = x.pow(3);
    y.backward(undefined, { createGraph: true });
    expect(x.grad).toMatchObject({ requiresGrad: true });
    const first = x.grad as Tensor;
    x.grad = null;
    first.backward();
    expect(x.grad).not.toBeNull();
    expect((x.grad as Tensor | null)?.item()).toBeCloseTo(18, 12);
    y.backward();
  });

  it('leaves every .grad as it was when something throws on the way', () => {
    const [x, y] = [leaf([1, 2]), leaf([1, 2])];
    const bad = y.exp();
    const loss = bad.mul(1).sum().add(x.sum());
    noGrad(() => bad.fill(0));
    expect(() => loss.backward()).toThrow(AutogradError);
    expect([x.grad, y.grad]).toEqual([null, null]);
  });
});

describe('higher orders', () => {
  it('derivatives of x⁵ and sin x to the fourth order', () => {
    const orders = (f: (x: Tensor) => Tensor, at: number): number[] => {
      const x = leaf(at);
      const list: number[] = [];
      let y = f(x);
      for (let order = 1; order <= 4; order++) {
        [y] = grad(y, [x], { createGraph: true });
        list.push(Number(y.item()));
      }
      return list;
    };
    expectClose(orders((x) => x.pow(5), 2), [80, 160, 240, 240], { rtol: 1e-13 });
    expectClose(orders((x) => x.sin(), 0.7), [Math.cos(0.7), -Math.sin(0.7), -Math.cos(0.7), Math.sin(0.7)], { rtol: 1e-13 });
  });

  it('the Hessian of xᵀAx is A + Aᵀ', () => {
    const A = randn([4, 4], { dtype: 'float64', generator: new Generator(1) });
    const x = randn([4], { dtype: 'float64', generator: new Generator(2), requiresGrad: true });
    const [slope] = grad(x.matmul(A).mul(x).sum(), [x], { createGraph: true });
    const rows = [0, 1, 2, 3].map((i) => grad(slope.select(0, i), [x], { retainGraph: true })[0].toArray() as number[]);
    expectClose(rows, A.add(A.transpose()) as Tensor, { rtol: 1e-12 });
  });

  it('of a fused op go through its composed twin, also where one tensor is two inputs', () => {
    const x = randn([3], { dtype: 'float64', generator: new Generator(3), requiresGrad: true });
    const second = (y: Tensor) => {
      const [slope] = grad(y.mul(arange(3)).sum(), [x], { createGraph: true });
      return grad(slope.square().sum(), [x])[0];
    };
    const composed = x.sub(x.max()).exp();
    expectClose(second(x.softmax()), second(composed.div(composed.sum()) as Tensor), { rtol: 1e-10 });
  });

  it('a gradient penalty trains: the gradient of a gradient reaches leaves by backward', () => {
    const [w, x] = [leaf([2, 3]), leaf([5, 7])];
    const [slope] = grad(w.mul(x).square().sum(), [x], { createGraph: true });
    // slope = 2w²x; d(Σ slope)/dw = 4wx
    slope.sum().backward();
    expect(w.grad?.toArray()).toEqual([40, 84]);
    expect(x.grad?.toArray()).toEqual([8, 18]);
  });
});

describe('grad', () => {
  it('takes several outputs and inputs, leaves or not, and touches no .grad', () => {
    const [x, y] = [leaf([1, 2]), leaf([3, 4])];
    const middle = x.mul(y).retainGrad();
    const found = grad([middle.sum(), middle.square()], [x, middle, y], { gradOutputs: [null, tensor([1, 0])] });
    expect(found.map((each) => each.toArray())).toEqual([[21, 4], [7, 1], [7, 2]]);
    expect([x.grad, y.grad, middle.grad]).toEqual([null, null, null]);
  });

  it('of an output with regard to itself is what it starts from', () => {
    const x = leaf([1, 2]);
    const y = x.mul(2);
    const [dy, dx, again] = grad(y, [y, x, y], { gradOutputs: [tensor([3, 4])] });
    expect([dy, dx, again].map((each) => each.toArray())).toEqual([[3, 4], [6, 8], [3, 4]]);
    expect(new Set([dy.storage, dx.storage, again.storage]).size).toBe(3);
    expect(grad(x.sum(), [x])[0].isContiguous).toBe(true);
  });

  it('says which input nothing depends on, or gives null', () => {
    const [x, y, z] = [leaf(1), leaf(2), zeros([3])];
    expect(grad(x.mul(2), [y, x], { allowUnused: true }).map((each) => each?.item() ?? null)).toEqual([null, 2]);
    expect(() => grad(x.mul(2), [x, y])).toThrow('grad: no output depends on input 1 of shape []; pass { allowUnused: true } to get null for it');
    expect(() => grad(x.mul(2), [x, z])).toThrow('grad: input 1 of shape [3] does not require grad; create it with { requiresGrad: true }');
    expect(() => grad([x.mul(2)], [x], { gradOutputs: [] })).toThrow('grad: 0 gradOutputs for 1 outputs; give one for each, null for a single value');
    expect(() => grad([x.mul(2)], [x], { gradOutputs: [] })).toThrow(ArgumentError);
  });

  it('computes only what leads to its inputs', () => {
    const asked: (readonly boolean[])[] = [];
    const op: Op = defineOp({
      name: 'testNeeds',
      forward: ([a]) => a,
      backward: (g, { needs }) => {
        asked.push(needs);
        return needs.map((need) => (need ? g : null));
      },
    });
    const [x, y] = [leaf(1), leaf(2)];
    let called = 0;
    y.registerHook(() => void called++);
    const side = apply(op, [y], undefined);
    const out = apply(op, [x, side], undefined);
    grad(out, [x], { retainGraph: true });
    expect(asked).toEqual([[true, false]]);
    expect(called).toBe(0);
    out.backward();
    expect(asked.slice(1)).toEqual([[true, true], [true]]);
    expect(called).toBe(1);
  });

  it('stops at an input that lies behind another', () => {
    const x = leaf(2);
    const y = x.square();
    const z = y.mul(3);
    expect(grad(z, [y, x]).map((each) => each.item())).toEqual([3, 12]);
  });
});

describe('hooks', () => {
  it('run in order on the complete gradient, replace it, and go', () => {
    const x = leaf([1, 2]);
    const y = x.mul(2);
    const seen: string[] = [];
    const see = (name: string) => (g: Tensor) => void seen.push(`${name} ${flat(g).join()}`);
    const removeFirst = y.registerHook(see('y first'));
    y.registerHook((g) => g.mul(10));
    y.registerHook(see('y last'));
    x.registerHook(see('x'));
    const removeHalf = x.registerHook((g) => g.div(2));
    y.sum().add(y.sum()).backward();
    expect(seen).toEqual(['y first 2,2', 'y last 20,20', 'x 40,40']);
    expect(x.grad?.toArray()).toEqual([20, 20]);
    removeFirst();
    removeHalf();
    removeHalf();
    seen.length = 0;
    x.grad = null;
    x.mul(1).sum().backward();
    expect(seen).toEqual(['x 1,1']);
    expect(x.grad).toMatchObject({ shape: [2] });
  });

  it('the same function registered twice runs twice and is removed once', () => {
    const x = leaf(1);
    let calls = 0;
    const hook = () => void calls++;
    const remove = x.registerHook(hook);
    x.registerHook(hook);
    x.mul(1).backward();
    remove();
    x.mul(1).backward();
    expect(calls).toBe(3);
  });

  it('see nothing that is later written to, nor may they write', () => {
    const x = leaf([1, 2]);
    const kept: Tensor[] = [];
    const y = x.add(0);
    y.registerHook((g) => void kept.push(g));
    x.registerHook((g) => {
      const replaced = g.mul(2) as Tensor;
      kept.push(replaced);
      return replaced;
    });
    y.retainGrad();
    const before = () => kept.map(flat);
    y.sum().backward();
    const first = before();
    x.grad?.fill(9);
    y.grad?.fill(9);
    x.mul(1).sum().backward();
    expect(before().slice(0, 2)).toEqual(first);
    const [one, two] = [leaf([1, 2]), leaf([3, 4])];
    let shared: Tensor | undefined;
    one.registerHook((g) => { shared = g; return g.mul(2) as Tensor; });
    one.add(two).mul(3).sum().backward();
    two.grad?.fill(9);
    expect(shared?.toArray()).toEqual([3, 3]);
    const z = leaf([1]);
    z.registerHook((g) => void g.mulInPlace(2));
    expect(() => z.mul(3).sum().backward()).toThrow('backward: a hook wrote to its gradient (mulInPlace), which others may read; return a new tensor instead');
    expect(z.grad).toBeNull();
  });

  it('must keep shape and dtype, and be synchronous', () => {
    const make = (hook: (g: Tensor) => Tensor | void) => {
      const x = leaf([1, 2]);
      x.registerHook(hook);
      return () => x.mul(1).sum().backward();
    };
    expect(make(() => 3 as never)).toThrow("backward: a hook's result: a tensor is needed, not number");
    expect(() => ones([2], { requiresGrad: true }).registerHook(3 as never)).toThrow('registerHook: a function of the gradient is needed, not number');
    expect(make(() => ones([2, 1], { dtype: 'float64' }))).toThrow('backward: a hook turned a gradient of shape [2] into [2, 1]; it must keep the shape');
    expect(make(() => ones([2]))).toThrow('backward: a hook turned a float64 gradient into float32; it must keep the dtype');
    expect(make((async () => {}) as unknown as (g: Tensor) => void)).toThrow('registerHook: the callback must be synchronous');
    expect(() => zeros([1]).registerHook(() => {})).toThrow('registerHook: the tensor does not require grad');
    expect(() => zeros([1]).retainGrad()).toThrow('retainGrad: the tensor does not require grad');
  });

  it('retainGrad keeps the gradient of a tensor that is no leaf, after its hooks, once however often it is asked', () => {
    const x = leaf([1, 2]);
    const y = x.mul(2);
    y.retainGrad().retainGrad();
    y.registerHook((g) => g.mul(5));
    const loss = y.sum();
    loss.backward(undefined, { retainGraph: true });
    expect([y.grad?.toArray(), x.grad?.toArray()]).toEqual([[5, 5], [10, 10]]);
    loss.backward();
    expect([y.grad?.toArray(), x.grad?.toArray()]).toEqual([[10, 10], [20, 20]]);
    expect(x.retainGrad()).toBe(x);
  });
});

describe('recording', () => {
  it('stops inside noGrad, starts inside enableGrad, and is put back whatever happens', () => {
    const x = leaf(1);
    noGrad(() => {
      expect(x.mul(2).requiresGrad).toBe(false);
      enableGrad(() => {
        expect(x.mul(2).requiresGrad).toBe(true);
        noGrad(() => expect(isRecording()).toBe(false));
        expect(isRecording()).toBe(true);
      });
      expect(isRecording()).toBe(false);
    });
    expect(() => noGrad(() => { throw new Error('mine'); })).toThrow('mine');
    expect(isRecording()).toBe(true);
    const y = x.mul(2);
    y.registerHook(() => { throw new Error('mine'); });
    expect(() => y.backward()).toThrow('mine');
    expect(isRecording()).toBe(true);
  });

  it('refuses async callbacks, whose later rejection then bothers nobody', async () => {
    for (const run of [noGrad, enableGrad]) {
      expect(() => run(async () => { throw new Error('later'); })).toThrow('the callback must be synchronous; await before or after it, not inside');
    }
    expect(isRecording()).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 0));
  });

  it('backward works inside noGrad on what was recorded outside', () => {
    const x = leaf(3);
    const y = x.square();
    noGrad(() => y.backward());
    expect(x.grad?.item()).toBe(6);
  });

  it('is switched on leaves only, of float dtypes only', () => {
    const x = leaf(1);
    expect(() => { x.mul(2).requiresGrad = false; }).toThrow('requiresGrad: only a leaf can be switched; use detach() for the same values without history');
    expect(() => { arange(2).requiresGrad = true; }).toThrow(DTypeError);
    x.requiresGrad = false;
    expect(x.mul(2).requiresGrad).toBe(false);
  });
});

describe('dtypes', () => {
  it('a gradient has its tensor\'s dtype where float32 and float64 meet', () => {
    const [narrow, wide] = [leaf([1, 2], 'float32'), leaf([3, 4], 'float64')];
    narrow.mul(wide).sum().backward();
    expect(narrow.grad).toMatchObject({ dtype: 'float32' });
    expect(wide.grad).toMatchObject({ dtype: 'float64' });
    expect([narrow.grad?.toArray(), wide.grad?.toArray()]).toEqual([[3, 4], [1, 2]]);
  });

  it('an integer beside a float has no gradient', () => {
    const x = leaf([1, 2]);
    x.mul(tensor([3, 4], { dtype: 'int32' })).sum().backward();
    expect(x.grad?.toArray()).toEqual([3, 4]);
  });

  it('what becomes an integer or a bool has no history', () => {
    const x = leaf([1.5, 2.5]);
    for (const dtype of ['int32', 'uint8', 'int8', 'bool'] as const) expect(x.cast(dtype)).toMatchObject({ requiresGrad: false, isLeaf: true });
    expect(x.gt(2).requiresGrad).toBe(false);
    const truncate = defineOp({ name: 'testTruncate', forward: ([a]) => (a as Tensor).cast('int32'), backward: (g) => [g] });
    expect(apply(truncate, [x], undefined).requiresGrad).toBe(false);
    expect(x.cast('float32').requiresGrad).toBe(true);
  });
});

describe('rules', () => {
  const made = (name: string, backward_: Op['backward']) => defineOp({ name, forward: ([a]) => a, backward: backward_ });

  it('that give too few gradients or a wrong shape are named', () => {
    const x = leaf([1, 2]);
    const few = made('testFew', () => []);
    expect(() => apply(few, [x], undefined).sum().backward()).toThrow('backward of testFew: the rule gave 0 gradients for 1 inputs; give one for each, null where none flows');
    const odd = made('testOdd', () => [ones([3])]);
    expect(() => apply(odd, [x], undefined).sum().backward()).toThrow('backward of testOdd: the gradient [3] of input 0 does not sum to the input\'s shape [2]');
    const scalar = made('testScalar', () => [ones([])]);
    expect(() => apply(scalar, [x], undefined).sum().backward()).toThrow(ShapeError);
  });

  it('that give null leave the leaf without a gradient', () => {
    const x = leaf([1, 2]);
    const none = made('testNull', () => [null]);
    apply(none, [x], undefined).sum().backward();
    expect(x.grad).toBeNull();
  });
});

describe('deep graphs', () => {
  it('of 100,000 ops go forward and back without overflowing the stack, in seconds', { timeout: 30_000 }, () => {
    const x = leaf(1);
    let y: Tensor = x;
    for (let i = 0; i < 100_000; i++) y = y.mul(0.99999);
    y.backward();
    expect(x.grad?.item()).toBeCloseTo(0.99999 ** 100_000, 10);
  });

  it('of 2,000 ops can be differentiated twice', () => {
    const x = leaf(1);
    let y: Tensor = x;
    for (let i = 0; i < 2_000; i++) y = y.mul(x);
    const [slope] = grad(y, [x], { createGraph: true });
    expect(slope.item()).toBe(2001);
    expect(grad(slope, [x])[0].item()).toBe(2001 * 2000);
  });

  it('where every value is used twice are walked once', () => {
    const x = leaf(1);
    let y: Tensor = x;
    for (let i = 0; i < 60; i++) y = y.add(y);
    y.backward();
    expect(x.grad?.item()).toBe(2 ** 60);
    expect(y.gradFn).toBeInstanceOf(Node);
  });
});

/** Random graphs of ops whose rules pass gradients on as they are, as views, or broadcast. */
const graph = fc.array(fc.tuple(fc.constantFrom('add', 'sub', 'mul', 'flip', 'clone', 'part', 'row', 'hook', 'retain', 'sumUp'), fc.nat(20), fc.nat(20)), { maxLength: 12 });
type Graph = readonly (readonly [string, number, number])[];

function build(steps: Graph): { leaves: Tensor<'float64'>[]; all: Tensor[]; seen: Tensor[]; loss: Tensor } {
  const leaves = [1, 2, 3].map((seed) => randn([2, 2], { dtype: 'float64', requiresGrad: true, generator: new Generator(seed) }));
  const all: Tensor[] = [...leaves];
  const seen: Tensor[] = [];
  for (const [kind, n, m] of steps) {
    const [a, b] = [all[n % all.length], all[m % all.length]];
    if (kind === 'add') all.push(a.add(b));
    else if (kind === 'sub') all.push(a.sub(b));
    else if (kind === 'mul') all.push(a.mul(b));
    else if (kind === 'flip') all.push(a.flip());
    else if (kind === 'clone') all.push(a.clone());
    else if (kind === 'part') all.push(a.slice(0, 0, 1).expand([2, 2]));
    else if (kind === 'row') all.push(a.select(1, m % 2).add(b));
    else if (kind === 'sumUp') all.push(a.sum().expand([2, 2]));
    else if (kind === 'hook') a.registerHook((g) => void seen.push(g));
    else a.retainGrad();
  }
  return { leaves, all, seen, loss: all.reduce((sum: Tensor, each) => sum.add(each.sum()), zeros([], { dtype: 'float64' })) };
}

describe('gradients in random graphs', () => {
  it('have the shape and dtype of their tensors and memory of their own', () => {
    fc.assert(
      fc.property(graph, fc.boolean(), (steps, createGraph) => {
        const { all, seen, loss } = build(steps);
        loss.backward(undefined, { createGraph, retainGraph: true });
        const gradients = [...new Set(all)].flatMap(({ grad: g, shape, dtype }) => {
          if (g === null) return [];
          expect([g.shape, g.dtype]).toEqual([shape, dtype]);
          return [g];
        });
        const others = [...gradients, ...all, ...seen];
        for (const g of gradients) {
          const before = others.map((each) => (each === g ? [] : flat(each)));
          noGrad(() => g.addInPlace(1));
          expect(others.map((each) => (each === g ? [] : flat(each)))).toEqual(before);
        }
        // Writing to gradients spoils nothing that a second pass needs.
        loss.backward();
      }),
    );
  });

  it('are what grad returns, with memory of their own there too', () => {
    fc.assert(
      fc.property(graph, (steps) => {
        const { leaves, all, loss } = build(steps);
        const inputs = [...leaves, ...all.slice(-2), ...leaves];
        const found = grad(loss, inputs, { retainGraph: true });
        loss.backward();
        leaves.forEach((each, i) => expectClose(found[i], each.grad as Tensor, { rtol: 1e-12, atol: 1e-12 }));
        const before = found.map(flat);
        found.forEach((each, i) => {
          each.fill(7);
          expect(found.slice(i + 1).map(flat)).toEqual(before.slice(i + 1));
        });
      }),
    );
  });

  it('are the same with createGraph, and by accumulation over two passes twice as much', () => {
    fc.assert(
      fc.property(graph, (steps) => {
        const [one, two] = [build(steps), build(steps)];
        one.loss.backward(undefined, { createGraph: true });
        one.loss.backward();
        two.loss.backward();
        one.leaves.forEach((each, i) => expectClose(each.grad as Tensor, (two.leaves[i].grad as Tensor).mul(2), { rtol: 1e-12, atol: 1e-12 }));
      }),
      { numRuns: runs(1 / 2) },
    );
  });
});
