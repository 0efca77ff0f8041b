import { Module } from '@strided/nn';
import { ArgumentError, concat, fromTypedArray, noGrad, scope, zeros, type Tensor } from '@strided/tensor';
import { AutoModel } from '../../auto.ts';
import { openModelFiles, readJsonIfAny, type FilesOptions, type ModelFiles, type ModelSource } from '../../modelFiles/modelFiles.ts';
import type { BertTokenizer } from '../../tokenizer/bertTokenizer.ts';
import { normalize, readEmbeddingModules, readModuleEntries, type EmbeddingModule } from './modules.ts';
import { Pooling } from './pooling.ts';
import { readPrompts, type Prompts } from './prompts.ts';
import { readTransformer, type SentenceEncoder } from './transformer.ts';

/** What a sentence model is made of. */
export interface SentenceTransformerParts {
  readonly encoder: SentenceEncoder;
  readonly tokenizer: BertTokenizer;
  readonly pooling: Pooling;
  /** What follows the pooling. Default: nothing. */
  readonly modules?: readonly EmbeddingModule[];
  /** Tokens, special ones included, that a text is cut at. */
  readonly maxLength: number;
  readonly prompts?: Prompts;
}

/** Token ids of texts, padded to the longest. */
export interface SentenceFeatures {
  /** [B, S] */
  readonly inputIds: Tensor;
  /** [B, S] of 1 and 0. */
  readonly attentionMask: Tensor;
  /** Tokens of a prompt at the start of every text, for a pooling that leaves them out. Default 0. */
  readonly promptLength?: number;
}

export interface SentenceEncodeOptions {
  /** Texts that the encoder sees at once. Default 32. */
  readonly batchSize?: number;
  /** Make every embedding unit length, where the model does not anyway. Default false. */
  readonly normalize?: boolean;
  /** Told after every batch. */
  readonly progress?: (progress: { readonly done: number; readonly total: number }) => void;
  /** Put before every text. Outranks `promptName`. */
  readonly prompt?: string;
  /** A prompt by its name in the model's `prompts`. Default: the model's own default, if any. */
  readonly promptName?: string;
}

/**
 * A sentence-transformers model: texts to vectors whose cosine says how near they are in meaning.
 *
 * @example
 * const model = await SentenceTransformer.fromPretrained('sentence-transformers/all-MiniLM-L6-v2');
 * const [query, ...passages] = model.encode(['Who rules?', 'The king reigns.', 'It rains.']).unbind();
 * passages.map((passage) => query.dot(passage).item()); // the first is larger
 */
export class SentenceTransformer extends Module {
  readonly encoder: SentenceEncoder;
  readonly pooling: Pooling;
  readonly modulesAfter: readonly EmbeddingModule[];
  readonly tokenizer: BertTokenizer;
  /** Tokens, special ones included, that a text is cut at. */
  readonly maxSeqLength: number;
  /** Prompts by name. */
  readonly prompts: Readonly<Record<string, string>>;
  readonly defaultPromptName: string | null;

  constructor({ encoder, tokenizer, pooling, modules = [], maxLength, prompts }: SentenceTransformerParts) {
    super();
    this.encoder = encoder;
    this.pooling = pooling;
    this.modulesAfter = modules;
    this.tokenizer = tokenizer;
    this.maxSeqLength = maxLength;
    this.prompts = prompts?.byName ?? {};
    this.defaultPromptName = prompts?.defaultName ?? null;
  }

  /**
   * From a folder, hub id, base URL or record of files, in evaluation mode. Without a modules.json: the model's mean.
   *
   * @throws FormatError naming the module, pooling or activation that is not supported; CheckpointError for weights that do not fit
   */
  static async fromPretrained(source: ModelSource, options: FilesOptions = {}): Promise<SentenceTransformer> {
    return readSentenceTransformer(await openModelFiles(source, options));
  }

  /** Token ids of texts, cut at `maxSeqLength` and padded. */
  tokenize(texts: readonly string[]): SentenceFeatures {
    return this.#pad(texts.map((text) => this.#ids(text)));
  }

  /** Embeddings [B, dim] of tokens, with their gradients. */
  forward({ inputIds, attentionMask, promptLength = 0 }: SentenceFeatures): Tensor {
    const { lastHiddenState } = this.encoder.forward({ inputIds, attentionMask });
    const pooled = this.pooling.forward({ tokens: lastHiddenState, attentionMask, promptLength });
    return this.modulesAfter.reduce((x, module) => module.forward(x), pooled);
  }

  /**
   * Embeddings of texts [n, dim], in their order; of one text [dim]. Batches hold texts of like length, longest first, so
   * that little is computed for padding. Without gradients, and without dropout whatever `training` says.
   *
   * @throws ArgumentError for a batch size below 1 or a prompt that the model does not have
   */
  encode(texts: string | readonly string[], options: SentenceEncodeOptions = {}): Tensor {
    if (typeof texts === 'string') return this.encode([texts], options).squeeze(0);
    const { batchSize = 32, progress } = options;
    if (!Number.isInteger(batchSize) || batchSize < 1) throw new ArgumentError(`encode: batchSize must be a whole number from 1, not ${batchSize}`);
    const prompt = this.#prompt(options);
    const promptLength = prompt === '' || this.pooling.includePrompt ? 0 : this.#promptLength(prompt);
    const ids = texts.map((text) => this.#ids(prompt + text));
    const order = Array.from(ids.keys()).sort((a, b) => ids[b].length - ids[a].length);
    return this.#evaluating(() => {
      // No texts still say how wide an embedding is.
      if (texts.length === 0) return zeros([0, this.#embed([this.#ids('')], 0, options).shape[1]]);
      const parts: Tensor[] = [];
      for (let at = 0; at < order.length; at += batchSize) {
        const batch = order.slice(at, at + batchSize);
        parts.push(this.#embed(batch.map((i) => ids[i]), promptLength, options));
        progress?.({ done: at + batch.length, total: order.length });
      }
      const back = new Int32Array(order.length);
      order.forEach((text, row) => (back[text] = row));
      return concat(parts, 0).indexSelect(0, fromTypedArray(back));
    });
  }

  #embed(ids: readonly (readonly number[])[], promptLength: number, options: SentenceEncodeOptions): Tensor {
    return scope(() => {
      const embedding = this.forward({ ...this.#pad(ids), promptLength });
      return options.normalize === true ? normalize(embedding) : embedding;
    });
  }

  #ids(text: string): readonly number[] {
    return this.tokenizer.encode(text, Number.isFinite(this.maxSeqLength) ? { truncation: true, maxLength: this.maxSeqLength } : {}).inputIds;
  }

  #pad(ids: readonly (readonly number[])[]): SentenceFeatures {
    const length = ids.reduce((most, one) => Math.max(most, one.length), 0);
    const shape = [ids.length, length];
    const inputIds = new Int32Array(ids.length * length).fill(this.tokenizer.padTokenId ?? 0);
    const attentionMask = new Int32Array(ids.length * length);
    ids.forEach((one, row) => {
      inputIds.set(one, row * length);
      attentionMask.fill(1, row * length, row * length + one.length);
    });
    return { inputIds: fromTypedArray(inputIds, shape), attentionMask: fromTypedArray(attentionMask, shape) };
  }

  #prompt({ prompt, promptName = this.defaultPromptName ?? undefined }: SentenceEncodeOptions): string {
    if (prompt !== undefined) return prompt;
    if (promptName === undefined) return '';
    if (Object.hasOwn(this.prompts, promptName)) return this.prompts[promptName];
    throw new ArgumentError(`encode: the model has no prompt ${JSON.stringify(promptName)}; it has ${Object.keys(this.prompts).join(', ') || 'none'}`);
  }

  /** Tokens of a prompt before the text: all but a special token at the end. */
  #promptLength(prompt: string): number {
    const ids = this.#ids(prompt);
    const last = ids.at(-1);
    return last !== undefined && this.tokenizer.allSpecialIds.includes(last) ? ids.length - 1 : ids.length;
  }

  /** Without dropout and gradients; every module is as it was afterwards. */
  #evaluating<T>(run: () => T): T {
    const training = [...this.modules()].filter((module) => module.training);
    for (const module of training) module.training = false;
    try {
      return noGrad(run);
    } finally {
      for (const module of training) module.training = true;
    }
  }
}

/** A sentence model from its files. The pooler of the encoder, which many of them lack, is not used. */
async function readSentenceTransformer(files: ModelFiles): Promise<SentenceTransformer> {
  const [first, ...others] = (await readModuleEntries(files)) ?? [{ kind: 'Transformer', path: '' }];
  if (first.kind !== 'Transformer') throw new ArgumentError(`${files.name}/modules.json: the first module ${first.kind} is not supported, only Transformer`);
  const { pooling, rest } = others.length === 0 ? { pooling: new Pooling(['mean']), rest: [] } : await readEmbeddingModules(files, others);
  const transformer = await readTransformer(files, first.path);
  const prompts = readPrompts(await readJsonIfAny(files, 'config_sentence_transformers.json'), `${files.name}/config_sentence_transformers.json`);
  const { tokenizer, maxLength } = transformer;
  const encoder = await AutoModel.fromPretrained(transformer.files, { initializeMissing: true });
  return new SentenceTransformer({ encoder, tokenizer, pooling, modules: rest, maxLength, prompts }).eval();
}
