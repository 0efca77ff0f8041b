import { expect } from 'vitest';
import type { View } from '../../packages/tensor/src/storage.ts';

function bitsOf({ storage: { data } }: View): Int32Array {
  return new Int32Array(data.buffer, data.byteOffset, data.byteLength / 4);
}

/** Two fresh results have the same bits. */
export function expectSameBits(actual: View, expected: View): void {
  expect(bitsOf(actual)).toEqual(bitsOf(expected));
}
