import { isFloat, type DType, type TypedArray } from '../dtype.ts';
import { formatShape, sameShape, sizeOf, type Shape } from '../layout.ts';
import { Tensor } from '../tensor.ts';

/** Values to compare: a tensor, nested arrays, or a typed array, which stands for any shape in row-major order. */
export type Comparable = Tensor | TypedArray | number | boolean | NestedValues;
export interface NestedValues extends ReadonlyArray<number | boolean | NestedValues> {}

export interface CloseOptions {
  /** Allowed difference as a share of the expected magnitude. */
  readonly rtol?: number;
  /** Allowed difference on top. */
  readonly atol?: number;
  /** NaN is close to NaN. Default true, as in numpy.testing. */
  readonly equalNaN?: boolean;
}

interface Values {
  readonly flat: ArrayLike<number>;
  /** null: any. */
  readonly shape: Shape | null;
  /** null: a plain array, which has the dtype of what it is compared with. */
  readonly dtype: DType | null;
}

/** PyTorch's defaults in torch.testing.assert_close; integers and bools must be equal. */
function tolerances(dtype: DType): { readonly rtol: number; readonly atol: number } {
  if (dtype === 'float32') return { rtol: 1.3e-6, atol: 1e-5 };
  return dtype === 'float64' ? { rtol: 1e-7, atol: 1e-7 } : { rtol: 0, atol: 0 };
}

/**
 * Throws unless |actual − expected| ≤ atol + rtol·|expected| for every value; infinities must be equal. Defaults: rtol
 * 1.3e-6 and atol 1e-5 where a float32 takes part, 1e-7 and 1e-7 for float64, 0 for integers and bools; if one of the
 * two is given, the other is 0.
 *
 * @throws Error naming the worst index and both values, or the two shapes where they differ.
 * @example
 * expectClose(x.exp().log(), x, { rtol: 1e-6 });
 */
export function expectClose(actual: Comparable, expected: Comparable, options: CloseOptions = {}): void {
  const a = valuesOf('actual', actual);
  const b = valuesOf('expected', expected);
  const shape = a.shape ?? b.shape ?? [a.flat.length];
  if (!sameShape(b.shape ?? shape, shape) || a.flat.length !== b.flat.length) {
    const name = ({ shape: own, flat }: Values) => (own === null ? `${flat.length} values` : `shape ${formatShape(own)}`);
    throw new Error(`expectClose: actual has ${name(a)}, expected has ${name(b)}`);
  }
  const met = [a.dtype, b.dtype].filter((dtype) => dtype !== null);
  const loosest = met.includes('float32') ? 'float32' : (met.find(isFloat) ?? met[0] ?? 'float64');
  const { rtol, atol } = options.rtol === undefined && options.atol === undefined ? tolerances(loosest) : { rtol: options.rtol ?? 0, atol: options.atol ?? 0 };
  let worst = -1;
  let worstExcess = 1;
  let count = 0;
  for (let i = 0; i < a.flat.length; i++) {
    const [x, y] = [a.flat[i], b.flat[i]];
    if (x === y || (x !== x && y !== y && options.equalNaN !== false)) continue;
    const ratio = Math.abs(x - y) / (atol + rtol * Math.abs(y));
    // NaN against a number, and infinities that differ, are infinitely wrong.
    const excess = Number.isFinite(x) && Number.isFinite(y) ? ratio : Infinity;
    if (!(excess > 1)) continue;
    count++;
    if (worst < 0 || excess > worstExcess) {
      worst = i;
      worstExcess = excess;
    }
  }
  if (worst < 0) return;
  const [x, y] = [a.flat[worst], b.flat[worst]];
  throw new Error(
    `expectClose: ${count} of ${a.flat.length} values differ; the worst at ${formatShape(unravel(worst, shape))}: ${x} instead of ${y} ` +
      `(difference ${Math.abs(x - y)}, allowed ${atol} + ${rtol}·|expected|)`,
  );
}

function valuesOf(role: string, values: Comparable): Values {
  if (values instanceof Tensor) return { flat: values.toTypedArray(), shape: values.shape, dtype: values.dtype };
  if (ArrayBuffer.isView(values)) return { flat: values, shape: null, dtype: values instanceof Float32Array ? 'float32' : values instanceof Float64Array ? 'float64' : 'int32' };
  const shape: number[] = [];
  for (let level: unknown = values; Array.isArray(level); level = level[0]) shape.push(level.length);
  const flat: number[] = [];
  const visit = (value: number | boolean | NestedValues, axis: number): void => {
    if (typeof value === 'object' ? value.length !== shape[axis] : axis !== shape.length) throw new Error(`expectClose: ${role} is a ragged nested array at depth ${axis}`);
    if (typeof value === 'object') for (const inner of value) visit(inner, axis + 1);
    else flat.push(Number(value));
  };
  visit(values as number | boolean | NestedValues, 0);
  return { flat, shape, dtype: null };
}

/** The index of the `flat`-th value in row-major order. */
export function unravel(flat: number, shape: Shape): number[] {
  const index = new Array<number>(shape.length);
  let rest = sizeOf(shape) === 0 ? 0 : flat;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index[axis] = rest % shape[axis];
    rest = Math.floor(rest / shape[axis]);
  }
  return index;
}
