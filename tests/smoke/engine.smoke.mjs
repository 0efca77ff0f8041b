// The engine on the host's own Node: what its WebAssembly has runs, and computes what the plain loops do.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { configure, engineInfo, ready, tensor } from '@strided/tensor';
import { wasmBytes } from '@strided/tensor/wasm';

const matrix = (rows, columns) => tensor(Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (__, j) => (((i * columns + j) * 7919) % 1009) / 504.5 - 1)));
const [a, b] = [matrix(40, 50), matrix(50, 60)];
const compute = () => [...a.matmul(b).gelu().softmax().toTypedArray()];

configure({ kernels: 'js' });
const expected = compute();

const isClose = (actual) => actual.every((value, i) => Math.abs(value - expected[i]) < 1e-6);

for (const level of ['simd128', 'relaxed', 'simd256']) {
  test(`${level} computes what js computes, or says why it cannot`, () => {
    try {
      configure({ kernels: level });
    } catch (error) {
      assert.equal(error.name, 'EngineError');
      assert.notEqual(level, 'simd128');
      return;
    }
    assert.equal(engineInfo().level, level);
    assert.ok(isClose(compute()));
  });
}

for (const level of ['simd128', 'relaxed']) {
  test(`the bytes of ${level} are a module that the engine takes`, async () => {
    const bytes = wasmBytes(level);
    if (level !== 'simd128' && !WebAssembly.validate(bytes)) return;
    const module = await WebAssembly.compile(bytes);
    configure({ kernels: level, modules: { [level]: module } });
    assert.ok(isClose(compute()));
  });
}

test('the exported relaxed.wasm holds its bytes', async () => {
  const file = await readFile(fileURLToPath(import.meta.resolve('@strided/tensor/wasm/relaxed.wasm')));
  assert.deepEqual(new Uint8Array(file), wasmBytes('relaxed'));
});

test('auto takes a WebAssembly level', async () => {
  configure({ kernels: 'auto' });
  await ready();
  assert.notEqual(engineInfo().level, 'js');
  assert.ok(isClose(compute()));
});
