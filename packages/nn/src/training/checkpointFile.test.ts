import { CheckpointError, loadSafetensors, openSafetensors, saveSafetensors, tensor, type Tensor } from '@strided/tensor';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readCheckpoint, writeCheckpoint, type Checkpoint } from './checkpointFile.ts';
import { CheckpointFolder } from './checkpointFolder.ts';
import { CurveRecorder } from './curve.ts';

let folder = '';
let path = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strided-checkpoint-'));
  path = join(folder, 'step-00000003.safetensors');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const curve = new CurveRecorder();
curve.addStep({ loss: 0.1, learningRate: 1e-3, gradientNorm: 2, tokens: 7, elapsed: 0.5, metrics: { accuracy: 0.25 } });

const checkpoint: Checkpoint = {
  step: 3, elapsed: 1.25, share: 0.3, generator: { seed: 2 ** 53 - 1, offset: 17 }, data: { position: 12, order: [3, 1], name: 'ü "\\' },
  model: new Map([['a.weight', tensor([[1, -0, 3], [NaN, 5, Infinity]])], ['mask', tensor([true, false])], ['empty', tensor([])]]),
  optimizer: { step: 3, tensors: new Map<string, Tensor>([['m.0', tensor([1e-30])], ['step.0', tensor(3, { dtype: 'int32' })]]) },
  batches: 12, skipped: 1, average: { tensors: new Map([['w', tensor([0.5, -0])]]), updates: 11 },
  parameters: ['a.weight'], curve,
};

const plain = (tensors: ReadonlyMap<string, Tensor>) => Object.fromEntries(Array.from(tensors, ([name, values]) => [name, [values.dtype, values.shape, values.toTypedArray()]]));

/** The checksum as the format defines it, by another implementation of SHA-256. */
function checksum(version: string, state: string, tensors: ReadonlyMap<string, Tensor>): string {
  const sha = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');
  const lines = Array.from(tensors, ([name, values]) => JSON.stringify([name, values.dtype, values.shape, sha(new Uint8Array(values.toTypedArray().buffer))]));
  return sha(JSON.stringify([version, state, lines.sort()]));
}

describe('a checkpoint file', () => {
  it('gives back what was written, bit for bit', async () => {
    await writeCheckpoint(path, checkpoint, saveSafetensors);
    const { model, optimizer, curve: read, average, ...rest } = await readCheckpoint(path);
    const { model: _, optimizer: __, curve: ___, average: ____, ...plainPart } = checkpoint;
    expect(rest).toEqual(plainPart);
    expect(plain(model)).toEqual(plain(checkpoint.model));
    expect(plain(optimizer.tensors)).toEqual(plain(checkpoint.optimizer.tensors));
    expect(plain(average?.tensors ?? new Map())).toEqual(plain(checkpoint.average?.tensors ?? new Map()));
    expect(average?.updates).toBe(11);
    expect(optimizer.step).toBe(3);
    expect(read).toEqual({ ...curve });
  });

  it('is an ordinary safetensors file whose checksum anyone can compute', async () => {
    await writeCheckpoint(path, checkpoint, saveSafetensors);
    const tensors = await loadSafetensors(path);
    expect([...tensors.keys()].filter((name) => !name.startsWith('curve.')).sort()).toEqual(['average.w', 'model.a.weight', 'model.empty', 'model.mask', 'optimizer.m.0', 'optimizer.step.0']);
    const file = await openSafetensors(path);
    const [version, state, sum] = ['checkpoint', 'state', 'checksum'].map((key) => file.metadata.get(key) ?? '');
    await file.close();
    expect(version).toBe('1');
    expect(sum).toBe(checksum(version, state, tensors));
  });

  it.each<[string, (tensors: Map<string, Tensor>) => void]>([
    ['a shape', (tensors) => tensors.set('model.a.weight', (tensors.get('model.a.weight') as Tensor).reshape([3, 2]))],
    ['a dtype', (tensors) => tensors.set('model.mask', tensor([1, 0], { dtype: 'uint8' }))],
    ['a name', (tensors) => tensors.set('model.b', tensors.get('model.mask') as Tensor).delete('model.mask')],
    ['a sign of zero', (tensors) => tensors.set('model.a.weight', tensor([[1, 0, 3], [NaN, 5, Infinity]]))],
    ['a tensor less', (tensors) => tensors.delete('model.empty')],
    ['a tensor more', (tensors) => tensors.set('model.more', tensor([]))],
  ])('with the same checksum but %s changed is refused', async (_, change) => {
    await writeCheckpoint(path, checkpoint, saveSafetensors);
    const file = await openSafetensors(path);
    const { metadata } = file;
    await file.close();
    const tensors = await loadSafetensors(path);
    change(tensors);
    await saveSafetensors(path, tensors, { metadata });
    await expect(readCheckpoint(path)).rejects.toThrow(CheckpointError);
    await expect(readCheckpoint(path)).rejects.toThrow(`${path}: is damaged`);
  });

  it('of a later version is refused by that name, and not passed over for an older one', async () => {
    await writeCheckpoint(join(folder, 'step-00000002.safetensors'), { ...checkpoint, step: 2 }, saveSafetensors);
    const tensors = new Map([['model.w', tensor([1])]]);
    await saveSafetensors(path, tensors, { metadata: { checkpoint: '2', state: '{}', checksum: checksum('2', '{}', tensors) } });
    const opened = new CheckpointFolder({ folder }).open(true, () => expect.unreachable());
    await expect(opened).rejects.toThrow(CheckpointError);
    await expect(opened).rejects.toThrow(`${path}: has version 2 of the format, and this version of Strided reads 1`);
  });
});
