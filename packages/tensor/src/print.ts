import type { View } from './storage.ts';

/** How many values at each end of a long axis are shown, and from how many values on. */
const edge = 3;
const summarizeFrom = 1000;

/** A tensor as people read it: nested brackets, aligned columns, long axes cut in the middle, then shape and dtype. */
export function formatTensor(tensor: View): string {
  const { shape, strides, offset } = tensor.layout;
  const { dtype, data } = tensor.storage;
  const size = shape.reduce((product, length) => product * length, 1);
  const label = `[${shape.join(', ')}] ${dtype}`;
  if (size === 0) return `Tensor(${label}, empty)`;
  const cut = size > summarizeFrom;
  const visible = (length: number) =>
    cut && length > 2 * edge ? [...Array(edge).keys(), -1, ...Array.from({ length: edge }, (_, i) => length - edge + i)] : [...Array(length).keys()];
  const values: number[] = [];
  const walk = (axis: number, at: number): void => {
    if (axis === shape.length) values.push(data[at]);
    else for (const i of visible(shape[axis])) if (i >= 0) walk(axis + 1, at + i * strides[axis]);
  };
  walk(0, offset);
  const show = dtype === 'bool' ? (value: number) => String(value !== 0) : formatter(values);
  const width = Math.max(...values.map((value) => show(value).length));
  const build = (axis: number, at: number): string => {
    if (axis === shape.length) return show(data[at]).padStart(shape.length === 0 ? 0 : width);
    const rows = visible(shape[axis]).map((i) => (i < 0 ? '…' : build(axis + 1, at + i * strides[axis])));
    const last = axis === shape.length - 1;
    return `[${rows.join(last ? ', ' : `,${'\n'.repeat(shape.length - 1 - axis)}${' '.repeat('Tensor('.length + axis + 1)}`)}]`;
  };
  return `Tensor(${build(0, offset)}, ${label})`;
}

/** One notation for all values: whole numbers plainly, others with four digits, very large or small ones with exponents. */
function formatter(values: readonly number[]): (value: number) => string {
  const finite = values.filter((value) => Number.isFinite(value) && value !== 0).map(Math.abs);
  if (finite.every((value) => Number.isInteger(value) && value < 1e8)) return String;
  const large = Math.max(...finite);
  const small = Math.min(...finite);
  if (large >= 1e6 || small < 1e-4) return (value) => (Number.isFinite(value) ? value.toExponential(4) : String(value));
  return (value) => (Number.isFinite(value) ? value.toFixed(4) : String(value));
}
