export { exp, sigmoid, tanh, gelu, geluTanh, silu, geluBackward, geluTanhBackward, siluBackward } from '../elementwise';
export { softmax, logSoftmax, softmaxBackward, logSoftmaxBackward } from '../softmax';
export { crossEntropy, crossEntropyBackward } from '../crossEntropy';
export { layerNorm, layerNormBackward, layerNormSums } from '../layerNorm';
export { dropout } from '../dropout';
