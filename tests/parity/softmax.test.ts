import { tensor, zeros, type Tensor } from '@strided/tensor';
import { expectClose, tensors } from '@strided/tensor/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsKernels } from '../../packages/tensor/src/kernels/js/index.ts';
import type { Runtime } from '../../packages/tensor/src/kernels/wasm/runtime.ts';
import { rows } from '../../packages/tensor/src/kernels/wasm/softmax.ts';
import { expectSameBits } from './bits.ts';
import { chosen, level, runtime, runtimeOf } from './levels.ts';

const lead = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 });
const columns = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(64, 100, 129));
const masked = fc.oneof({ arbitrary: fc.integer({ min: -4000, max: 4000 }).map((value) => value / 200), weight: 9 }, fc.constant(-Infinity));

const cases = fc.tuple(lead, columns).chain(([batch, C]) => {
  const shape = [...batch, C];
  return fc.record({ x: tensors({ shape, values: masked }), g: tensors({ shape }), out: tensors({ shape, layout: 'unshared' }) });
});

type Name = 'softmax' | 'logSoftmax';
const backwardOf = { softmax: 'softmaxBackward', logSoftmax: 'logSoftmaxBackward' } as const;

/** A forward and its gradient on a runtime, or in the js loops. */
function run(on: Runtime | null, name: Name, x: Tensor, g: Tensor, y: Tensor, gx: Tensor): void {
  if (on === null) {
    jsKernels[name](x, y);
    jsKernels[backwardOf[name]](y, g, gx);
  } else {
    rows(on, name, x, null, y);
    rows(on, backwardOf[name], y, g, gx);
  }
}

describe.skipIf(runtime === null)(`softmax and logSoftmax at level ${level}`, () => {
  it.each<Name>(['softmax', 'logSoftmax'])('%s and its gradient equal the js loops within 2e-6 of the largest value, on any layout', (name) => {
    fc.assert(fc.property(cases, ({ x, g, out }) => {
      const [y, exact, gx, exactGx] = Array.from({ length: 4 }, () => zeros(x.shape));
      run(null, name, x, g, exact, exactGx);
      run(chosen(), name, x, g, y, gx);
      // A row of nothing but −∞ is NaN in both; −∞ stays −∞ in logSoftmax.
      expectClose(y, exact, { rtol: 1e-6, atol: name === 'softmax' ? 1e-9 : 1e-5 });
      const scale = g.abs().sum().item() as number;
      expectClose(gx, exactGx, { rtol: 2e-6, atol: 1e-6 * (1 + scale) });
      rows(chosen(), name, x, null, out);
      expectSameValues(out, y);
    }));
  });

  it.each<Name>(['softmax', 'logSoftmax'])('%s of NaN and infinities is what the js loops make of them', (name) => {
    for (const row of [[NaN, 1, 2], [Infinity, 1, 2], [Infinity, Infinity, 1], [-Infinity, -Infinity, -Infinity], [-Infinity, 0, 1], [1e38, -1e38, 0]]) {
      for (const length of [3, 19]) {
        const x = tensor([Array.from({ length }, (_, i) => row[i % 3])]);
        const [y, exact] = [zeros(x.shape), zeros(x.shape)];
        rows(chosen(), name, x, null, y);
        jsKernels[name](x, exact);
        expectClose(y, exact, { rtol: 1e-6 });
      }
    }
  });

  it('a row of 30522 values sums to 1 within 1e-6', () => {
    const x = zeros([2, 30522]);
    for (let i = 0; i < x.size; i++) x.storage.data[i] = ((i * 7919) % 1009) / 50;
    const y = zeros(x.shape);
    rows(chosen(), 'softmax', x, null, y);
    expectClose(y.cast('float64').sum(-1), [1, 1], { atol: 1e-6 });
  });
});

function expectSameValues(actual: Tensor, expected: Tensor): void {
  expect(actual.toTypedArray()).toEqual(expected.toTypedArray());
}

const [narrow, wide] = [runtimeOf('relaxed'), runtimeOf('simd256')];

it.skipIf(narrow === null || wide === null)('relaxed and simd256 compute the same bits', () => {
  fc.assert(fc.property(cases, fc.constantFrom<Name>('softmax', 'logSoftmax'), ({ x, g }, name) => {
    const [y, gx, otherY, otherGx] = Array.from({ length: 4 }, () => zeros(x.shape));
    run(narrow, name, x, g, y, gx);
    run(wide, name, x, g, otherY, otherGx);
    expectSameBits(otherY, y);
    expectSameBits(otherGx, gx);
  }));
});
