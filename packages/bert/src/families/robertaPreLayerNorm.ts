import type { KeyTemplates } from '../checkpoint/keys.ts';
import { ForCausalLM } from '../models/causalLm.ts';
import type { Family } from '../models/family.ts';
import {
  BaseModel, ForMaskedLM, ForMultipleChoice, ForQuestionAnswering, ForSequenceClassification, ForTokenClassification,
} from '../models/models.ts';
import { attentionKeys, bertEmbeddingKeys, poolerKeys, robertaHeadKeys } from './common.ts';
import { robertaEncoder, robertaHeads } from './robertaBase.ts';

const bodyKeys: KeyTemplates = [
  ...bertEmbeddingKeys,
  ...attentionKeys,
  ['encoder.layer.{i}.attention.LayerNorm.{p}', 'encoder.layers.{i}.attentionNorm.{p}'],
  ['encoder.layer.{i}.crossattention.LayerNorm.{p}', 'encoder.layers.{i}.crossAttentionNorm.{p}'],
  ['encoder.layer.{i}.intermediate.LayerNorm.{p}', 'encoder.layers.{i}.feedForwardNorm.{p}'],
  ['encoder.layer.{i}.intermediate.dense.{p}', 'encoder.layers.{i}.feedForward.input.{p}'],
  ['encoder.layer.{i}.output.dense.{p}', 'encoder.layers.{i}.feedForward.output.{p}'],
  ['LayerNorm.{p}', 'encoder.norm.{p}'],
  ...poolerKeys,
];

/** RoBERTa with the norms first (Ott et al., arXiv 1904.01038). */
const robertaPreLayerNorm: Family = {
  modelType: 'roberta-prelayernorm',
  name: 'RobertaPreLayerNorm',
  prefix: 'roberta_prelayernorm',
  tokenizer: 'bytebpe',
  parse(fields) {
    const encoder = { ...robertaEncoder(fields, 50265), normPlace: 'first', finalNorm: true } as const;
    return { encoder, heads: robertaHeads(fields, encoder) };
  },
  bodyKeys: () => bodyKeys,
  headKeys: robertaHeadKeys,
  tokens: { bosTokenId: 0, eosTokenId: 2 },
};

export class RobertaPreLayerNormModel extends BaseModel {
  static override readonly family: Family = robertaPreLayerNorm;
}
export class RobertaPreLayerNormForMaskedLM extends ForMaskedLM {
  static override readonly family: Family = robertaPreLayerNorm;
}
export class RobertaPreLayerNormForCausalLM extends ForCausalLM {
  static override readonly family: Family = robertaPreLayerNorm;
}
export class RobertaPreLayerNormForSequenceClassification extends ForSequenceClassification {
  static override readonly family: Family = robertaPreLayerNorm;
}
export class RobertaPreLayerNormForMultipleChoice extends ForMultipleChoice {
  static override readonly family: Family = robertaPreLayerNorm;
}
export class RobertaPreLayerNormForTokenClassification extends ForTokenClassification {
  static override readonly family: Family = robertaPreLayerNorm;
}
export class RobertaPreLayerNormForQuestionAnswering extends ForQuestionAnswering {
  static override readonly family: Family = robertaPreLayerNorm;
}
