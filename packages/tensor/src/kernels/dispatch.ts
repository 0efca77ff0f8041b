import { sizeOf } from '../layout.ts';
import type { View } from '../storage.ts';
import type { Kernels } from './contract.ts';
import { jsKernels as js } from './js/index.ts';
import { columnsOf, oneByOne } from './linears.ts';
import * as arithmetic from './wasm/arithmetic.ts';
import { adamW, takesAdamW } from './wasm/adamW.ts';
import * as attention from './wasm/attention.ts';
import { crossEntropy, crossEntropyBackward, takesCrossEntropy, takesCrossEntropyBackward } from './wasm/crossEntropy.ts';
import { dropout, takesDropout } from './wasm/dropout.ts';
import * as elementwise from './wasm/elementwise.ts';
import * as halves from './wasm/halves.ts';
import * as norm from './wasm/layerNorm.ts';
import * as lookup from './wasm/lookup.ts';
import * as products from './wasm/matmul.ts';
import { copy, takesCopy } from './wasm/move.ts';
import { isPlaced } from './wasm/operands.ts';
import * as panels from './wasm/panels.ts';
import { reduce, takesReduce } from './wasm/reduce.ts';
import type { Runtime } from './wasm/runtime.ts';
import { currentRuntime, startedRuntime } from './wasm/settings.ts';
import * as softmax from './wasm/softmax.ts';
import * as choice from './wasm/where.ts';

/** Operands of fewer values are copied to the others. */
const small = 1 << 11;

/**
 * The runtime in whose memory all these views lie, but for small ones. What waits for memory is faster there than the
 * js loops only if nothing must be copied in or out; it gives the same bits, so for it alone this may decide.
 */
function runtimeAround(...views: readonly View[]): Runtime | null {
  const runtime = startedRuntime();
  if (runtime === null) return null;
  for (const view of views) if (view.storage.length >= small && !isPlaced(runtime.heap, view)) return null;
  return runtime;
}

/** About how many multiply-adds a function of a view's values takes: one of them costs 20 to 120. */
const workOn = (x: View): number => sizeOf(x.layout.shape) * 50;

/**
 * The kernels that ops call: the only place that chooses a level. Which one takes a call follows from the op, the
 * dtype, the shape and the layout alone; the first that a WebAssembly level would take starts it.
 */
export const kernels: Kernels = {
  ...js,

  matmul(a, b, out) {
    const runtime = products.takesProduct(a, out) ? currentRuntime(products.workOf(a, out)) : null;
    if (runtime === null) js.matmul(a, b, out);
    else products.matmul(runtime, a, b, out);
  },

  linear(x, weight, epilogue, out) {
    const runtime = products.takesProduct(x, out) ? currentRuntime(products.workOf(x, out)) : null;
    if (runtime === null) js.linear(x, weight, epilogue, out);
    else panels.linear(runtime, x, weight, epilogue, out);
  },

  linears(x, weights, biases, out) {
    // Each would be taken alone as well: the js loops round otherwise.
    const takes = columnsOf(weights, out).every((part) => products.takesProduct(x, part));
    const runtime = takes ? currentRuntime(products.workOf(x, out)) : null;
    if (runtime === null || !panels.linears(runtime, x, weights, biases, out)) oneByOne(kernels.linear, x, weights, biases, out);
  },

  adamW(parameter, gradient, m, v, settings) {
    const runtime = takesAdamW(parameter) ? currentRuntime(workOn(parameter)) : null;
    if (runtime === null) js.adamW(parameter, gradient, m, v, settings);
    else adamW(runtime, parameter, gradient, m, v, settings);
  },

  unary(name, x, out) {
    if (elementwise.takesUnary(name, x, out)) {
      const runtime = currentRuntime(workOn(x));
      if (runtime !== null) {
        elementwise.unary(runtime, name, x, out);
        return;
      }
    }
    const runtime = arithmetic.takesUnary(name, x, out) ? runtimeAround(x, out) : null;
    if (runtime === null) js.unary(name, x, out);
    else arithmetic.unary(runtime, name, x, out);
  },

  binary(name, a, b, out) {
    const runtime = arithmetic.takesBinary(name, a, b, out) ? runtimeAround(a, b, out) : null;
    if (runtime === null) js.binary(name, a, b, out);
    else arithmetic.binary(runtime, name, a, b, out);
  },

  accumulate(x, out) {
    const runtime = arithmetic.takesAccumulate(x, out) ? runtimeAround(x, out) : null;
    if (runtime === null) js.accumulate(x, out);
    else arithmetic.accumulate(runtime, x, out);
  },

  copy(x, out) {
    const take = takesCopy(x, out) ? copy : arithmetic.takesCast(x, out) ? arithmetic.cast : choice.takesBools(x, out) ? choice.fromBools : null;
    const runtime = take === null ? null : runtimeAround(x, out);
    if (take === null || runtime === null) js.copy(x, out);
    else take(runtime, x, out);
  },

  where(condition, a, b, out) {
    const runtime = choice.takesWhere(condition, a, b, out) ? runtimeAround(condition, a, b, out) : null;
    if (runtime === null) js.where(condition, a, b, out);
    else choice.where(runtime, condition, a, b, out);
  },

  reduce(name, x, out) {
    const runtime = takesReduce(name, x, out) ? currentRuntime(workOn(x)) : null;
    if (runtime === null) js.reduce(name, x, out);
    else reduce(runtime, name, x, out);
  },

  widen(format, bits, out) {
    const runtime = halves.takesHalves(out.length, startedRuntime() !== null) ? currentRuntime(out.length) : null;
    if (runtime === null) js.widen(format, bits, out);
    else halves.widen(runtime, format, bits, out);
  },

  narrow(format, x, out) {
    const runtime = halves.takesHalves(out.length, startedRuntime() !== null) ? currentRuntime(out.length) : null;
    if (runtime === null) js.narrow(format, x, out);
    else halves.narrow(runtime, format, x, out);
  },

  indexSelect(x, axis, index, out) {
    if (lookup.rowsOfFolded(x, axis, index, out)) return;
    const runtime = lookup.takesLookup(x, axis, out) ? runtimeAround(x, out) : null;
    if (runtime === null) js.indexSelect(x, axis, index, out);
    else lookup.indexSelect(runtime, x, axis, index, out);
  },

  indexAdd(x, axis, index, out) {
    const runtime = lookup.takesLookup(out, axis, x) ? runtimeAround(x, out) : null;
    if (runtime === null) js.indexAdd(x, axis, index, out);
    else lookup.indexAdd(runtime, x, axis, index, out);
  },

  activationBackward(name, value, g, out) {
    const runtime = elementwise.takesActivationBackward(name, value, out) ? currentRuntime(workOn(value)) : null;
    if (runtime === null) js.activationBackward(name, value, g, out);
    else elementwise.activationBackward(runtime, name, value, g, out);
  },

  dropout(x, p, state, out) {
    const runtime = takesDropout(x, p, state, out) ? currentRuntime(workOn(x)) : null;
    if (runtime === null) js.dropout(x, p, state, out);
    else dropout(runtime, x, p, state, out);
  },

  crossEntropy(logits, targets, losses, logSumExp) {
    const runtime = takesCrossEntropy(logits) ? currentRuntime(workOn(logits)) : null;
    if (runtime === null) js.crossEntropy(logits, targets, losses, logSumExp);
    else crossEntropy(runtime, logits, targets, losses, logSumExp);
  },

  crossEntropyBackward(logits, targets, logSumExp, g, out) {
    const runtime = takesCrossEntropyBackward(logits, out) ? currentRuntime(workOn(logits)) : null;
    if (runtime === null) js.crossEntropyBackward(logits, targets, logSumExp, g, out);
    else crossEntropyBackward(runtime, logits, targets, logSumExp, g, out);
  },

  softmax(x, out) {
    const runtime = softmax.takesRows(x, out) ? currentRuntime(workOn(x)) : null;
    if (runtime === null) js.softmax(x, out);
    else softmax.rows(runtime, 'softmax', x, null, out);
  },

  softmaxBackward(y, g, out) {
    const runtime = softmax.takesRows(y, out) ? currentRuntime(workOn(y)) : null;
    if (runtime === null) js.softmaxBackward(y, g, out);
    else softmax.rows(runtime, 'softmaxBackward', y, g, out);
  },

  logSoftmax(x, out) {
    const runtime = softmax.takesRows(x, out) ? currentRuntime(workOn(x)) : null;
    if (runtime === null) js.logSoftmax(x, out);
    else softmax.rows(runtime, 'logSoftmax', x, null, out);
  },

  logSoftmaxBackward(y, g, out) {
    const runtime = softmax.takesRows(y, out) ? currentRuntime(workOn(y)) : null;
    if (runtime === null) js.logSoftmaxBackward(y, g, out);
    else softmax.rows(runtime, 'logSoftmaxBackward', y, g, out);
  },

  layerNorm(form, epsilon, x, weight, bias, out, statistics) {
    const runtime = softmax.takesRows(x, out) ? currentRuntime(workOn(x)) : null;
    if (runtime === null) js.layerNorm(form, epsilon, x, weight, bias, out, statistics);
    else norm.layerNorm(runtime, form, epsilon, x, weight, bias, out, statistics);
  },

  layerNormBackward(form, x, weight, g, statistics, out) {
    const runtime = softmax.takesRows(x, x) ? currentRuntime(workOn(x)) : null;
    if (runtime === null) js.layerNormBackward(form, x, weight, g, statistics, out);
    else norm.layerNormBackward(runtime, form, x, weight, g, statistics, out);
  },

  attention(q, k, v, mask, options, out, logSumExp) {
    const runtime = attention.takesAttention(q, v, mask, options) ? currentRuntime(attention.workOf(q, v, options)) : null;
    if (runtime === null) js.attention(q, k, v, mask, options, out, logSumExp);
    else attention.attention(runtime, q, k, v, mask, options, out, logSumExp);
  },

  attentionBackward(q, k, v, mask, options, logSumExp, g, out) {
    const runtime = attention.takesAttention(q, v, mask, options) ? currentRuntime(attention.workOf(q, v, options)) : null;
    if (runtime === null) js.attentionBackward(q, k, v, mask, options, logSumExp, g, out);
    else attention.attentionBackward(runtime, q, k, v, mask, options, logSumExp, g, out);
  },
};
