import type { View } from '../../storage.ts';
import type { AdamWSettings } from '../contract.ts';
import { forEachRow, nest } from './iterate.ts';

export function adamW(parameter: View, gradient: View, m: View, v: View, { keep, beta1, beta2, stepSize, eps }: AdamWSettings): void {
  const loops = nest(parameter.layout.shape, [parameter.layout, gradient.layout, m.layout, v.layout]);
  if (loops === null) return;
  const { shape, strides } = loops;
  const last = shape.length - 1;
  const [p, g, first, second] = [parameter, gradient, m, v].map(({ storage }) => storage.data);
  const [sp, sg, sm, sv] = strides.map((list) => list[last]);
  const [rest1, rest2] = [1 - beta1, 1 - beta2];
  forEachRow(loops, strides, ([ip, ig, im, iv]) => {
    for (let n = shape[last]; n > 0; n--, ip += sp, ig += sg, im += sm, iv += sv) {
      const slope = g[ig];
      const mean = beta1 * first[im] + rest1 * slope;
      const square = beta2 * second[iv] + rest2 * slope * slope;
      first[im] = mean;
      second[iv] = square;
      p[ip] = p[ip] * keep - (stepSize * mean) / (Math.sqrt(square) + eps);
    }
  });
}
