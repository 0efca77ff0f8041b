import type { Fields } from '../fields.ts';
import type { HeadSpecs } from '../heads/spec.ts';
import type { EncoderConfig } from '../config.ts';
import type { Family } from '../models/family.ts';
import {
  BaseModel, ForCausalLM, ForMaskedLM, ForMultipleChoice, ForQuestionAnswering, ForSequenceClassification, ForTokenClassification,
} from '../models/models.ts';
import { bertBodyKeys, bertEncoder, bertHeads, denseClassifier, maskedLm, plainClassifier, robertaHeadKeys } from './common.ts';

/** BERT with positions that are counted from the padding id, whatever the attention mask says. */
export function robertaEncoder(fields: Fields, vocabSize: number): EncoderConfig {
  const encoder = bertEncoder(fields, { vocabSize, padding: 1 });
  return { ...encoder, positions: { kind: 'learned', length: encoder.maxPositions, fromPadding: true } };
}

/** Classifiers of sequences look at the first token through a layer of their own; the one of choices at the pooler. */
export function robertaHeads(fields: Fields, encoder: EncoderConfig): HeadSpecs {
  const hidden = encoder.dropout.embedding;
  const dropout = fields.probabilityOr('classifier_dropout', hidden);
  return {
    ...bertHeads(fields, encoder, dropout),
    maskedLm: maskedLm(fields, encoder, 'gelu'),
    pretraining: null,
    sequence: denseClassifier('tanh', dropout),
    choice: plainClassifier('pooler', hidden),
  };
}

function family(modelType: string, name: string, tokenizer: Family['tokenizer'], vocabSize: number): Family {
  return {
    modelType, name, tokenizer,
    prefix: 'roberta',
    parse(fields) {
      const encoder = robertaEncoder(fields, vocabSize);
      return { encoder, heads: robertaHeads(fields, encoder) };
    },
    bodyKeys: () => bertBodyKeys,
    headKeys: robertaHeadKeys,
  };
}

/** RoBERTa (Liu et al., arXiv 1907.11692). */
export const roberta: Family = family('roberta', 'Roberta', 'bytebpe', 50265);
/** XLM-RoBERTa (Conneau et al., arXiv 1911.02116): the same model, another vocabulary. */
export const xlmRoberta: Family = family('xlm-roberta', 'XLMRoberta', 'unigram', 30522);
/** CamemBERT (Martin et al., arXiv 1911.03894): the same model, another vocabulary. */
export const camembert: Family = family('camembert', 'Camembert', 'unigram', 30522);

export class RobertaModel extends BaseModel {
  static override readonly family: Family = roberta;
}
export class RobertaForMaskedLM extends ForMaskedLM {
  static override readonly family: Family = roberta;
}
export class RobertaForCausalLM extends ForCausalLM {
  static override readonly family: Family = roberta;
}
export class RobertaForSequenceClassification extends ForSequenceClassification {
  static override readonly family: Family = roberta;
}
export class RobertaForMultipleChoice extends ForMultipleChoice {
  static override readonly family: Family = roberta;
}
export class RobertaForTokenClassification extends ForTokenClassification {
  static override readonly family: Family = roberta;
}
export class RobertaForQuestionAnswering extends ForQuestionAnswering {
  static override readonly family: Family = roberta;
}

export class XLMRobertaModel extends BaseModel {
  static override readonly family: Family = xlmRoberta;
}
export class XLMRobertaForMaskedLM extends ForMaskedLM {
  static override readonly family: Family = xlmRoberta;
}
export class XLMRobertaForCausalLM extends ForCausalLM {
  static override readonly family: Family = xlmRoberta;
}
export class XLMRobertaForSequenceClassification extends ForSequenceClassification {
  static override readonly family: Family = xlmRoberta;
}
export class XLMRobertaForMultipleChoice extends ForMultipleChoice {
  static override readonly family: Family = xlmRoberta;
}
export class XLMRobertaForTokenClassification extends ForTokenClassification {
  static override readonly family: Family = xlmRoberta;
}
export class XLMRobertaForQuestionAnswering extends ForQuestionAnswering {
  static override readonly family: Family = xlmRoberta;
}

export class CamembertModel extends BaseModel {
  static override readonly family: Family = camembert;
}
export class CamembertForMaskedLM extends ForMaskedLM {
  static override readonly family: Family = camembert;
}
export class CamembertForCausalLM extends ForCausalLM {
  static override readonly family: Family = camembert;
}
export class CamembertForSequenceClassification extends ForSequenceClassification {
  static override readonly family: Family = camembert;
}
export class CamembertForMultipleChoice extends ForMultipleChoice {
  static override readonly family: Family = camembert;
}
export class CamembertForTokenClassification extends ForTokenClassification {
  static override readonly family: Family = camembert;
}
export class CamembertForQuestionAnswering extends ForQuestionAnswering {
  static override readonly family: Family = camembert;
}
