import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noGrad } from '../autograd.ts';
import { arange, ones, tensor, zeros } from '../creation.ts';
import { isFloat, type DType } from '../dtype.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import { Storage } from '../storage.ts';
import { concat } from '../index.ts';
import { Tensor } from '../tensor.ts';
import { checkGradients, shapes, tensors, valuesOf } from '../testing/index.ts';

/** Writing, as anyone would call it. */
const writers = {
  add: (target: Tensor, other: Tensor | number) => target.addInPlace(other),
  sub: (target: Tensor, other: Tensor | number) => target.subInPlace(other),
  mul: (target: Tensor, other: Tensor | number) => target.mulInPlace(other),
  div: (target: Tensor, other: Tensor | number) => target.divInPlace(other),
} as const;
type Writer = keyof typeof writers;
const writer = fc.constantFrom<Writer>('add', 'sub', 'mul', 'div');
const flat = (x: Tensor): number[] => Array.from(x.toTypedArray());

describe('values', () => {
  it('arithmetic in place is the arithmetic, on any layout of target and source', () => {
    const pair = fc.constantFrom<DType>('float32', 'float64', 'int32', 'uint8', 'int8').chain((dtype) =>
      shapes().chain((shape) => fc.tuple(
        tensors({ dtype, shape, layout: 'unshared' }),
        tensors({ dtype, shape: shape.map((length, i) => (i % 2 === 0 ? 1 : length)).slice(shape.length % 2) }),
      )),
    );
    fc.assert(
      fc.property(pair, writer, ([target, source], name) => {
        if (name === 'div' && !isFloat(target.dtype)) {
          expect(() => writers.div(target, source)).toThrow(DTypeError);
          return;
        }
        const expected = flat(target[name](source));
        const around = target.storage.data.slice();
        const own = new Set(flat(new Tensor({ storage: new Storage('int32', Int32Array.from(around.keys())), layout: target.layout })));
        expect(writers[name](target, source)).toBe(target);
        expect(flat(target)).toEqual(expected);
        // What the target does not show stays as it was.
        target.storage.data.forEach((value: number, i: number) => own.has(i) || expect(value).toBe(around[i]));
      }),
    );
  });

  it('reads all before it writes where target and source share memory', () => {
    const square = fc.constantFrom<DType>('float64', 'int32').chain((dtype) => fc.integer({ min: 0, max: 4 }).chain((n) => tensors({ dtype, shape: [n, n], layout: 'unshared', values: fc.integer({ min: 1, max: 9 }) })));
    const views = { flip: (x: Tensor) => x.flip(), transpose: (x: Tensor) => x.transpose(), itself: (x: Tensor) => x, 'first row': (x: Tensor) => x.slice(0, 0, 1) };
    fc.assert(
      fc.property(square, writer, fc.constantFrom(...Object.values(views)), (x, name, view) => {
        if (name === 'div' && !isFloat(x.dtype)) return;
        const expected = flat(x[name](view(x).clone()).expand(x.shape));
        if (x.size > 0) expect(flat(writers[name](x, view(x)))).toEqual(expected);
      }),
    );
    const row = arange(6);
    row.slice(0, 1).copyFrom(row.slice(0, 0, 5));
    expect(flat(row)).toEqual([0, 0, 1, 2, 3, 4]);
  });

  it('sees that two storages lie in one buffer', () => {
    const buffer = new ArrayBuffer(32);
    const a = new Tensor({ storage: new Storage('float64', new Float64Array(buffer)), layout: { shape: [4], strides: [1], offset: 0 } });
    const b = new Tensor({ storage: new Storage('float64', new Float64Array(buffer, 8, 3)), layout: { shape: [3], strides: [1], offset: 0 } });
    a.copyFrom(tensor([1, 2, 3, 4]));
    b.addInPlace(a.slice(0, 0, 3));
    expect(flat(a)).toEqual([1, 3, 5, 7]);
  });

  it('copyFrom broadcasts and converts as cast does', () => {
    const pairs = fc.tuple(fc.constantFrom<DType>('float32', 'float64', 'int32', 'uint8', 'int8', 'bool'), fc.constantFrom<DType>('float32', 'float64', 'int32', 'uint8', 'int8', 'bool')).chain(([from, to]) =>
      shapes().chain((shape) => fc.tuple(tensors({ dtype: to, shape, layout: 'unshared' }), tensors({ dtype: from, shape: shape.slice(1), values: valuesOf(from, { range: from === 'bool' ? [0, 1] : [0, 100] }) }))),
    );
    fc.assert(
      fc.property(pairs, ([target, source]) => {
        expect(flat(target.copyFrom(source))).toEqual(flat(source.cast(target.dtype).expand(target.shape)));
      }),
    );
  });

  it('fill writes one value through any view', () => {
    fc.assert(
      fc.property(tensors({ dtype: 'float32', layout: 'unshared' }), (x) => {
        expect(flat(x.fill(7))).toEqual(new Array(x.size).fill(7));
      }),
    );
    expect(flat(zeros([2], { dtype: 'bool' }).fill(true))).toEqual([1, 1]);
    expect(() => zeros([2], { dtype: 'bool' }).fill(2)).toThrow(DTypeError);
  });
});

describe('dtypes', () => {
  it('the target keeps its own', () => {
    expect(ones([2]).addInPlace(ones([2], { dtype: 'float64' })).dtype).toBe('float32');
    expect(flat(ones([2]).addInPlace(tensor([1, 2], { dtype: 'int32' })))).toEqual([2, 3]);
    expect(flat(tensor([250], { dtype: 'uint8' }).addInPlace(tensor([1000], { dtype: 'int32' })))).toEqual([(250 + 1000) % 256]);
    expect(flat(ones([1]).divInPlace(tensor([4], { dtype: 'int32' })))).toEqual([0.25]);
    expect(flat(ones([2]).mulInPlace(tensor([true, false])))).toEqual([1, 0]);
  });

  it('refuses what does not fit', () => {
    const whole = tensor([1, 2], { dtype: 'int32' });
    expect(() => whole.addInPlace(ones([2]))).toThrow("addInPlace: a result of float32 does not fit into a target of int32; cast the target first, for example .cast('float32')");
    expect(() => whole.divInPlace(2)).toThrow('divInPlace: a result of float32 does not fit into a target of int32');
    expect(() => whole.addInPlace(0.5)).toThrow('addInPlace: 0.5 is not a value of int32');
    expect(() => tensor([true]).addInPlace(true)).toThrow('addInPlace: a result of int32 does not fit into a target of bool; use logicalAnd, logicalOr or logicalXor');
    expect(flat(whole)).toEqual([1, 2]);
  });
});

describe('targets', () => {
  it('must show each value once', () => {
    const x = zeros([1, 3]);
    for (const write of [() => x.expand([2, 3]).fill(1), () => x.expand([2, 3]).copyFrom(x), () => x.expand([2, 3]).addInPlace(1)]) {
      expect(write).toThrow('the target [2, 3] shows some values more than once (it was expanded), so a write has no one meaning; clone() it first');
    }
    expect(flat(x)).toEqual([0, 0, 0]);
  });

  it('do not grow', () => {
    const x = zeros([3]);
    expect(() => x.addInPlace(ones([2, 3]))).toThrow('addInPlace: the result [2, 3] does not fit into the target [3]; use the form that makes a new tensor');
    expect(() => x.copyFrom(ones([2, 3]))).toThrow('copyFrom: the result [2, 3] does not fit into the target [3]');
    expect(() => x.mulInPlace(ones([2]))).toThrow(ShapeError);
  });

  const writes: Record<string, (target: Tensor) => unknown> = {
    addInPlace: (t) => t.addInPlace(1), subInPlace: (t) => t.subInPlace(ones([])), mulInPlace: (t) => t.mulInPlace(2), divInPlace: (t) => t.divInPlace(2), fill: (t) => t.fill(0), copyFrom: (t) => t.copyFrom(ones([])),
  };
  it.each(Object.entries(writes))('%s on a leaf that requires grad, or on any view of it, is an error while recording', (name, write) => {
    const leaf = ones([2, 2], { requiresGrad: true });
    const early = noGrad(() => leaf.select(0, 0));
    expect(() => write(leaf)).toThrow(`${name}: the target [2, 2] is a leaf that requires grad, whose old value the graph needs; write inside noGrad(() => …), or to a clone()`);
    for (const view of [leaf.select(0, 0), leaf.slice(0, 0, 1).flip(), early]) {
      expect(() => write(view)).toThrow('is a view of a leaf that requires grad');
    }
    expect(flat(leaf)).toEqual([1, 1, 1, 1]);
    noGrad(() => write(leaf.select(0, 0)));
    noGrad(() => write(leaf));
    expect(leaf.isLeaf && leaf.requiresGrad).toBe(true);
  });

  it('a view that became a leaf of its own is a leaf, and so are its views', () => {
    const view = zeros([4]).slice(0, 0, 2);
    view.requiresGrad = true;
    expect(() => view.fill(1)).toThrow('is a leaf that requires grad');
    expect(() => view.select(0, 0).fill(1)).toThrow('is a view of a leaf that requires grad');
  });

  it('a view taken without recording cannot carry a write into the history of its base', () => {
    const y = ones([2], { requiresGrad: true }).mul(2);
    const view = noGrad(() => y.slice(0, 0, 1));
    expect(() => view.mulInPlace(3)).toThrow('mulInPlace: the target [1] is a view, taken inside noGrad, of a tensor with a history that would miss this write; take the view outside, or write inside noGrad too');
    noGrad(() => view.mulInPlace(3));
    expect(flat(y)).toEqual([6, 2]);
  });

  it('of integers take no gradient', () => {
    const x = ones([2], { requiresGrad: true });
    expect(() => zeros([2], { dtype: 'int32' }).copyFrom(x)).toThrow('copyFrom: a int32 target cannot carry the gradient of its source; cast the target to float32, or detach() the source');
    expect(flat(zeros([2], { dtype: 'int32' }).copyFrom(x.detach()))).toEqual([1, 1]);
  });
});

describe('a value saved for backward', () => {
  it('raises at backward, naming both ops', () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const squared = x.mul(1);
    const y = squared.square();
    squared.addInPlace(1);
    expect(() => y.sum().backward()).toThrow('backward of square: a value of shape [2] that square needs was changed afterwards by addInPlace; clone() the tensor before changing it, or change it after backward');
    const e = x.exp();
    const out = e.sum();
    e.select(0, 0).fill(0);
    expect(() => out.backward()).toThrow('backward of exp: a value of shape [2] that exp needs was changed afterwards by fill');
    const f = x.exp();
    const later = f.mul(1).sum();
    f.detach().mulInPlace(2);
    expect(() => later.backward()).toThrow('backward of exp: a value of shape [2] that exp needs was changed afterwards by mulInPlace');
    const product = x.mul(x);
    noGrad(() => x.copyFrom(zeros([2])));
    expect(() => product.sum().backward()).toThrow('that mul needs was changed afterwards by copyFrom');
    expect(x.grad).toBeNull();
  });

  it('may be written after backward, or where backward does not read it', () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const y = x.mul(3);
    const z = y.add(1);
    y.fill(0);
    z.sum().backward();
    expect(x.grad?.toArray()).toEqual([3, 3]);
  });

  it('of the write itself is kept: y *= w needs the old y, y *= flip(y) both', () => {
    const x = tensor([1, 2, 3], { dtype: 'float64' });
    checkGradients((a, b) => a.clone().mulInPlace(b), [x, tensor([4, 5, 6], { dtype: 'float64' })], { order: 2 });
    checkGradients((a, b) => a.clone().divInPlace(b), [x, tensor([4, 5, 6], { dtype: 'float64' })], { order: 2 });
    checkGradients((a) => { const y = a.clone(); return y.mulInPlace(y.flip()); }, [x], { order: 2 });
    checkGradients((a) => { const y = a.clone(); return y.divInPlace(y); }, [x], { order: 2 });
    checkGradients((a) => { const y = a.clone(); y.slice(0, 1).mulInPlace(y.slice(0, 0, 2)); return y; }, [x], { order: 2 });
  });
});

describe('histories', () => {
  it('a stale view that is not the first operand is refreshed before its user is recorded', () => {
    const x = tensor([1, 2, 3], { requiresGrad: true });
    const base = zeros([3]);
    const view = base.slice(0, 0, 2);
    view.copyFrom(x.slice(0, 0, 2));
    // concat asks none of its inputs before it is recorded itself.
    concat([x, view], 0).sum().backward();
    expect(x.grad?.toArray()).toEqual([2, 2, 1]);
  });

  it('an expanded view adds up what its values are used for', () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const base = zeros([2]);
    const wide = base.expand([3, 2]);
    base.copyFrom(x);
    wide.sum().backward();
    expect(x.grad?.toArray()).toEqual([3, 3]);
  });

  it('a write into an untracked tensor makes it and all its views part of the graph', () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const base = zeros([2, 2]);
    const [before, sibling] = [base.select(0, 0), base.flip()];
    before.copyFrom(x);
    for (const each of [base, before, sibling, base.select(1, 0)]) expect(each.requiresGrad && !each.isLeaf).toBe(true);
    sibling.sum().backward();
    expect(x.grad?.toArray()).toEqual([1, 1]);
  });

  it('a detached tensor shares values but no history', () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const y = x.mul(2);
    const d = y.detach();
    y.mulInPlace(3);
    expect([flat(d), d.requiresGrad]).toEqual([[6, 12], false]);
    d.fill(5);
    expect(flat(y)).toEqual([5, 5]);
  });

  it('retainGrad follows a tensor through its writes', () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const y = x.mul(2).retainGrad();
    const old = y.mul(10);
    y.mulInPlace(3);
    y.sum().add(old.sum()).backward();
    expect(y.grad?.toArray()).toEqual([1, 1]);
    expect(x.grad?.toArray()).toEqual([26, 26]);
  });

  it('hooks see the gradient of the values they were set on', () => {
    const seen: unknown[] = [];
    const x = tensor([1, 2], { requiresGrad: true });
    const y = x.mul(2);
    y.registerHook((g) => void seen.push(g.toArray()));
    y.mulInPlace(3);
    y.registerHook((g) => void seen.push(g.toArray()));
    y.sum().backward();
    expect(seen).toEqual([[1, 1], [3, 3]]);
  });
});
