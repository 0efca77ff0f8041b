/** Losses on logits and log-probabilities, as PyTorch's functions of these names compute them. */
export { crossEntropy, nllLoss, type CrossEntropyOptions, type NllLossOptions } from '@strided/tensor';
