import { activationNames } from '../activation.ts';
import type { EncoderConfig } from '../config.ts';
import type { Family } from '../models/family.ts';
import { BaseModel, ForMaskedLM, ForMultipleChoice, ForQuestionAnswering, ForSequenceClassification, ForTokenClassification } from '../models/models.ts';
import { encoderSizes, labels, layerNorm, maskedLm, noDropout, plainClassifier, questionKeys, classifierKeys } from './common.ts';

/** A classifier behind a layer of its own, which the file has beside it. */
const preClassifierKeys = [['pre_classifier.{p}', 'classificationHead.dense.{p}'], ...classifierKeys] as const;

/** DistilBERT (Sanh et al., arXiv 1910.01108): half of BERT's layers, no token types, no pooler, other names throughout. */
const distilbert: Family = {
  modelType: 'distilbert',
  name: 'DistilBert',
  prefix: 'distilbert',
  tokenizer: 'wordpiece',
  parse(fields) {
    const p = fields.probability('dropout', 0.1);
    const sizes = encoderSizes(fields, { hiddenSize: 'dim', layers: 'n_layers', heads: 'n_heads', intermediateSize: 'hidden_dim' }, { layers: 6 });
    const norm = layerNorm(1e-12);
    const encoder: EncoderConfig = {
      ...sizes,
      embeddingNorm: norm,
      positions: { kind: 'learned', length: sizes.maxPositions, fromPadding: false, sines: fields.flag('sinusoidal_pos_embds', false) },
      segments: 0,
      norm,
      attention: { kind: 'dot', bias: true, fused: false, rotary: null, relativeBias: null },
      feedForward: { kind: 'plain', activation: fields.choice('activation', activationNames, 'gelu'), bias: true },
      dropout: { ...noDropout, embedding: p, attention: fields.probability('attention_dropout', 0.1), feedForwardOutput: p },
    };
    const sequence = { ...plainClassifier('first', fields.probability('seq_classif_dropout', 0.2)), dense: { bias: true }, activation: 'relu' } as const;
    return {
      encoder,
      heads: {
        ...labels(fields),
        pooler: false,
        maskedLm: { ...maskedLm(fields, encoder), biasBeside: false },
        pretraining: null,
        sequence,
        choice: sequence,
        token: plainClassifier('tokens', p),
        question: plainClassifier('tokens', fields.probability('qa_dropout', 0.1)),
      },
    };
  },
  bodyKeys: () => [
    ['embeddings.word_embeddings.{p}', 'encoder.embedding.token.{p}'],
    ['embeddings.position_embeddings.{p}', 'encoder.embedding.position.{p}'],
    ['embeddings.LayerNorm.{p}', 'encoder.embedding.norm.{p}'],
    ['transformer.layer.{i}.attention.q_lin.{p}', 'encoder.layers.{i}.attention.query.{p}'],
    ['transformer.layer.{i}.attention.k_lin.{p}', 'encoder.layers.{i}.attention.key.{p}'],
    ['transformer.layer.{i}.attention.v_lin.{p}', 'encoder.layers.{i}.attention.value.{p}'],
    ['transformer.layer.{i}.attention.out_lin.{p}', 'encoder.layers.{i}.attention.output.{p}'],
    ['transformer.layer.{i}.sa_layer_norm.{p}', 'encoder.layers.{i}.attentionNorm.{p}'],
    ['transformer.layer.{i}.ffn.lin1.{p}', 'encoder.layers.{i}.feedForward.input.{p}'],
    ['transformer.layer.{i}.ffn.lin2.{p}', 'encoder.layers.{i}.feedForward.output.{p}'],
    ['transformer.layer.{i}.output_layer_norm.{p}', 'encoder.layers.{i}.feedForwardNorm.{p}'],
  ],
  headKeys: {
    maskedLm: [
      ['vocab_transform.{p}', 'lmHead.dense.{p}'],
      ['vocab_layer_norm.{p}', 'lmHead.norm.{p}'],
      ['vocab_projector.{p}', 'lmHead.decoder.{p}'],
    ],
    sequence: preClassifierKeys,
    choice: preClassifierKeys,
    token: classifierKeys,
    question: questionKeys,
  },
};

export class DistilBertModel extends BaseModel {
  static override readonly family: Family = distilbert;
}
export class DistilBertForMaskedLM extends ForMaskedLM {
  static override readonly family: Family = distilbert;
}
export class DistilBertForSequenceClassification extends ForSequenceClassification {
  static override readonly family: Family = distilbert;
}
export class DistilBertForMultipleChoice extends ForMultipleChoice {
  static override readonly family: Family = distilbert;
}
export class DistilBertForTokenClassification extends ForTokenClassification {
  static override readonly family: Family = distilbert;
}
export class DistilBertForQuestionAnswering extends ForQuestionAnswering {
  static override readonly family: Family = distilbert;
}
