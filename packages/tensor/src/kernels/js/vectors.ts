import type { View } from '../../storage.ts';

/** The values of a view with one axis, as dense float64. */
export function readVector({ storage: { data }, layout: { shape: [length], strides: [stride], offset } }: View): Float64Array {
  const values = new Float64Array(length);
  for (let i = 0; i < length; i++) values[i] = data[offset + i * stride];
  return values;
}

/** Stores values in a view with one axis, each rounded once. */
export function writeVector(values: Float64Array, { storage: { data }, layout: { strides: [stride], offset } }: View): void {
  for (let i = 0; i < values.length; i++) data[offset + i * stride] = values[i];
}
