import type { Fields } from '../fields.ts';
import { ForCausalLM } from '../models/causalLm.ts';
import type { Family } from '../models/family.ts';
import {
  BaseModel, ForMaskedLM, ForMultipleChoice, ForNextSentencePrediction, ForPairPreTraining, ForQuestionAnswering, ForSequenceClassification,
  ForTokenClassification,
} from '../models/models.ts';
import { bertBodyKeys, bertEncoder, bertHeadKeys, bertHeads } from './common.ts';

/** Published sizes (Turc et al., arXiv 1908.08962; Devlin et al., arXiv 1810.04805). */
const size = (layers: number, hidden: number) => ({ numHiddenLayers: layers, hiddenSize: hidden, numAttentionHeads: hidden / 64, intermediateSize: 4 * hidden });

/** BERT (Devlin et al., arXiv 1810.04805): norm last, learned positions, two kinds of tokens. */
const bert: Family = {
  modelType: 'bert',
  name: 'Bert',
  prefix: 'bert',
  tokenizer: 'wordpiece',
  parse(fields: Fields) {
    const encoder = bertEncoder(fields);
    return { encoder, heads: bertHeads(fields, encoder, fields.probabilityOr('classifier_dropout', encoder.dropout.attentionOutput)) };
  },
  bodyKeys: () => bertBodyKeys,
  headKeys: bertHeadKeys,
  presets: { tiny: size(2, 128), mini: size(4, 256), small: size(4, 512), medium: size(8, 512), base: size(12, 768), large: size(24, 1024) },
};

export class BertModel extends BaseModel {
  static override readonly family: Family = bert;
}
export class BertForMaskedLM extends ForMaskedLM {
  static override readonly family: Family = bert;
}
export class BertLMHeadModel extends ForCausalLM {
  static override readonly family: Family = bert;
}
export class BertForPreTraining extends ForPairPreTraining {
  static override readonly family: Family = bert;
}
export class BertForNextSentencePrediction extends ForNextSentencePrediction {
  static override readonly family: Family = bert;
}
export class BertForSequenceClassification extends ForSequenceClassification {
  static override readonly family: Family = bert;
}
export class BertForMultipleChoice extends ForMultipleChoice {
  static override readonly family: Family = bert;
}
export class BertForTokenClassification extends ForTokenClassification {
  static override readonly family: Family = bert;
}
export class BertForQuestionAnswering extends ForQuestionAnswering {
  static override readonly family: Family = bert;
}
