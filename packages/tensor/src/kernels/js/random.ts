import { maskOf } from '../../dropoutMask.ts';
import { philox, type GeneratorState } from '../../random.ts';
import { contiguous, sizeOf } from '../../layout.ts';
import { Storage, type View } from '../../storage.ts';
import type { RandomKind } from '../contract.ts';
import { copy } from './convert.ts';
import { forEachRow } from './iterate.ts';

/** Draw i of a stream is word i of Philox: a number in [0, 1) with 24 bits for float32, the word's 32 bits for float64. */
const scale24 = 1 / 16777216;
const scale32 = 1 / 4294967296;

/** Fills `target` with draws `state.offset…`; `offset` is a multiple of 4. */
function draw(state: GeneratorState, count: number, visit: (index: number, word: number) => void): void {
  const words = new Uint32Array(4);
  for (let i = 0; i < count; i++) {
    if (i % 4 === 0) philox(state.seed, (state.offset + i) / 4, words);
    visit(i, words[i % 4]);
  }
}

export function random(kind: RandomKind, state: GeneratorState, out: View): void {
  const shape = out.layout.shape;
  const count = sizeOf(shape);
  const values = new Float64Array(count);
  if (kind.kind === 'uniform') {
    if (out.storage.dtype === 'float64') draw(state, count, (i, word) => { values[i] = word * scale32; });
    else draw(state, count, (i, word) => { values[i] = (word >>> 8) * scale24; });
  } else if (kind.kind === 'bernoulli') {
    draw(state, count, (i, word) => { values[i] = word * scale32 < kind.p ? 1 : 0; });
  } else {
    // Box and Muller: two uniform draws (0, 1] and [0, 1) make two normal ones.
    let radius = 0;
    draw(state, count + (count % 2), (i, word) => {
      if (i % 2 === 0) radius = Math.sqrt(-2 * Math.log((word + 1) * scale32));
      else {
        const angle = 2 * Math.PI * word * scale32;
        values[i - 1] = radius * Math.cos(angle);
        if (i < count) values[i] = radius * Math.sin(angle);
      }
    });
  }
  copy({ storage: new Storage('float64', values), layout: contiguous(shape) }, out);
}

/** out = x / (1 − p) where the mask keeps a value, else 0. */
export function dropout(x: View, p: number, state: GeneratorState, out: View): void {
  const scale = p === 1 ? 0 : 1 / (1 - p);
  const shape = out.layout.shape;
  if (sizeOf(shape) === 0) return;
  const [source, target] = [x.storage.data, out.storage.data];
  const strides = [x, out].map(({ layout }) => (shape.length === 0 ? [0] : layout.strides));
  const rows = shape.length === 0 ? [1] : shape;
  const last = rows.length - 1;
  const keeps = maskOf(state, p);
  let i = 0;
  forEachRow({ shape: rows, strides, offsets: [x.layout.offset, out.layout.offset] }, strides, ([ix, io]) => {
    for (let n = 0; n < rows[last]; n++, i++) target[io + n * strides[1][last]] = keeps(i) ? source[ix + n * strides[0][last]] * scale : 0;
  });
}

/** factors[j] = what dropout multiplies value `start + j` of a stream by: 0 or 1/(1 − p). */
export function dropFactors(state: GeneratorState, start: number, p: number, factors: Float64Array): void {
  const scale = p === 1 ? 0 : 1 / (1 - p);
  const keeps = maskOf(state, p);
  for (let j = 0; j < factors.length; j++) factors[j] = keeps(start + j) ? scale : 0;
}
