import { isFloat } from './dtype.ts';
import { formatShape, sizeOf, type Shape } from './layout.ts';
import type { Tensor } from './tensor.ts';

/** From how many values on long axes are cut in the middle, how many values at each end stay, and how long lines get. */
const summarizeFrom = 1000;
const ends = 3;
const lineWidth = 80;

/** Where a cut axis leaves out its middle. */
const gap = -1;

/**
 * A tensor as people read it: nested brackets, aligned columns, long axes cut in the middle, then shape, dtype and
 * what autograd knows of it: `requiresGrad` for a leaf, `gradFn` with the op that made it. More than one line start on
 * a line of their own, so that columns stay aligned whatever stands before.
 */
export function formatTensor(x: Tensor): string {
  const { shape, strides, offset } = x.layout;
  const { data } = x.storage;
  const label = formatLabel(x);
  if (x.size === 0) return `Tensor([], ${label})`;
  const visible = visibleIndices(shape);
  const values: number[] = [];
  const collect = (axis: number, at: number): void => {
    if (axis === shape.length) values.push(data[at]);
    else for (const i of visible[axis]) if (i !== gap) collect(axis + 1, at + i * strides[axis]);
  };
  collect(0, offset);
  const show = x.dtype === 'bool' ? (value: number) => String(value !== 0) : formatter(values, !isFloat(x.dtype));
  const width = values.reduce((most, value) => Math.max(most, show(value).length), 0);
  const last = shape.length - 1;
  const build = (axis: number, at: number): string => {
    const indent = 2 + axis + 1;
    const below = (i: number) => at + i * strides[axis];
    if (axis < last) {
      const parts = visible[axis].map((i) => (i === gap ? '…' : build(axis + 1, below(i))));
      return `[${parts.join(`,${'\n'.repeat(last - axis)}${' '.repeat(indent)}`)}]`;
    }
    const items = visible[axis].map((i) => (i === gap ? '…' : show(data[below(i)]).padStart(width)));
    const perLine = Math.max(1, Math.floor((lineWidth - indent) / (width + 2)));
    const lines = Array.from({ length: Math.ceil(items.length / perLine) }, (_, i) => items.slice(i * perLine, (i + 1) * perLine).join(', '));
    return `[${lines.join(`,\n${' '.repeat(indent)}`)}]`;
  };
  const text = shape.length === 0 ? show(data[offset]) : build(0, offset);
  return `Tensor(${text.includes('\n') ? '\n  ' : ''}${text}, ${label})`;
}

/** Shape, dtype and history, where values would be too much. */
export function formatLabel(x: Tensor): string {
  const history = x.gradFn !== null ? `, gradFn: ${x.gradFn.op.name}` : x.requiresGrad ? ', requiresGrad' : '';
  return `${formatShape(x.shape)} ${x.dtype}${history}`;
}

/**
 * What Node's `inspect` shows: the label alone below its depth, else the whole, as an object that shows itself as text,
 * because `inspect` indents those where they stand inside others, and plain text not.
 */
export function inspectTensor(x: Tensor, depth: number, symbol: symbol): unknown {
  const text = depth < 0 ? `[Tensor ${formatLabel(x)}]` : formatTensor(x);
  return { [symbol]: () => text };
}

/** The indices shown of each axis; where there are too many values, fewer at the ends the more axes there are. */
function visibleIndices(shape: Shape): number[][] {
  const count = (kept: number) => shape.reduce((product, length) => product * Math.min(length, 2 * kept), 1);
  let kept = sizeOf(shape) <= summarizeFrom ? Infinity : ends;
  while (kept > 1 && count(kept) > summarizeFrom) kept--;
  return shape.map((length) => {
    const run = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
    return length > 2 * kept ? [...run(0, kept), gap, ...run(length - kept, length)] : run(0, length);
  });
}

/** One notation for all values: integers plainly, and floats that are whole; others with four digits, very large or small ones with exponents. */
function formatter(values: readonly number[], integers: boolean): (value: number) => string {
  let [large, small, whole] = [0, Infinity, true];
  for (const value of values) {
    if (!Number.isFinite(value) || value === 0) continue;
    large = Math.max(large, Math.abs(value));
    small = Math.min(small, Math.abs(value));
    whole &&= Number.isInteger(value);
  }
  const digits = integers || (whole && large < 1e8) ? String : large >= 1e6 || small < 1e-4 ? (value: number) => value.toExponential(4) : (value: number) => value.toFixed(4);
  return (value) => (Number.isFinite(value) ? `${Object.is(value, -0) ? '-' : ''}${digits(value)}` : String(value));
}
