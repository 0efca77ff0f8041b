import { expect, it } from 'vitest';
import { embedded } from './embedded.ts';
import { wasmBytes } from './wasmBytes.ts';

it.each(['simd128', 'relaxed'] as const)('the bytes of %s are those that the engine compiles, in memory of their own', (level) => {
  const bytes = wasmBytes(level);
  expect(Buffer.from(bytes).equals(embedded(level))).toBe(true);
  bytes.fill(0);
  expect(WebAssembly.validate(embedded(level))).toBe(true);
  expect(WebAssembly.validate(wasmBytes(level))).toBe(true);
});

it.each(['simd256', 'js', 'toString', undefined])('gives no bytes of %s', (level) => {
  expect(() => wasmBytes(level as 'relaxed')).toThrow(`wasmBytes: there is no module '${String(level)}'; modules are for 'relaxed' and 'simd128'`);
});
