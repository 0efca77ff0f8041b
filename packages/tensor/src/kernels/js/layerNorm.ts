import type { View } from '../../storage.ts';
import type { NormForm, NormGradients, NormStatistics } from '../contract.ts';
import { forEachLane } from './iterate.ts';
import { readVector, writeVector } from './vectors.ts';

/**
 * Rows along the last axis: x, g, out [..., C], statistics [..., 1] in float64. With c = x − mean (or x, for rms):
 *   variance    r = 1/√(Σc²/C + ε)           dr/dxⱼ = −r³·cⱼ/C
 *   deviation   r = 1/(√(Σc²/(C−1)) + ε)     dr/dxⱼ = −r²·cⱼ/((C−1)·√(Σc²/(C−1)))
 *   rms         r = 1/√(Σx²/C + ε)           dr/dxⱼ = −r³·xⱼ/C
 * x̂ = c·r, so that with ĝ = g·weight all three have the gradient r·(ĝⱼ − mean ĝ) − slope·x̂ⱼ·Σ ĝ·x̂ (without the mean for
 * rms), where slope = −(dr/dxⱼ)/(r·cⱼ). Sums are float64 inside.
 */
export function layerNorm(form: NormForm, epsilon: number, x: View, weight: View | null, bias: View | null, out: View, statistics: NormStatistics): void {
  const axis = x.layout.shape.length - 1;
  const C = x.layout.shape[axis];
  const [source, target] = [x.storage.data, out.storage.data];
  const [means, reciprocals, slopes] = [statistics.mean.storage.data, statistics.reciprocal.storage.data, statistics.slope.storage.data];
  const [sx, so] = [x.layout.strides[axis], out.layout.strides[axis]];
  const w = weight === null ? null : readVector(weight);
  const b = bias === null ? null : readVector(bias);
  const row = new Float64Array(C);
  const layouts = [x, out, statistics.mean, statistics.reciprocal, statistics.slope].map(({ layout }) => layout);
  forEachLane(x.layout.shape, layouts, axis, ([ix, io, im, ir, is]) => {
    let sum = 0;
    for (let c = 0, i = ix; c < C; c++, i += sx) sum += row[c] = source[i];
    const mean = form === 'rms' ? 0 : sum / C;
    let squares = 0;
    for (let c = 0; c < C; c++) {
      const centred = row[c] - mean;
      row[c] = centred;
      squares += centred * centred;
    }
    const deviation = Math.sqrt(squares / (C - 1));
    const r = form === 'deviation' ? 1 / (deviation + epsilon) : 1 / Math.sqrt(squares / C + epsilon);
    means[im] = mean;
    reciprocals[ir] = r;
    slopes[is] = form !== 'deviation' ? r / C : deviation === 0 ? 0 : 1 / ((C - 1) * deviation);
    // Where all values are equal and ε is 0, 0·∞ is the NaN that 0/0 is.
    for (let c = 0, o = io; c < C; c++, o += so) {
      let y = row[c] * r;
      if (w !== null) y *= w[c];
      target[o] = b === null ? y : y + b[c];
    }
  });
}

export function layerNormBackward(form: NormForm, x: View, weight: View | null, g: View, statistics: NormStatistics, out: NormGradients): void {
  const axis = x.layout.shape.length - 1;
  const C = x.layout.shape[axis];
  const [source, gradient] = [x.storage.data, g.storage.data];
  const [means, reciprocals, slopes] = [statistics.mean.storage.data, statistics.reciprocal.storage.data, statistics.slope.storage.data];
  const [sx, sg] = [x.layout.strides[axis], g.layout.strides[axis]];
  const target = out.x === null ? null : { data: out.x.storage.data, stride: out.x.layout.strides[axis] };
  const w = weight === null ? null : readVector(weight);
  const [gw, gb] = [out.weight, out.bias].map((view) => (view === null ? null : new Float64Array(C)));
  const [normal, scaled] = [new Float64Array(C), new Float64Array(C)];
  const layouts = [x, g, statistics.mean, statistics.reciprocal, statistics.slope, out.x ?? x].map(({ layout }) => layout);
  forEachLane(x.layout.shape, layouts, axis, ([ix, ig, im, ir, is, io]) => {
    const [mean, r, slope] = [means[im], reciprocals[ir], slopes[is]];
    let sum = 0;
    let dot = 0;
    for (let c = 0, i = ix, j = ig; c < C; c++, i += sx, j += sg) {
      const xHat = (source[i] - mean) * r;
      const g0 = gradient[j];
      const gHat = w === null ? g0 : g0 * w[c];
      normal[c] = xHat;
      scaled[c] = gHat;
      sum += gHat;
      dot += gHat * xHat;
      if (gw !== null) gw[c] += g0 * xHat;
      if (gb !== null) gb[c] += g0;
    }
    if (target === null) return;
    const shift = form === 'rms' ? 0 : sum / C;
    const pull = slope * dot;
    for (let c = 0, o = io; c < C; c++, o += target.stride) target.data[o] = r * (scaled[c] - shift) - pull * normal[c];
  });
  if (out.weight !== null && gw !== null) writeVector(gw, out.weight);
  if (out.bias !== null && gb !== null) writeVector(gb, out.bias);
}
