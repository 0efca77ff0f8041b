import fc from 'fast-check';
import { isFloat, newArray, type DType } from '../dtype.ts';
import { contiguous, formatShape, sizeOf, type Shape } from '../layout.ts';
import { Storage } from '../storage.ts';
import { Tensor } from '../tensor.ts';
import { layouts, type PlacedLayout } from './layouts.ts';
import { shapes } from './shapes.ts';

export interface ValueOptions {
  /** The least and the greatest value. Default −10 to 10 for floats, all that the dtype holds for integers. */
  readonly range?: readonly [number, number];
  /** NaN, ±Infinity, −0, and the largest and smallest magnitudes of a float dtype occur. Default false. */
  readonly special?: boolean;
}

const ranges = { float32: [-10, 10], float64: [-10, 10], int32: [-(2 ** 31), 2 ** 31 - 1], uint8: [0, 255], int8: [-128, 127], bool: [0, 1] } as const;

const specials = {
  float32: [NaN, Infinity, -Infinity, -0, 0, 2 ** -149, -(2 ** -126), (2 - 2 ** -23) * 2 ** 127],
  float64: [NaN, Infinity, -Infinity, -0, 0, Number.MIN_VALUE, -(2 ** -1022), Number.MAX_VALUE],
} as const;

/** Single values of a dtype. Finite floats are spread evenly over the range; integers favour its ends. */
export function valuesOf(dtype: DType, { range, special = false }: ValueOptions = {}): fc.Arbitrary<number> {
  const [low, high] = range ?? ranges[dtype];
  if (!isFloat(dtype)) return fc.integer({ min: low, max: high });
  const steps = 1 << 20;
  const round = dtype === 'float32' ? Math.fround : Number;
  // Numbers near 0 and of few digits are the simplest: shrinking goes to them where the range has them.
  const centre = Math.min(Math.max(0, low), high);
  const from = Math.round(((low - centre) / (high - low || 1)) * steps);
  const plain = fc.integer({ min: from, max: from + steps }).map((step) => round(Math.min(Math.max(centre + (step / steps) * (high - low), low), high)));
  return special ? fc.oneof({ arbitrary: plain, weight: 2 }, { arbitrary: fc.constantFrom(...specials[dtype]), weight: 1 }) : plain;
}

export interface TensorArbitraryOptions<D extends DType> extends ValueOptions {
  /** Default float32. */
  readonly dtype?: D;
  /** One shape, or an arbitrary of shapes. Default `shapes()`. */
  readonly shape?: Shape | fc.Arbitrary<Shape>;
  /** In place of `range` and `special`: where single values come from. */
  readonly values?: fc.Arbitrary<number>;
  /** 'any': permuted, sliced, backwards, offset and expanded views; 'unshared': those without stride 0; 'contiguous'. Default 'any'. */
  readonly layout?: 'any' | 'unshared' | 'contiguous';
}

/**
 * Tensors of one dtype on any layout. Memory that a view leaves out is filled with NaN (integers: the dtype's
 * least value, or 1), so that an op that reads beside its operand is found out.
 *
 * @example
 * fc.assert(fc.property(tensors({ dtype: 'float64', special: true }), (x) => {
 *   expectClose(x.neg().neg(), x);
 * }));
 */
export function tensors<D extends DType = 'float32'>(options: TensorArbitraryOptions<D> = {}): fc.Arbitrary<Tensor<D>> {
  const { dtype = 'float32' as D, shape = shapes(), layout = 'any' } = options;
  const value = options.values ?? valuesOf(dtype, options);
  const ofShape = (fixed: Shape): fc.Arbitrary<Tensor<D>> => {
    const size = sizeOf(fixed);
    const placed: fc.Arbitrary<PlacedLayout> =
      layout === 'contiguous' ? fc.constant({ layout: contiguous(fixed), length: size }) : layouts(fixed, { expanded: layout === 'any' });
    return fc.tuple(placed, fc.array(value, { minLength: size, maxLength: size, size: 'max' })).map(([where, values]) => fillIn(dtype, where, values));
  };
  return Array.isArray(shape) ? ofShape(shape) : (shape as fc.Arbitrary<Shape>).chain(ofShape);
}

function fillIn<D extends DType>(dtype: D, { layout, length }: PlacedLayout, values: readonly number[]): Tensor<D> {
  const data = newArray(dtype, length).fill(isFloat(dtype) ? NaN : dtype === 'bool' || dtype === 'uint8' ? 1 : ranges[dtype][0]);
  const { shape, strides, offset } = layout;
  for (let i = 0; i < values.length; i++) {
    let at = offset;
    for (let axis = shape.length - 1, rest = i; axis >= 0; axis--) {
      at += (rest % shape[axis]) * strides[axis];
      rest = Math.floor(rest / shape[axis]);
    }
    data[at] = values[i];
  }
  const tensor = new Tensor({ storage: new Storage(dtype, data as Tensor<D>['storage']['data']), layout });
  const print = () => `tensor(${JSON.stringify(tensor.toArray(), exactly)}, { dtype: '${dtype}' }) with shape ${formatShape(shape)}, strides ${formatShape(strides)}, offset ${offset}`;
  return Object.defineProperty(tensor, fc.toStringMethod, { value: print, enumerable: false });
}

/** JSON has no NaN, infinities and −0. */
function exactly(_: string, value: unknown): unknown {
  return typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0)) ? (Object.is(value, -0) ? '-0' : String(value)) : value;
}
