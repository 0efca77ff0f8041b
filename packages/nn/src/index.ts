/** Layers, losses, optimisers and the trainer. */
export { Module, type LoadReport, type StateDict } from './module.ts';
export { Parameter } from './parameter.ts';
export { TransientBuffer } from './buffer.ts';
export { functionalCall } from './functionalCall.ts';
export type { Layer } from './forward.ts';
export { summarize, Summary, type SummaryRow } from './summary.ts';
export { Identity, ModuleList, Sequential } from './containers.ts';
export * as init from './init.ts';
export { Linear, type AfterLinear } from './linear.ts';
export { linearWeights, persistWeights } from './linearWeights.ts';
export { Embedding } from './embedding.ts';
export { LayerNorm, type LayerNormOptions } from './layerNorm.ts';
export { RMSNorm, type RmsNormOptions } from './rmsNorm.ts';
export { Dropout } from './dropout.ts';
export { GELU, LogSoftmax, ReLU, Sigmoid, SiLU, Softmax, Softplus, Tanh, type ActivationName } from './activation.ts';
export { MultiHeadAttention, type AttentionInputs, type AttentionResult, type MultiHeadAttentionOptions } from './attention.ts';
export { KeyValueCache, type KeyValueCacheOptions } from './keyValueCache.ts';
export { TransformerDecoderLayer, TransformerEncoderLayer, type DecoderLayerInputs, type SelfAttentionInputs, type TransformerLayerOptions } from './transformer.ts';
export { LearnedPositions, SinusoidalPositions, sinusoidalTable } from './positions.ts';
export { RotaryPositions, type RotaryOptions } from './rotaryPositions.ts';
export { relativeBucket, RelativePositionBias, type RelativeBucketOptions } from './relativePositions.ts';
export {
  binaryCrossEntropyWithLogits, crossEntropy, huberLoss, infoNce, klDiv, l1Loss, mseLoss, nllLoss, type BinaryCrossEntropyOptions,
  type CrossEntropyOptions, type InfoNceOptions, type KlDivOptions, type LossOptions, type NllLossOptions,
} from './loss.ts';
export { addLora, loadLoraStateDict, LoraAdapter, loraStateDict, mergeLora, removeLora, type LoraOptions } from './lora.ts';
export type { Adapter } from './adapter.ts';
export { recompute } from './recompute.ts';
export { Optimizer, type ActiveGroup, type OptimizerState, type ParameterGroup } from './optim/optimizer.ts';
export { SGD, type SGDSettings } from './optim/sgd.ts';
export { Adam, type AdamSettings } from './optim/adam.ts';
export { AdamW, type AdamWSettings } from './optim/adamw.ts';
export type { MomentSettings } from './optim/moments.ts';
export { constantSchedule, cosineSchedule, inverseRootSchedule, linearSchedule, type Progress, type Schedule, type WarmupOptions } from './optim/schedule.ts';
export { clipGradNorm, clipGradValue } from './optim/clip.ts';
export { ExponentialMovingAverage, type AverageOptions } from './optim/average.ts';
export { TrainingError } from './errors.ts';
export { Trainer, type StepResult, type TrainerOptions } from './training/trainer.ts';
export type { PlanOptions } from './training/plan.ts';
export type { DataSource } from './training/dataSource.ts';
export { DataLoader, padSequences, type DataLoaderOptions, type LoaderPlace, type PaddedSequences, type PadOptions } from './training/dataLoader.ts';
export type { EarlyStopping, Goal } from './training/goal.ts';
export type { CheckpointOptions } from './training/checkpointFolder.ts';
export { readCheckpoint, type Checkpoint } from './training/checkpointFile.ts';
export type { Curve, Evaluations, MetricColumns, Metrics } from './training/curve.ts';
export {
  historyReporter, type CheckpointReport, type EndReport, type EvaluateReport, type HistoryReporter, type Reporter, type StartReport, type StepReport,
} from './training/reporter.ts';
export { trainingReport, type TrainingReportOptions } from './training/trainingReport.ts';
