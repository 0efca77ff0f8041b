import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { empty, fromTypedArray, full, zeros } from '../../creation.ts';
import { newArray, type DType, type FileDType } from '../../dtype.ts';
import { DTypeError, ShapeError, StridedError } from '../../errors.ts';
import { toNdarray } from '../../interop/ndarray.ts';
import { currentChoice } from '../../kernels/wasm/settings.ts';
import { linear } from '../../ops/linear.ts';
import { persist } from '../../persist.ts';
import { rand } from '../../randomCreation.ts';
import { scope } from '../../scope.ts';
import type { Tensor } from '../../tensor.ts';
import { blobSource, memorySource, type ByteInput, type ByteSource } from '../source.ts';
import { fillTensors } from './fill.ts';
import type { TensorReader } from './reader.ts';
import { encodeSafetensors, openSafetensors, readTensor, saveSafetensors, saveShardedSafetensors } from './tensors.ts';

const { runtime } = currentChoice();
const reserved = (): number => runtime?.heap.reserved ?? 0;

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strided-fill-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Values that every dtype here holds, no two neighbours alike. */
function numbers(dtype: DType, shape: readonly number[]): Tensor {
  const data = newArray(dtype, shape.reduce((product, length) => product * length, 1));
  for (let i = 0; i < data.length; i++) data[i] = dtype === 'bool' ? ((i * 7) % 11) & 1 : ((i * 37) % 241) - (dtype === 'uint8' ? 0 : 120);
  return fromTypedArray(data, shape, { dtype });
}

const bytesOf = (tensor: Tensor): Uint8Array => {
  const values = tensor.toTypedArray();
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
};

/** Every dtype of a file, with the one to compute with. */
const dtypes: readonly (readonly [FileDType, DType])[] = [
  ['float32', 'float32'], ['float64', 'float64'], ['float16', 'float32'], ['bfloat16', 'float32'], ['int64', 'int32'], ['int32', 'int32'], ['int8', 'int8'], ['uint8', 'uint8'], ['bool', 'bool'],
];

/** Kinds of targets of a shape. */
const targets: Readonly<Record<string, (shape: readonly number[], dtype: DType) => Tensor>> = {
  empty: (shape, dtype) => empty(shape, { dtype }),
  zeros: (shape, dtype) => zeros(shape, { dtype }),
  persisted(shape, dtype) {
    const tensor = zeros(shape, { dtype });
    persist([tensor]);
    return tensor;
  },
  packed(shape, dtype) {
    const tensor = zeros(shape, { dtype });
    persist([tensor], { packed: true });
    return tensor;
  },
  'part of a larger one': (shape, dtype) => zeros([shape[0] + 2, ...shape.slice(1)], { dtype }).narrow(0, 1, shape[0]),
  transposed: (shape, dtype) => zeros([...shape].reverse(), { dtype }).permute(shape.map((_, axis) => shape.length - 1 - axis)),
  'shared with the outside'(shape, dtype) {
    const tensor = zeros(shape, { dtype });
    toNdarray(tensor);
    return tensor;
  },
  float64: (shape) => zeros(shape, { dtype: 'float64' }),
  'made in a scope': (shape, dtype) => scope(() => zeros(shape, { dtype })),
};

describe('fillTensors', () => {
  it.each(dtypes)('gives what readTensor gives, into every kind of target: %s', async (fileDType, dtype) => {
    await fc.assert(fc.asyncProperty(
      fc.array(fc.nat({ max: 40 }), { minLength: 1, maxLength: 3 }), fc.constantFrom(...Object.keys(targets)), fc.boolean(), fc.boolean(),
      async (shape, kind, packed, blob) => {
        const file = encodeSafetensors({ before: full([3], 1), x: numbers(dtype, shape), zlast: full([5], 2) }, { storeAs: (name) => (name === 'x' ? fileDType : 'float32') });
        const reader = await openSafetensors(blob ? new Blob([file]) : file);
        const target = targets[kind](shape, dtype);
        const { version } = target.storage;
        const view = target.detach();
        await fillTensors(reader, new Map([['x', [target]]]), packed ? { packed: new Set([target]) } : {});
        const expected = await readTensor(reader, 'x');
        expect(bytesOf(target)).toEqual(bytesOf(expected.cast(target.dtype)));
        expect(bytesOf(view)).toEqual(bytesOf(target));
        expect(target.storage.version).toBeGreaterThan(version);
      },
    ));
  });

  // More than one piece, rows that end in the midst of a panel, and the tail of a piece.
  it.each(dtypes)('reads large tensors in pieces, and their parts along the first axis: %s', async (fileDType, dtype) => {
    const x = numbers(dtype, [2309, 701]);
    const path = join(folder, 'model.safetensors');
    await saveSafetensors(path, { a: numbers('float32', [17]), x }, { storeAs: (name) => (name === 'x' ? fileDType : 'float32') });
    const reader = await openSafetensors(path);
    const whole = empty([2309, 701], { dtype });
    const parts = [1000, 9, 1300].map((rows) => empty([rows, 701], { dtype }));
    const norm = empty([17]);
    await fillTensors(reader, new Map([['x', [whole]], ['a', [norm]]]), { packed: new Set([whole]) });
    await fillTensors(reader, new Map([['x', parts]]), { packed: new Set(parts.slice(1)) });
    await reader.close();
    // As expect compares six million bytes, it takes seconds.
    const equal = (a: Tensor, b: Tensor): boolean => Buffer.compare(bytesOf(a), bytesOf(b)) === 0;
    expect(equal(whole, x)).toBe(true);
    let first = 0;
    for (const part of parts) {
      expect(equal(part, x.narrow(0, first, part.shape[0]))).toBe(true);
      first += part.shape[0];
    }
    expect(norm.toTypedArray()).toEqual(numbers('float32', [17]).toTypedArray());
  });

  it('keeps packed weights for products that have the same bits, and follows when it fills them again', async () => {
    const [x, one, other] = [rand([5, 900]), rand([1237, 900]), rand([1237, 900])];
    const file = await openSafetensors(encodeSafetensors({ one, other }));
    const weight = empty([1237, 900]);
    const before = reserved();
    for (const [name, twin] of [['one', one], ['other', other], ['one', one]] as const) {
      await fillTensors(file, new Map([[name, [weight]]]), { packed: new Set([weight]) });
      expect(linear(x, weight).toTypedArray()).toEqual(linear(x, twin).toTypedArray());
    }
    // Of the panels that were replaced, and of the rooms for pieces, nothing is left. (What other tests left may go meanwhile.)
    if (runtime !== null) expect(reserved() - before).toBeLessThanOrEqual(runtime.exports.packedBytes(900, 1237));
    weight.mulInPlace(2);
    expect(linear(x, weight).toTypedArray()).toEqual(linear(x, one.mul(2)).toTypedArray());
  });

  it('reads the shards of a checkpoint', async () => {
    const tensors = { a: rand([300, 40]), b: rand([200, 40]), c: rand([7]) };
    await saveShardedSafetensors(folder, tensors, { maxShardSize: 40_000 });
    const reader = await openSafetensors(join(folder, 'model.safetensors.index.json'));
    const copies = { c: empty([7]), a: empty([300, 40]), b: empty([200, 40]) };
    await fillTensors(reader, new Map(Object.entries(copies).map(([name, tensor]) => [name, [tensor]])), { packed: new Set([copies.a]) });
    await reader.close();
    for (const name of ['a', 'b', 'c'] as const) expect(copies[name].toTypedArray()).toEqual(tensors[name].toTypedArray());
  });

  it('follows what becomes of a target while it reads: shared with the outside, packed, written to, filled by another', async () => {
    const reader = await openSafetensors(blobSource(new Blob([encodeSafetensors({ x: full([300, 400], 3) })])));
    for (const packed of [false, true]) {
      const [x, ordinary] = [zeros([300, 400]), zeros([300, 400]).cast('float64')];
      const fill = (tensor: Tensor): Promise<void> => fillTensors(reader, new Map([['x', [tensor]]]), { packed: new Set(packed ? [tensor] : []) });
      const filling = Promise.all([fill(x), fill(x), fill(ordinary)]);
      const [outside, other] = [toNdarray(x), toNdarray(ordinary)];
      await filling;
      // Sharing goes on, both ways.
      expect([outside.get(299, 399), other.get(0, 0), x.min().item()]).toEqual([3, 3, 3]);
      outside.set(7, 9, 5);
      expect(x.select(0, 7).select(0, 9).item()).toBe(5);
      const y = zeros([300, 400]);
      const second = fill(y);
      persist([y], { packed: !packed });
      y.addInPlace(1);
      await second;
      expect([linear(full([4, 400], 1), y).max().item(), y.max().item()]).toEqual([1200, 3]);
    }
  });

  it('leaves what requires grad a leaf, without recording', async () => {
    const weight = zeros([64, 64], { requiresGrad: true });
    await fillTensors(await openSafetensors(encodeSafetensors({ w: full([64, 64], 3) })), new Map([['w', [weight]]]));
    expect([weight.isLeaf, weight.requiresGrad, weight.sum().item()]).toEqual([true, true, 3 * 64 * 64]);
  });
});

describe('what fails changes nothing', () => {
  const shapes = { a: [900, 800], b: [40], c: [700, 900] } as const;
  const file = encodeSafetensors({ a: numbers('float32', shapes.a), b: numbers('float32', shapes.b), c: numbers('float32', shapes.c) });

  async function expectUnchanged(input: ByteInput, problem: RegExp, damage: (reader: TensorReader) => unknown = () => {}): Promise<void> {
    const reader = await openSafetensors(input);
    await damage(reader);
    const own = { a: full([900, 800], 5), b: full([40], 5), c: full([700, 900], 5) };
    persist([own.a], { packed: true });
    const before = reserved();
    const versions = Object.values(own).map(({ storage }) => storage.version);
    await expect(fillTensors(reader, new Map(Object.entries(own).map(([name, tensor]) => [name, [tensor]])), { packed: new Set([own.a, own.c]) })).rejects.toThrow(problem);
    expect(Object.values(own).map(({ storage }) => storage.version)).toEqual(versions);
    for (const tensor of Object.values(own)) expect(tensor.toTypedArray().every((value) => value === 5)).toBe(true);
    expect(reserved()).toBeLessThanOrEqual(before);
    await reader.close();
  }

  it('a file that is cut after its header was read', async () => {
    for (const [i, length] of [file.length - 1, file.length - 2_600_000, 400].entries()) {
      const path = join(folder, `${i}.safetensors`);
      const handle = await open(path, 'w');
      await handle.write(file);
      await handle.close();
      await expectUnchanged(path, /ended at byte \d+ of \d+; it was cut while being read/, async () => {
        const again = await open(path, 'r+');
        await again.truncate(length);
        await again.close();
      });
    }
  });

  it('a source that fails at any read, with the error of the earliest piece', async () => {
    for (let failing = 0; failing < 5; failing++) {
      let reads = -2;
      const source: ByteSource = {
        ...memorySource(file),
        // The later a read is, the sooner it is answered.
        async readInto(target, start) {
          const read = reads++;
          await new Promise((resolve) => setTimeout(resolve, 10 - read));
          if (read >= failing) throw new StridedError(`read ${read} failed`);
          target.set(file.subarray(start, start + target.length));
        },
        read: async (start, end) => (reads++, file.slice(start, end)),
      };
      await expectUnchanged(source, new RegExp(`^read ${failing} failed$`));
    }
  });

  it('a source that gives too few or too many bytes', async () => {
    for (const more of [-1, 1]) {
      const source: ByteSource = { name: 'lying', size: file.length, read: async (start, end) => new Uint8Array(start > 1000 ? end - start + more : end - start).fill(0).map((_, i) => file[start + i]) };
      await expectUnchanged(source, /^lying: bytes \d+ to \d+ were asked for, \d+ came/);
    }
  });

  it('a target whose scope ends while others are read', async () => {
    const reader = await openSafetensors(blobSource(new Blob([file])));
    for (const packed of [false, true]) {
      const a = full([900, 800], 5);
      const filling = scope(() => ({ promise: fillTensors(reader, new Map([['a', [a]], ['b', [zeros([40])]]]), { packed: new Set(packed ? [a] : []) }) }));
      await expect(filling.promise).rejects.toThrow(/^fillTensors: a tensor was made in a scope that has ended/);
      expect([a.storage.version, a.min().item(), a.max().item()]).toEqual([0, 5, 5]);
    }
  });

  it('shapes and targets that do not fit', async () => {
    const reader = await openSafetensors(file);
    const fill = (...tensors: Tensor[]): Promise<void> => fillTensors(reader, new Map([['a', tensors]]));
    for (const wrong of [[empty([800, 900])], [empty([720000])], [empty([900, 800, 1])], [empty([500, 800]), empty([401, 800])], [empty([500, 800]), empty([400, 801])], [empty([]), empty([899, 800])], []]) {
      await expect(fill(...wrong)).rejects.toThrow(ShapeError);
    }
    await expect(fill(empty([1, 800]).expand([900, 800]))).rejects.toThrow('shows some values more than once');
    await expect(fillTensors(reader, new Map([['d', [empty([1])]]]))).rejects.toThrow('there is no tensor "d"');
  });

  it('values that cannot be, named by their place in the tensor whatever piece they come with', async () => {
    const bools = encodeSafetensors({ mask: zeros([5_000_000], { dtype: 'bool' }) });
    bools[bools.length - 3] = 2;
    const mask = empty([5_000_000], { dtype: 'bool' });
    await expect(fillTensors(await openSafetensors(blobSource(new Blob([bools]))), new Map([['mask', [mask]]]))).rejects.toThrow('tensor "mask": element 4999997 of a bool tensor is the byte 2');
    const ids = encodeSafetensors({ ids: zeros([600_000], { dtype: 'int32' }) }, { storeAs: () => 'int64' });
    ids[ids.length - 9] = 1;
    const parts = [empty([300_000], { dtype: 'int32' }), empty([300_000], { dtype: 'int32' })];
    const filling = fillTensors(await openSafetensors(ids), new Map([['ids', parts]]));
    await expect(filling).rejects.toThrow(DTypeError);
    await expect(filling).rejects.toThrow('tensor "ids": element 599998 is 72057594037927936');
  });
});
