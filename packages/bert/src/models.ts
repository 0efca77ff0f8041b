import { Module } from '@strided/nn';
import { loadSafetensors, type Tensor } from '@strided/tensor';
import { pathInFolder } from '@strided/tensor/files';
import { checkpointOf, loadCheckpoint } from './checkpoint.ts';
import { Decoder, NextSentenceHead } from './decoder.ts';
import { Encoder, type EncoderInputs } from './encoder.ts';
import { seedDefaults, seedEncoder, seedFromJson, seedKeys, seedToJson, type SeedConfig } from './families/seed.ts';
import { readJson, saveFolder } from './files.ts';

export interface SeedPretrainingOutput {
  /** [B, S, hidden] */
  readonly lastHiddenState: Tensor;
  /** Log-probabilities that the second sentence does not (0) or does (1) follow the first [B, 2]. */
  readonly nextSentence: Tensor;
  /** For every position, log-probabilities (in training) or probabilities of the vocabulary [B, S, V]. */
  readonly maskedLm: Tensor;
  readonly attentions: readonly Tensor[] | null;
}

/**
 * The seed's model, codertimo/BERT-pytorch's BERTLM: a norm-first encoder with a masked-word decoder and a
 * next-sentence head, of 768 hidden units, 12 layers and 12 heads unless told otherwise.
 *
 * @example
 * const model = new SeedBertForPreTraining({ vocabSize: 8000, hidden: 256, layers: 8, heads: 8 });
 * const { maskedLm } = model.forward({ inputIds, segmentLabels }); // [B, S, 8000]
 */
export class SeedBertForPreTraining extends Module {
  readonly config: Required<SeedConfig>;
  readonly bert: Encoder;
  readonly nextSentence: NextSentenceHead;
  readonly maskedLm: Decoder;

  constructor(config: SeedConfig) {
    super();
    this.config = seedDefaults(config);
    const encoder = seedEncoder(this.config);
    this.bert = new Encoder(encoder);
    this.nextSentence = new NextSentenceHead(encoder.hiddenSize);
    this.maskedLm = new Decoder(encoder.hiddenSize, encoder.vocabSize);
  }

  forward(inputs: EncoderInputs): SeedPretrainingOutput {
    const { lastHiddenState, attentions } = this.bert.forward(inputs);
    return {
      lastHiddenState,
      nextSentence: this.nextSentence.forward(lastHiddenState),
      maskedLm: this.maskedLm.forward(lastHiddenState),
      attentions,
    };
  }

  /** A model from a folder with config.json and model.safetensors, under the original's names; in evaluation mode. */
  static async fromPretrained(folder: string): Promise<SeedBertForPreTraining> {
    const file = pathInFolder(folder, 'config.json');
    const config = seedFromJson(await readJson(file), file);
    const weights = pathInFolder(folder, 'model.safetensors');
    const tensors = await loadSafetensors(weights);
    seedEncoder(config, file);
    const model = new SeedBertForPreTraining(config);
    loadCheckpoint(model, tensors, seedKeys, weights);
    return model.eval();
  }

  /** Writes config.json and model.safetensors into a folder, each whole or not at all. */
  async savePretrained(folder: string): Promise<void> {
    await saveFolder(folder, { config: seedToJson(this.config), tensors: checkpointOf(this, seedKeys) });
  }

  /** Parameters by the checkpoint's names. */
  *parametersByKey(): IterableIterator<[string, Tensor]> {
    for (const [name, parameter] of this.namedParameters()) yield [seedKeys.toCheckpoint(name), parameter];
  }
}
