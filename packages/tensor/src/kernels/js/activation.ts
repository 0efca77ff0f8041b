import type { TypedArray } from '../../dtype.ts';
import type { View } from '../../storage.ts';
import type { ActivationName } from '../contract.ts';
import { forEachRow, nest } from './iterate.ts';
import { erf, sigmoid } from './math.ts';

const oneOverSqrtTwoPi = 1 / Math.sqrt(2 * Math.PI);
const sqrtTwoOverPi = Math.sqrt(2 / Math.PI);

/** v·f, and 0 where f has vanished although v may be infinite. */
const vanishing = (v: number, f: number): number => (f === 0 ? 0 : v * f);

/** f′ from x: Φ(x) + x·φ(x) */
function geluSlope(x: number): number {
  return 0.5 * (1 + erf(x * Math.SQRT1_2)) + vanishing(x, oneOverSqrtTwoPi * Math.exp(-0.5 * x * x));
}

/** f′ from x, where f = x/2·(1 + tanh u) and u = √(2/π)·(x + 0.044715·x³) */
function geluTanhSlope(x: number): number {
  const square = x * x;
  const tanh = Math.tanh(sqrtTwoOverPi * x * (1 + 0.044715 * square));
  return 0.5 * (1 + tanh) + vanishing(0.5 * x * sqrtTwoOverPi * (1 + 3 * 0.044715 * square), 1 - tanh * tanh);
}

/** f′ from x: s + x·s·(1 − s) */
function siluSlope(x: number): number {
  const s = sigmoid(x);
  return s + vanishing(x, s * sigmoid(-x));
}

type Row = (n: number, v: TypedArray, iv: number, sv: number, g: TypedArray, ig: number, sg: number, out: TypedArray, io: number, so: number) => void;

// One loop a function, written out: a shared loop that calls the function would be several times slower.
const rows: Record<ActivationName, Row> = {
  gelu: (n, v, iv, sv, g, ig, sg, out, io, so) => { for (; n > 0; n--, iv += sv, ig += sg, io += so) out[io] = g[ig] * geluSlope(v[iv]); },
  geluTanh: (n, v, iv, sv, g, ig, sg, out, io, so) => { for (; n > 0; n--, iv += sv, ig += sg, io += so) out[io] = g[ig] * geluTanhSlope(v[iv]); },
  silu: (n, v, iv, sv, g, ig, sg, out, io, so) => { for (; n > 0; n--, iv += sv, ig += sg, io += so) out[io] = g[ig] * siluSlope(v[iv]); },
  tanh: (n, v, iv, sv, g, ig, sg, out, io, so) => { for (; n > 0; n--, iv += sv, ig += sg, io += so) out[io] = g[ig] * (1 - v[iv] * v[iv]); },
  sigmoid: (n, v, iv, sv, g, ig, sg, out, io, so) => { for (; n > 0; n--, iv += sv, ig += sg, io += so) out[io] = g[ig] * v[iv] * (1 - v[iv]); },
};

export function activationBackward(name: ActivationName, value: View, g: View, out: View): void {
  const loops = nest(out.layout.shape, [out.layout, value.layout, g.layout]);
  if (loops === null) return;
  const { shape, strides } = loops;
  const last = shape.length - 1;
  const row = rows[name];
  const [v, gradient, target] = [value.storage.data, g.storage.data, out.storage.data];
  const [so, sv, sg] = strides.map((list) => list[last]);
  forEachRow(loops, strides, ([io, iv, ig]) => row(shape[last], v, iv, sv, gradient, ig, sg, target, io, so));
}
