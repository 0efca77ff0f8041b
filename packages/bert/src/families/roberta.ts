import { ForCausalLM } from '../models/causalLm.ts';
import type { Family } from '../models/family.ts';
import {
  BaseModel, ForMaskedLM, ForMultipleChoice, ForQuestionAnswering, ForSequenceClassification, ForTokenClassification,
} from '../models/models.ts';
import { bertBodyKeys, robertaHeadKeys } from './common.ts';
import { robertaEncoder, robertaHeads } from './robertaBase.ts';

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
    tokens: { bosTokenId: 0, eosTokenId: 2 },
  };
}

/** RoBERTa (Liu et al., arXiv 1907.11692). */
const roberta: Family = family('roberta', 'Roberta', 'bytebpe', 50265);
/** XLM-RoBERTa (Conneau et al., arXiv 1911.02116): the same model, another vocabulary. */
const xlmRoberta: Family = family('xlm-roberta', 'XLMRoberta', 'unigram', 30522);
/** CamemBERT (Martin et al., arXiv 1911.03894): the same model, another vocabulary. */
const camembert: Family = family('camembert', 'Camembert', 'unigram', 30522);

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
