import type { Kernels } from '../contract.ts';
import { argReduce } from './argReduce.ts';
import { adamW } from './adamW.ts';
import { attention, attentionBackward } from './attention.ts';
import { crossEntropy, crossEntropyBackward } from './crossEntropy.ts';
import { accumulate, copy, fill } from './convert.ts';
import { activationBackward, binary, unary, where } from './elementwise.ts';
import { narrow, widen } from './halves.ts';
import { gather, indexAdd, indexSelect, scatter } from './indexing.ts';
import { layerNorm, layerNormBackward } from './layerNorm.ts';
import { linear, linears, matmul } from './matmul.ts';
import { dropout, random } from './random.ts';
import { reduce } from './reduce.ts';
import { scan } from './scan.ts';
import { logSoftmax, logSoftmaxBackward, softmax, softmaxBackward } from './softmax.ts';
import { argSort, topK } from './sort.ts';

/** The reference level: every kernel, every dtype, any strides, no WebAssembly. */
export const jsKernels: Kernels = {
  copy, fill, unary, activationBackward, binary, where, accumulate,
  reduce, argReduce, scan, argSort, topK,
  matmul, linear, linears,
  widen, narrow,
  indexSelect, indexAdd, gather, scatter,
  random, dropout,
  softmax, softmaxBackward, logSoftmax, logSoftmaxBackward,
  layerNorm, layerNormBackward,
  attention, attentionBackward,
  adamW,
  crossEntropy, crossEntropyBackward,
};
