import { ArgumentError, IndexError, ShapeError } from './errors.ts';

/**
 * Where the values of a strided array lie: value (i₀, …, iₙ₋₁) is element
 * `offset + Σ iₖ·strides[k]` of its storage. Strides and offset count elements and strides may be
 * zero (broadcast) or negative (flip). Everything here is arithmetic on layouts; data is never touched.
 */
export interface Layout {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
}

export type Shape = readonly number[];

/** The number of values in a shape: the product of its axes, 1 for a scalar. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (let i = 0; i < shape.length; i++) size *= shape[i];
  return size;
}

/** Row-major strides of a dense array. */
export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step;
    step *= shape[i];
  }
  return strides;
}

export function contiguous(shape: Shape, offset = 0): Layout {
  return { shape, strides: contiguousStrides(shape), offset };
}

/** Whether the values lie densely in row-major order (axes of length 1 and empty arrays have any strides). */
export function isContiguous({ shape, strides }: Layout): boolean {
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] === 0) return true;
    if (shape[i] !== 1) {
      if (strides[i] !== step) return sizeOf(shape) === 0;
      step *= shape[i];
    }
  }
  return true;
}

/** The first and last storage element that a layout reaches, or null when it is empty. */
export function extent({ shape, strides, offset }: Layout): { first: number; last: number } | null {
  let first = offset;
  let last = offset;
  for (let i = 0; i < shape.length; i++) {
    if (shape[i] === 0) return null;
    const reach = (shape[i] - 1) * strides[i];
    if (reach < 0) first += reach;
    else last += reach;
  }
  return { first, last };
}

/**
 * Whether two indices may mean the same element. Exact for layouts made by views of a dense array (sorted by
 * stride, each axis steps over all faster ones); for exotic strides from outside it errs on the side of "yes".
 */
export function mayOverlapItself({ shape, strides }: Layout): boolean {
  const axes = [];
  for (let i = 0; i < shape.length; i++) {
    if (shape[i] === 0) return false;
    if (shape[i] > 1) axes.push({ length: shape[i], stride: Math.abs(strides[i]) });
  }
  axes.sort((a, b) => a.stride - b.stride);
  let reach = 0;
  for (const { length, stride } of axes) {
    if (stride <= reach) return true;
    reach += (length - 1) * stride;
  }
  return false;
}

export function sameShape(a: Shape, b: Shape): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** Refuses what is no list: the numbers of `x.reshape(2, 3)` without their brackets, where no type was checked. */
export function checkList(op: string, what: string, list: readonly number[]): void {
  if (!Array.isArray(list)) throw new ArgumentError(`${op}: the ${what} must be one array of numbers, such as [0, 1], not ${typeof list === 'number' ? list : typeof list}`);
}

/** `shape`, checked to be a list of whole numbers from 0 whose product counts exactly. */
export function checkShape(op: string, shape: Shape): Shape {
  checkList(op, 'shape', shape);
  for (const length of shape) {
    if (!Number.isSafeInteger(length) || length < 0) {
      throw new ShapeError(`${op}: the shape ${formatShape(shape)} must hold whole numbers from 0`);
    }
  }
  if (!Number.isSafeInteger(sizeOf(shape))) {
    throw new ShapeError(`${op}: the shape ${formatShape(shape)} has more values than can be counted exactly`);
  }
  return shape;
}

/** An axis counted from the front; negative ones count from the back, as in PyTorch. */
export function normalizeAxis(op: string, axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    const rule = rank === 0 ? 'a scalar has no axes' : `${rank} axes are numbered ${-rank} to ${rank - 1}`;
    throw new IndexError(`${op}: axis ${axis} does not exist: ${rule}`);
  }
  return axis < 0 ? axis + rank : axis;
}

/** Distinct axes in rising order; undefined means all. */
export function normalizeAxes(op: string, axes: number | readonly number[] | undefined, rank: number): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, i) => i);
  if (typeof axes !== 'number') checkList(op, 'axes', axes);
  const list = (typeof axes === 'number' ? [axes] : [...axes]).map((axis) => normalizeAxis(op, axis, rank));
  list.sort((a, b) => a - b);
  for (let i = 1; i < list.length; i++) {
    if (list[i] === list[i - 1]) throw new IndexError(`${op}: axis ${list[i]} is named twice; name each axis once`);
  }
  return list;
}

/** The shape that all operands stretch to: aligned at the last axis, an axis of length 1 repeats (NumPy's rule). */
export function broadcastShapes(op: string, ...shapes: readonly Shape[]): Shape {
  let result = shapes[0];
  for (let n = 1; n < shapes.length; n++) {
    if (sameShape(result, shapes[n])) continue;
    const rank = Math.max(result.length, shapes[n].length);
    const next = new Array<number>(rank);
    for (let i = 1; i <= rank; i++) {
      const a = i > result.length ? 1 : result[result.length - i];
      const b = i > shapes[n].length ? 1 : shapes[n][shapes[n].length - i];
      if (a !== b && a !== 1 && b !== 1) {
        throw new ShapeError(
          `${op}: shapes ${shapes.map(formatShape).join(' and ')} do not broadcast: axis ${-i} has lengths ${a} and ${b}, which must be equal or one of them 1`,
        );
      }
      next[rank - i] = a === 1 ? b : a;
    }
    result = next;
  }
  return result;
}

/** The same values repeated along new leading axes and along axes of length 1, without copying (stride 0). */
export function expand(op: string, layout: Layout, shape: Shape): Layout {
  if (sameShape(layout.shape, shape)) return layout;
  const lead = shape.length - layout.shape.length;
  const strides = new Array<number>(shape.length);
  for (let i = 0; i < shape.length; i++) {
    const from = i - lead;
    const length = from < 0 ? 1 : layout.shape[from];
    if (lead < 0 || (length !== shape[i] && length !== 1)) {
      throw new ShapeError(
        `${op}: ${formatShape(layout.shape)} does not expand to ${formatShape(shape)}: each axis must be equal or 1, aligned at the last`,
      );
    }
    strides[i] = from < 0 || (length === 1 && shape[i] !== 1) ? 0 : layout.strides[from];
  }
  if (lead < 0) {
    throw new ShapeError(`${op}: ${formatShape(layout.shape)} does not expand to ${formatShape(shape)}: it has more axes`);
  }
  return { shape, strides, offset: layout.offset };
}

/** Axes in another order: axis i of the result is axis `order[i]` of the operand. */
export function permute(op: string, layout: Layout, order: readonly number[]): Layout {
  const rank = layout.shape.length;
  const axes = order.map((axis) => normalizeAxis(op, axis, rank));
  if (axes.length !== rank || new Set(axes).size !== rank) {
    throw new ShapeError(`${op}: [${order.join(', ')}] must name each of the ${rank} axes of ${formatShape(layout.shape)} once`);
  }
  return {
    shape: axes.map((axis) => layout.shape[axis]),
    strides: axes.map((axis) => layout.strides[axis]),
    offset: layout.offset,
  };
}

/** Replaces one axis. */
function withAxis(layout: Layout, axis: number, length: number, stride: number, offset: number): Layout {
  const shape = layout.shape.slice();
  const strides = layout.strides.slice();
  shape[axis] = length;
  strides[axis] = stride;
  return { shape, strides, offset };
}

/**
 * Every `step`-th value of an axis from `start` up to but without `stop`. Python's rules: negative bounds count
 * from the end, bounds beyond the ends are cut, a negative step walks backwards.
 */
export function slice(op: string, layout: Layout, axis: number, start: number | undefined, stop: number | undefined, step = 1): Layout {
  const length = layout.shape[axis];
  if (!Number.isInteger(step) || step === 0) throw new IndexError(`${op}: the step must be a whole number other than 0, not ${step}`);
  for (const bound of [start, stop]) {
    if (bound !== undefined && !Number.isInteger(bound) && Math.abs(bound) !== Infinity) {
      throw new IndexError(`${op}: the bounds of a slice must be whole numbers, not ${bound}`);
    }
  }
  const low = step > 0 ? 0 : -1;
  const high = step > 0 ? length : length - 1;
  const clip = (bound: number) => Math.min(Math.max(bound < 0 ? bound + length : bound, low), high);
  const from = start === undefined ? (step > 0 ? low : high) : clip(start);
  const to = stop === undefined ? (step > 0 ? high : low) : clip(stop);
  const count = Math.max(0, Math.ceil((to - from) / step));
  return withAxis(layout, axis, count, layout.strides[axis] * step, count === 0 ? layout.offset : layout.offset + from * layout.strides[axis]);
}

/** One index of an axis; the axis goes away. */
export function select(op: string, layout: Layout, axis: number, index: number): Layout {
  const length = layout.shape[axis];
  if (!Number.isInteger(index) || index < -length || index >= length) {
    throw new IndexError(`${op}: index ${index} is outside axis ${axis} of ${formatShape(layout.shape)}, which has ${length} values`);
  }
  const at = index < 0 ? index + length : index;
  return {
    shape: layout.shape.filter((_, i) => i !== axis),
    strides: layout.strides.filter((_, i) => i !== axis),
    offset: layout.offset + at * layout.strides[axis],
  };
}

/** A new axis of length 1 before axis `axis`. */
export function unsqueeze(layout: Layout, axis: number): Layout {
  const shape = layout.shape.slice();
  const strides = layout.strides.slice();
  const stride = axis < shape.length ? shape[axis] * strides[axis] : 1;
  shape.splice(axis, 0, 1);
  strides.splice(axis, 0, stride);
  return { shape, strides, offset: layout.offset };
}

/** The given axes walked backwards. */
export function flip(layout: Layout, axes: readonly number[]): Layout {
  const strides = layout.strides.slice();
  let offset = layout.offset;
  for (const axis of axes) {
    if (layout.shape[axis] > 0) offset += (layout.shape[axis] - 1) * strides[axis];
    strides[axis] = -strides[axis];
  }
  return { shape: layout.shape, strides, offset };
}

/** The values whose indices satisfy j = i + diagonal on two axes, as a new last axis. */
export function diagonal(layout: Layout, diagonalOffset: number, axis1: number, axis2: number): Layout {
  const { shape, strides } = layout;
  const rows = shape[axis1] + Math.min(diagonalOffset, 0);
  const columns = shape[axis2] - Math.max(diagonalOffset, 0);
  const length = Math.max(0, Math.min(rows, columns));
  const start = diagonalOffset >= 0 ? diagonalOffset * strides[axis2] : -diagonalOffset * strides[axis1];
  const keep = (_: number, i: number) => i !== axis1 && i !== axis2;
  return {
    shape: [...shape.filter(keep), length],
    strides: [...strides.filter(keep), strides[axis1] + strides[axis2]],
    offset: length === 0 ? layout.offset : layout.offset + start,
  };
}

/** `shape` with its one -1 replaced by what makes the size `size`. */
export function inferShape(op: string, from: Shape, shape: Shape): Shape {
  checkList(op, 'shape', shape);
  const size = sizeOf(from);
  const unknown = shape.indexOf(-1);
  const refuse = (why: string) => new ShapeError(`${op}: ${formatShape(from)} (${size} values) cannot become ${formatShape(shape)}: ${why}`);
  if (unknown < 0) {
    checkShape(op, shape);
    if (sizeOf(shape) !== size) throw refuse(`that holds ${sizeOf(shape)} values`);
    return shape;
  }
  if (shape.indexOf(-1, unknown + 1) >= 0) throw refuse('only one axis may be -1');
  const rest = sizeOf(checkShape(op, shape.filter((_, i) => i !== unknown)));
  if (rest === 0 || size % rest !== 0) throw refuse(rest === 0 ? '-1 could be anything beside an axis of length 0' : `${size} is not a multiple of ${rest}`);
  return shape.map((length, i) => (i === unknown ? size / rest : length));
}

/**
 * The same values in row-major order under another shape of the same size, or null when only a copy can do it.
 * Each run of axes that lies evenly in memory may be cut anew; a new axis never spans two runs.
 */
export function reshape(layout: Layout, shape: Shape): Layout | null {
  if (sizeOf(shape) === 0) return contiguous(shape, layout.offset);
  const oldShape: number[] = [];
  const oldStrides: number[] = [];
  for (let i = 0; i < layout.shape.length; i++) {
    if (layout.shape[i] !== 1) {
      oldShape.push(layout.shape[i]);
      oldStrides.push(layout.strides[i]);
    }
  }
  const strides = new Array<number>(shape.length).fill(1);
  let old = 0;
  let next = 0;
  while (old < oldShape.length) {
    // Grow an old group and a new group until both hold the same number of values.
    let oldEnd = old + 1;
    let nextEnd = next + 1;
    let oldSize = oldShape[old];
    let nextSize = shape[next];
    while (oldSize !== nextSize) {
      if (oldSize < nextSize) oldSize *= oldShape[oldEnd++];
      else nextSize *= shape[nextEnd++];
    }
    for (let i = old; i < oldEnd - 1; i++) {
      if (oldStrides[i] !== oldShape[i + 1] * oldStrides[i + 1]) return null;
    }
    let step = oldStrides[oldEnd - 1];
    for (let i = nextEnd - 1; i >= next; i--) {
      strides[i] = step;
      step *= shape[i];
    }
    old = oldEnd;
    next = nextEnd;
  }
  return { shape, strides, offset: layout.offset };
}
