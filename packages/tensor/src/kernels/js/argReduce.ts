import { allocateApart, type View } from '../../storage.ts';
import { copy } from './convert.ts';
import { forEachLane } from './iterate.ts';

/** int8 as int32: loops that have met more than four kinds of typed array run several times slower in V8 from then on. */
function widened(x: View): View {
  if (x.storage.dtype !== 'int8') return x;
  const wide = allocateApart(x.layout.shape, 'int32');
  copy(x, wide);
  return wide;
}

export function argReduce(name: 'argmin' | 'argmax', given: View, axis: number, out: View): void {
  const x = widened(given);
  const [source, target] = [x.storage.data, out.storage.data];
  const { shape, strides } = x.layout;
  const n = shape[axis];
  const sx = strides[axis];
  const sign = name === 'argmin' ? -1 : 1;
  const last = shape.length - 1;
  if (axis === last) {
    forEachLane(shape, [x.layout, out.layout], axis, ([ix, io]) => {
      let best = sign * source[ix];
      let at = 0;
      // Nothing beats a NaN.
      for (let i = 1, j = ix + sx; i < n && best === best; i++, j += sx) {
        const value = sign * source[j];
        if (!(value <= best)) {
          best = value;
          at = i;
        }
      }
      target[io] = at;
    });
    return;
  }
  // Lanes across the memory advance together, a row at a time.
  const m = shape[last];
  const [ux, uo] = [strides[last], out.layout.strides[last]];
  const best = new Float64Array(m);
  forEachLane([...shape.slice(0, -1), 1], [x.layout, out.layout], axis, ([ix, io]) => {
    for (let j = 0, from = ix; j < m; j++, from += ux) {
      best[j] = sign * source[from];
      target[io + j * uo] = 0;
    }
    for (let i = 1; i < n; i++) {
      for (let j = 0, from = ix + i * sx; j < m; j++, from += ux) {
        const value = sign * source[from];
        if (!(value <= best[j]) && best[j] === best[j]) {
          best[j] = value;
          target[io + j * uo] = i;
        }
      }
    }
  });
}
