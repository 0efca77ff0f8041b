import { ForCausalLM } from '../models/causalLm.ts';
import type { Family } from '../models/family.ts';
import {
  BaseModel, ForMaskedLM, ForMultipleChoice, ForNextSentencePrediction, ForPairPreTraining, ForQuestionAnswering,
  ForSequenceClassification, ForTokenClassification,
} from '../models/models.ts';
import { bertBodyKeys, bertEncoder, bertHeadKeys, bertHeads } from './common.ts';

/** ERNIE (Sun et al., arXiv 1907.12412): BERT, from version 2 on with a table of tasks. */
const ernie: Family = {
  modelType: 'ernie',
  name: 'Ernie',
  prefix: 'ernie',
  tokenizer: 'wordpiece',
  parse(fields) {
    const rows = fields.whole('task_type_vocab_size', 1, 1 << 16, 3);
    const encoder = { ...bertEncoder(fields), tasks: fields.flag('use_task_id', false) ? rows : 0 };
    return { encoder, heads: bertHeads(fields, encoder, fields.probabilityOr('classifier_dropout', encoder.dropout.embedding)) };
  },
  bodyKeys: () => bertBodyKeys,
  headKeys: bertHeadKeys,
};

export class ErnieModel extends BaseModel {
  static override readonly family: Family = ernie;
}
export class ErnieForMaskedLM extends ForMaskedLM {
  static override readonly family: Family = ernie;
}
export class ErnieForCausalLM extends ForCausalLM {
  static override readonly family: Family = ernie;
}
export class ErnieForPreTraining extends ForPairPreTraining {
  static override readonly family: Family = ernie;
}
export class ErnieForNextSentencePrediction extends ForNextSentencePrediction {
  static override readonly family: Family = ernie;
}
export class ErnieForSequenceClassification extends ForSequenceClassification {
  static override readonly family: Family = ernie;
}
export class ErnieForMultipleChoice extends ForMultipleChoice {
  static override readonly family: Family = ernie;
}
export class ErnieForTokenClassification extends ForTokenClassification {
  static override readonly family: Family = ernie;
}
export class ErnieForQuestionAnswering extends ForQuestionAnswering {
  static override readonly family: Family = ernie;
}
