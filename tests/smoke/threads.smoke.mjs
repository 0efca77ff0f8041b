// Worker threads on the host's own Node, from the packed files: they start, compute, and let the process end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configure, engineInfo, ones, ready } from '@strided/tensor';

test('two threads share large work', async () => {
  configure({ threads: 2 });
  await ready();
  assert.deepEqual([engineInfo().threads, engineInfo().threadsReady, engineInfo().memory], [2, true, 'shared']);
  const [a, b] = [ones([256, 256]), ones([256, 256])];
  for (const end = Date.now() + 20_000; engineInfo().workerParts === 0 && Date.now() < end; ) {
    assert.ok(a.matmul(b).toTypedArray().every((value) => value === 256));
  }
  assert.ok(engineInfo().workerParts > 0);
});
