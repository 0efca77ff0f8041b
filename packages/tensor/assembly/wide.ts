export { packB, multiplyPacked, multiplyColumns, multiplyEach, packedBytes, scratchBytes } from './matmul/product';
export { exp, sigmoid, tanh, gelu, geluTanh, silu, geluBackward, geluTanhBackward, siluBackward } from './elementwise';
export { softmax, logSoftmax, softmaxBackward, logSoftmaxBackward } from './softmax';
export { layerNorm, layerNormBackward, layerNormSums } from './layerNorm';
export { attention } from './attention/forward';
export { attentionBackward } from './attention/backward';
export { attentionBytes } from './attention/workspace';
export { dropout } from './dropout';
export { probe } from './probe';
