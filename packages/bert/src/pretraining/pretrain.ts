import { AdamW, historyReporter, inverseRootSchedule, linearSchedule, Trainer, type CheckpointOptions, type Curve, type DataSource, type EndReport, type Parameter, type Reporter, type Schedule } from '@strided/nn';
import { Generator, manualSeed } from '@strided/tensor';
import { ArgumentError } from '@strided/tensor/errors';
import { SeedBertForPreTraining } from '../models.ts';
import { sentencesOf, type Corpus } from './corpus/corpus.ts';
import { evaluateHeldOut, heldOutBatches, type HeldOutResult } from './evaluate.ts';
import type { PretrainingBatch } from './examples/examples.ts';
import { PretrainingDataset, type PretrainingDatasetState } from './examples/dataset.ts';
import { initializeForPretraining } from './initialize.ts';
import type { Lexicon } from './vocabulary/lexicon.ts';
import { pretrainingLosses } from './objective.ts';
import { unigram, type Unigram } from './unigram.ts';

export interface PretrainOptions {
  readonly corpus: Corpus;
  /** Text that is measured and never trained on. */
  readonly heldOut?: Corpus | undefined;
  readonly lexicon: Lexicon;
  /** Sizes of the model; the defaults are those of the original's command line. */
  readonly hidden?: number;
  readonly layers?: number;
  readonly heads?: number;
  readonly dropout?: number;
  /** Tokens an example is cut to. Default 20. */
  readonly seqLen?: number;
  /** Default 64. */
  readonly batchSize?: number;
  /** What the schedule multiplies: the largest learning rate (linear, default 1e-3), or a factor (inverseRoot, default 1). */
  readonly lr?: number;
  readonly weightDecay?: number;
  /** Rise and fall over the whole of training, or the original's rise and fall as 1/√step. Default linear. */
  readonly schedule?: 'linear' | 'inverseRoot';
  /** A share of training (linear, default 0.1), or a number of steps (inverseRoot, default 10,000). */
  readonly warmup?: number;
  /** Default 1. */
  readonly clipNorm?: number;
  /** The standard deviation that embeddings start with. Default 0.05. */
  readonly embeddingStd?: number;
  readonly steps?: number;
  readonly seconds?: number;
  /** Default 0. The same seed and steps give the same model, bit for bit. */
  readonly seed?: number;
  readonly evaluateEvery?: number;
  /** At most so many batches are measured. Default 16. */
  readonly heldOutBatches?: number;
  readonly checkpoint?: CheckpointOptions;
  readonly resume?: boolean | 'auto';
  readonly reporter?: readonly Reporter[];
  readonly signal?: AbortSignal;
}

export interface PretrainResult {
  /** In evaluation mode. */
  readonly model: SeedBertForPreTraining;
  readonly end: EndReport;
  readonly curve: Curve;
  /** null without held-out text. */
  readonly heldOut: HeldOutResult | null;
}

/** The dataset as the trainer sees it. */
class Batches implements DataSource<PretrainingBatch, PretrainingDatasetState> {
  readonly #dataset: PretrainingDataset;

  constructor(dataset: PretrainingDataset) {
    this.#dataset = dataset;
  }
  async next(): Promise<PretrainingBatch> {
    const batch = await this.#dataset.next();
    if (batch === null) throw new ArgumentError('pretrain: the data came to an end; a dataset for training goes on without end');
    return batch;
  }
  get state(): PretrainingDatasetState {
    return this.#dataset.state;
  }
  restore(state: PretrainingDatasetState): void {
    this.#dataset.state = state;
  }
}

/**
 * Pretrains the seed's model on a corpus: masked words and next sentences, AdamW (no decay on biases and norms),
 * warm-up, clipping, held-out evaluation, checkpoints.
 *
 * @throws ArgumentError or CheckpointError for sizes that do not fit each other, before anything is written
 * @example
 * const lexicon = await learnLexicon(sentencesOf(corpus), 'wordpiece', 8000);
 * const { model } = await pretrain({ corpus, lexicon, steps: 1000, seed: 1 });
 * await model.savePretrained('runs/mine');
 */
export async function pretrain(options: PretrainOptions): Promise<PretrainResult> {
  const { corpus, lexicon, seed = 0, seqLen = 20, batchSize = 64, clipNorm = 1, heldOut } = options;
  manualSeed(seed);
  const model = new SeedBertForPreTraining({
    vocabSize: lexicon.size, hidden: options.hidden ?? 256, layers: options.layers ?? 8, heads: options.heads ?? 8, dropout: options.dropout ?? 0.1, maxLength: Math.max(512, seqLen),
  });
  const dataset = new PretrainingDataset({
    corpus, tokenizer: lexicon.tokenizer, specialIds: lexicon.specialIds, vocabSize: lexicon.size, seqLen, batchSize, generator: new Generator(seed),
  });
  const baseline = await countTokens(corpus, lexicon);
  initializeForPretraining(model, baseline, options.embeddingStd);
  const measured = heldOut === undefined ? null : await heldOutBatches(heldOut, lexicon, { seqLen, batchSize, batches: options.heldOutBatches ?? 16 });
  const history = historyReporter();
  let last: HeldOutResult | null = null;
  const trainer = new Trainer<PretrainingBatch>({
    model,
    optimizer: new AdamW(parameterGroups(model), { lr: options.lr ?? (options.schedule === 'inverseRoot' ? 1 : 1e-3), weightDecay: options.weightDecay ?? 0.01 }),
    data: new Batches(dataset),
    schedule: scheduleOf(options, model.config.hidden),
    clipNorm,
    step(batch) {
      const { loss, maskedLm, nextSentence } = pretrainingLosses(model, batch);
      return { loss, tokens: batch.tokenCount, metrics: { maskedLm: Number(maskedLm.item()), nextSentence: Number(nextSentence.item()) } };
    },
    ...(measured === null ? {} : {
      evaluate: () => {
        last = evaluateHeldOut(model, measured, baseline);
        return { ...last };
      },
    }),
    ...(measured === null || options.evaluateEvery === undefined ? {} : { evaluateEvery: options.evaluateEvery }),
    ...(options.steps === undefined ? {} : { steps: options.steps }),
    ...(options.seconds === undefined ? {} : { seconds: options.seconds }),
    ...(options.checkpoint === undefined ? {} : { checkpoint: options.checkpoint }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    resume: options.resume ?? false,
    reporter: [history, ...(options.reporter ?? [])],
  });
  const end = await trainer.run();
  return { model: model.eval(), end, curve: history.curve, heldOut: last };
}

function scheduleOf({ schedule = 'linear', warmup }: PretrainOptions, width: number): Schedule {
  return schedule === 'linear' ? linearSchedule(warmup === undefined ? {} : { warmup }) : inverseRootSchedule({ warmupSteps: warmup ?? 10_000, width });
}

/** Decay pulls matrices towards 0; on biases and norms, which have one axis, it would only shift what they balance. */
function parameterGroups(model: SeedBertForPreTraining): { parameters: Parameter[]; settings: { weightDecay?: number } }[] {
  const parameters = [...model.parameters()];
  return [
    { parameters: parameters.filter(({ rank }) => rank > 1), settings: {} },
    { parameters: parameters.filter(({ rank }) => rank <= 1), settings: { weightDecay: 0 } },
  ];
}

/** How often each token occurs in the first million sentences. */
async function countTokens(corpus: Corpus, lexicon: Lexicon): Promise<Unigram> {
  const counts = new Float64Array(lexicon.size);
  let sentences = 0;
  for await (const sentence of sentencesOf(corpus)) {
    const ids = lexicon.tokenizer.encodeIds(sentence);
    for (let i = 0; i < ids.length; i++) counts[ids[i]]++;
    if (++sentences === 1_000_000) break;
  }
  for (const id of Object.values(lexicon.specialIds) as number[]) counts[id] = 0;
  return unigram(counts, Object.keys(lexicon.specialIds).length);
}
