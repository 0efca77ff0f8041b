import type { KeyTemplates } from '../checkpoint/keys.ts';
import { ForCausalLM } from '../models/causalLm.ts';
import type { Family } from '../models/family.ts';
import {
  BaseModel, ForMaskedLM, ForMultipleChoice, ForNextSentencePrediction, ForPairPreTraining, ForQuestionAnswering,
  ForSequenceClassification, ForTokenClassification,
} from '../models/models.ts';
import { attentionKeys, bertEmbeddingKeys, bertEncoder, bertHeadKeys, bertHeads, poolerKeys } from './common.ts';

const bodyKeys: KeyTemplates = [
  ...bertEmbeddingKeys,
  ...attentionKeys,
  ['encoder.layer.{i}.attention.ln.{p}', 'encoder.layers.{i}.attentionNorm.{p}'],
  ['encoder.layer.{i}.crossattention.ln.{p}', 'encoder.layers.{i}.crossAttentionNorm.{p}'],
  ['encoder.layer.{i}.ln.{p}', 'encoder.layers.{i}.feedForwardNorm.{p}'],
  ['encoder.layer.{i}.intermediate.dense.{p}', 'encoder.layers.{i}.feedForward.input.{p}'],
  ['encoder.layer.{i}.output.dense.{p}', 'encoder.layers.{i}.feedForward.output.{p}'],
  ['encoder.ln.{p}', 'encoder.norm.{p}'],
  ...poolerKeys,
];

/** Megatron-BERT (Shoeybi et al., arXiv 1909.08053): BERT with the norms first, and none after the embeddings. */
const megatronBert: Family = {
  modelType: 'megatron-bert',
  name: 'MegatronBert',
  prefix: 'bert',
  tokenizer: 'wordpiece',
  parse(fields) {
    const defaults = { vocabSize: 29056, hiddenSize: 1024, layers: 24, heads: 16, intermediateSize: 4096 };
    const encoder = { ...bertEncoder(fields, defaults), embeddingNorm: null, normPlace: 'first', finalNorm: true } as const;
    return { encoder, heads: bertHeads(fields, encoder, encoder.dropout.embedding) };
  },
  bodyKeys: () => bodyKeys,
  headKeys: bertHeadKeys,
};

export class MegatronBertModel extends BaseModel {
  static override readonly family: Family = megatronBert;
}
export class MegatronBertForMaskedLM extends ForMaskedLM {
  static override readonly family: Family = megatronBert;
}
export class MegatronBertForCausalLM extends ForCausalLM {
  static override readonly family: Family = megatronBert;
}
export class MegatronBertForPreTraining extends ForPairPreTraining {
  static override readonly family: Family = megatronBert;
}
export class MegatronBertForNextSentencePrediction extends ForNextSentencePrediction {
  static override readonly family: Family = megatronBert;
}
export class MegatronBertForSequenceClassification extends ForSequenceClassification {
  static override readonly family: Family = megatronBert;
}
export class MegatronBertForMultipleChoice extends ForMultipleChoice {
  static override readonly family: Family = megatronBert;
}
export class MegatronBertForTokenClassification extends ForTokenClassification {
  static override readonly family: Family = megatronBert;
}
export class MegatronBertForQuestionAnswering extends ForQuestionAnswering {
  static override readonly family: Family = megatronBert;
}
