import { ArgumentError, CheckpointError } from '@strided/tensor';
import { Fields, type Json } from '../fields.ts';
import { families } from '../auto.ts';
import type { Family } from '../models/family.ts';
import { ModelConfig } from '../models/modelConfig.ts';

/** What a pair is besides its two halves. */
export interface PairOptions {
  /** What the decoder's texts begin with, for example the tokenizer's `[CLS]`. */
  readonly decoderStartTokenId?: number | null;
  /** Default: the decoder's. */
  readonly padTokenId?: number | null;
}

/** The config of an encoder–decoder pair: those of its halves, and the ids that join them, which can be set. */
export class EncoderDecoderConfig {
  readonly encoder: ModelConfig;
  readonly decoder: ModelConfig;
  decoderStartTokenId: number | null;
  padTokenId: number | null;
  /** The file's own fields, without those of the halves. */
  readonly fields: Fields;

  /** @throws ArgumentError for a decoder without cross-attention. */
  constructor(encoder: ModelConfig, decoder: ModelConfig, fields: Fields, options: PairOptions = {}) {
    if (!decoder.encoder.causal || !decoder.encoder.crossAttention) {
      throw new ArgumentError(`${fields.file}: the decoder must see its own past and the encoder; set is_decoder and add_cross_attention in its config`);
    }
    this.encoder = encoder;
    this.decoder = decoder;
    this.fields = fields;
    fields.only('tie_encoder_decoder', [false], 'encoder and decoder have weights of their own');
    const id = (name: string): number | null => fields.wholeOrNull(name, 0, decoder.encoder.vocabSize - 1, null);
    this.decoderStartTokenId = options.decoderStartTokenId ?? id('decoder_start_token_id');
    this.padTokenId = options.padTokenId ?? id('pad_token_id') ?? decoder.encoder.paddingId;
  }

  /** Whether the encoder's states have another width than the decoder expects. */
  get projects(): boolean {
    return this.encoder.encoder.hiddenSize !== this.decoder.encoder.hiddenSize;
  }

  /** A parsed config.json. @throws CheckpointError naming the field that is wrong or not supported. */
  static fromJson(json: unknown, file: string, options: PairOptions = {}): EncoderDecoderConfig {
    const fields = new Fields(json, file);
    const type = fields.raw('model_type');
    if (type !== 'encoder-decoder') throw new CheckpointError(`${file}: model_type is ${JSON.stringify(type ?? null)}, not encoder-decoder; use the classes of that family, or AutoModel`);
    const half = (name: 'encoder' | 'decoder'): ModelConfig => {
      const inner = fields.inside(name);
      if (inner === null) throw new CheckpointError(`${file}: has no ${name}; a pair's config.json holds the configs of both`);
      return ModelConfig.fromJson(familyOf(inner), inner.json, inner.file);
    };
    const [encoder, decoder] = [half('encoder'), half('decoder')];
    // Only where it changes nothing.
    const width = encoder.encoder.hiddenSize;
    fields.inside('decoder')?.only('cross_attention_hidden_size', width === decoder.encoder.hiddenSize ? [width] : [], 'encoders of another width are projected');
    const { encoder: _encoder, decoder: _decoder, ...rest } = fields.json;
    return new EncoderDecoderConfig(encoder, decoder, new Fields(rest, file), options);
  }

  /** As config.json has it; the halves as they would be saved alone. */
  toJson(encoder: Json, decoder: Json): Json {
    const { torch_dtype: _old, ...rest } = this.fields.json;
    return {
      ...rest, model_type: 'encoder-decoder', is_encoder_decoder: true, architectures: ['EncoderDecoderModel'], dtype: decoder['dtype'],
      decoder_start_token_id: this.decoderStartTokenId, pad_token_id: this.padTokenId, encoder, decoder,
    };
  }
}

function familyOf(fields: Fields): Family {
  const type = fields.raw('model_type');
  const family = typeof type === 'string' ? families.get(type) : undefined;
  if (family === undefined) throw new CheckpointError(`${fields.file}: model_type ${JSON.stringify(type ?? null)} is not supported; there are ${[...families.keys()].sort().join(', ')}`);
  return family;
}
