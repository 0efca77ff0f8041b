/** Strided arrays with automatic differentiation. */
export { Tensor, type Nested } from './tensor.ts';
export {
  arange, empty, eye, fromTypedArray, full, fullLike, linspace, oneHot, ones, onesLike, tensor, zeros, zerosLike, type NestedValues, type TensorOptions,
} from './creation.ts';
export { bernoulli, permutation, rand, randint, randLike, randn, randnLike, type RandomOptions } from './randomCreation.ts';
export { enableConsoleFormatter } from './interop/consoleFormatter.ts';
export { fromNdarray, type NdarrayLike } from './interop/fromNdarray.ts';
export { configure, engineInfo, ready, type EngineInfo, type EngineOptions, type KernelLevel } from './engine.ts';
export { detectAnomaly, type AnomalyOptions } from './anomaly.ts';
export { backward, enableGrad, grad, isGradEnabled, noGrad, type BackwardOptions, type GradOptions } from './autograd.ts';
export type { Hook } from './ops/op.ts';
export { persist, type PersistOptions } from './persist.ts';
export { keep, scope, type ScopeOptions } from './scope.ts';
export { checkpoint, type CheckpointOptions } from './checkpoint.ts';
export {
  abs, acos, add, asin, atan, atan2, cast, ceil, clamp, cos, div, eq, erf, exp, expm1, floor, floorDivide, ge, gelu, gt, isFinite, isInf, isNaN,
  le, log, log10, log1p, log2, logicalAnd, logicalNot, logicalOr, logicalXor, lt, maximum, minimum, mod, mul, ne, neg, pow, reciprocal, relu,
  round, rsqrt, sigmoid, sign, silu, sin, softplus, sqrt, square, sub, tan, tanh, trunc, where, type Operand,
} from './ops/elementwise.ts';
export { all, any, mean, prod, sum, type Axes, type ReduceOptions } from './ops/reduce.ts';
export { argmax, argmin, max, min } from './ops/extreme.ts';
export { logSumExp, norm, std, variance, type NormOptions, type VarianceOptions } from './ops/statistics.ts';
export { cumProd, cumSum } from './ops/scan.ts';
export { argSort, sort, topK, type Sorted, type SortOptions, type TopKOptions } from './ops/sort.ts';
export { bincount, nonZero, unique, type BincountOptions, type Unique, type UniqueOptions } from './ops/unique.ts';
export {
  chunk, clone, diagonal, expand, flatten, flip, narrow, permute, reshape, select, slice, split, squeeze, transpose, unbind, unsqueeze,
} from './ops/view.ts';
export { tril, triu } from './ops/triangle.ts';
export { einsum } from './ops/einsum.ts';
export { matmul } from './ops/matmul.ts';
export { dot, outer } from './ops/products.ts';
export { gather, scatter, scatterAdd } from './ops/gather.ts';
export { embedding, indexAdd, indexSelect, type EmbeddingOptions } from './ops/select.ts';
export { index, take } from './ops/take.ts';
export { maskedFill, maskedScatter, maskedSelect } from './ops/mask.ts';
export { concat, repeatInterleave, stack, tile } from './ops/join.ts';
export { pad, type PadOptions, type PadPair } from './ops/pad.ts';
export { assign } from './ops/assign.ts';
export { adamWStep, type AdamWStepOptions } from './ops/adamW.ts';
export { scaledDotProductAttention, type AttentionOptions } from './ops/attention.ts';
export { crossEntropy, type CrossEntropyOptions } from './ops/crossEntropy.ts';
export { dropout, type DropoutOptions } from './ops/dropout.ts';
export { layerNorm, rmsNorm, type LayerNormForm, type LayerNormOptions, type RmsNormOptions } from './ops/layerNorm.ts';
export { linear, type LinearOptions } from './ops/linear.ts';
export { linears } from './ops/linears.ts';
export { nllLoss, type NllLossOptions, type Reduction } from './ops/nllLoss.ts';
export { logSoftmax, softmax } from './ops/softmax.ts';
export { defaultGenerator, Generator, manualSeed, type GeneratorState } from './random.ts';
export { dtypes, type DType, type FileDType, type FloatDType, type ScalarOf, type TypedArray, type TypedArrayOf } from './dtype.ts';
export {
  ArgumentError, AutogradError, CheckpointError, DTypeError, EngineError, FormatError, IndexError, MemoryError, ScopeError, ShapeError, StridedError,
} from './errors.ts';
export {
  encodeSafetensors, loadSafetensors, openSafetensors, readTensor, saveSafetensors, saveSafetensorsSync, saveShardedSafetensors,
  type SaveOptions,
} from './io/safetensors/tensors.ts';
export { fillTensors, type FillOptions } from './io/safetensors/fill.ts';
export { sameTensors } from './io/safetensors/same.ts';
export type { TensorReader } from './io/safetensors/reader.ts';
export type { Named } from './io/safetensors/writer.ts';
export { blobSource, memorySource, type ByteInput, type ByteSource } from './io/source.ts';
