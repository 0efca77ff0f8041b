/** Layers, losses, optimisers and the trainer. */
export { Module, type LoadReport, type StateDict } from './module.ts';
export { Parameter } from './parameter.ts';
export * as init from './init.ts';
export { Linear } from './linear.ts';
export { Embedding } from './embedding.ts';
export { LayerNorm, type LayerNormOptions } from './layerNorm.ts';
export { Dropout } from './dropout.ts';
export { GELU } from './activation.ts';
export { MultiHeadAttention, type AttentionInputs, type AttentionResult, type MultiHeadAttentionOptions } from './attention.ts';
export { nllLoss, type NllOptions } from './loss.ts';
export { Optimizer, type ActiveGroup, type OptimizerState, type ParameterGroup } from './optim/optimizer.ts';
export { AdamW, type AdamWSettings } from './optim/adamw.ts';
export { constantSchedule, inverseRootSchedule, linearSchedule, type Progress, type Schedule } from './optim/schedule.ts';
export { clipGradNorm } from './optim/clip.ts';
