import type { View } from '../../storage.ts';
import { forEachLane } from './iterate.ts';

/**
 * Rows along the last axis: x, y, g, out [R, C]; at each row the C values are read three times.
 * Sums are float64 inside.
 */
export function softmax(x: View, out: View): void {
  const [source, target] = [x.storage.data, out.storage.data];
  const axis = x.layout.shape.length - 1;
  const C = x.layout.shape[axis];
  const [sx, so] = [x.layout.strides[axis], out.layout.strides[axis]];
  const exps = new Float64Array(C);
  forEachLane(x.layout.shape, [x.layout, out.layout], axis, ([ix, io]) => {
    let max = -Infinity;
    for (let c = 0, i = ix; c < C; c++, i += sx) if (source[i] > max) max = source[i];
    let sum = 0;
    for (let c = 0, i = ix; c < C; c++, i += sx) {
      const e = Math.exp(source[i] - max);
      exps[c] = e;
      sum += e;
    }
    const scale = 1 / sum;
    for (let c = 0, o = io; c < C; c++, o += so) target[o] = exps[c] * scale;
  });
}

export function softmaxBackward(y: View, g: View, out: View): void {
  const [value, gradient, target] = [y.storage.data, g.storage.data, out.storage.data];
  const axis = y.layout.shape.length - 1;
  const C = y.layout.shape[axis];
  const [sy, sg, so] = [y, g, out].map(({ layout }) => layout.strides[axis]);
  forEachLane(y.layout.shape, [y.layout, g.layout, out.layout], axis, ([iy, ig, io]) => {
    let dot = 0;
    for (let c = 0; c < C; c++) dot += value[iy + c * sy] * gradient[ig + c * sg];
    for (let c = 0; c < C; c++) target[io + c * so] = value[iy + c * sy] * (gradient[ig + c * sg] - dot);
  });
}

export function logSoftmax(x: View, out: View): void {
  const [source, target] = [x.storage.data, out.storage.data];
  const axis = x.layout.shape.length - 1;
  const C = x.layout.shape[axis];
  const [sx, so] = [x.layout.strides[axis], out.layout.strides[axis]];
  forEachLane(x.layout.shape, [x.layout, out.layout], axis, ([ix, io]) => {
    let max = -Infinity;
    for (let c = 0, i = ix; c < C; c++, i += sx) if (source[i] > max) max = source[i];
    let sum = 0;
    for (let c = 0, i = ix; c < C; c++, i += sx) sum += Math.exp(source[i] - max);
    const shift = Math.log(sum);
    for (let c = 0, i = ix, o = io; c < C; c++, i += sx, o += so) target[o] = source[i] - max - shift;
  });
}

export function logSoftmaxBackward(y: View, g: View, out: View): void {
  const [value, gradient, target] = [y.storage.data, g.storage.data, out.storage.data];
  const axis = y.layout.shape.length - 1;
  const C = y.layout.shape[axis];
  const [sy, sg, so] = [y, g, out].map(({ layout }) => layout.strides[axis]);
  forEachLane(y.layout.shape, [y.layout, g.layout, out.layout], axis, ([iy, ig, io]) => {
    let sum = 0;
    for (let c = 0; c < C; c++) sum += gradient[ig + c * sg];
    for (let c = 0; c < C; c++) target[io + c * so] = gradient[ig + c * sg] - Math.exp(value[iy + c * sy]) * sum;
  });
}
