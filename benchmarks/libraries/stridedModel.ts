import { BertModel, SentenceTransformer } from '@strided/bert';
import { configure, engineInfo, fromTypedArray, noGrad, ready, type KernelLevel, type Tensor } from '@strided/tensor';
import { realPositions, type EmbedProblem, type ForwardProblem, type ModelProblem } from '../bert/problem.ts';
import type { Library } from './index.ts';
import { expectRunning, release, sharing, type Way } from './strided.ts';

/** Models by their folders: loading one takes time. */
class Loaded<T> {
  readonly #load: (folder: string) => Promise<T>;
  readonly #models = new Map<string, Promise<T>>();

  constructor(load: (folder: string) => Promise<T>) {
    this.#load = load;
  }

  of(folder: string): Promise<T> {
    let model = this.#models.get(folder);
    if (model === undefined) this.#models.set(folder, (model = this.#load(folder)));
    return model;
  }
}

const encoders = new Loaded((folder) => BertModel.fromPretrained(folder, { addPoolingLayer: false }));
const sentenceModels = new Loaded((folder) => SentenceTransformer.fromPretrained(folder));

async function forward(problem: ForwardProblem): Promise<Way<Tensor>> {
  const { folder, rows, length } = problem;
  const model = await encoders.of(folder);
  const whole = (values: readonly number[]): Tensor => fromTypedArray(Int32Array.from(values), [rows, length]);
  const inputs = { inputIds: whole(problem.inputIds), attentionMask: whole(problem.attentionMask) };
  return {
    run: () => noGrad(() => model.forward(inputs).lastHiddenState),
    read: (hidden) => realPositions(hidden.toTypedArray() as Float32Array, problem),
  };
}

async function embed({ folder, texts, batch }: EmbedProblem): Promise<Way<Tensor>> {
  const model = await sentenceModels.of(folder);
  return { run: () => model.encode(texts, { batchSize: batch }), read: (embeddings) => embeddings.toTypedArray() as Float32Array };
}

/** How Strided does it, at the level and on the threads that are set. */
export function modelWay(problem: ModelProblem): Promise<Way<Tensor>> {
  return problem.op === 'embed' ? embed(problem) : forward(problem);
}

/** Whole models in a process of their own, at one level on so many threads. Nothing starts before the first is wanted. */
export function stridedModel(name: string, level: KernelLevel | 'auto', threads: number): Library {
  let started: Promise<KernelLevel> | undefined;
  const start = async (): Promise<KernelLevel> => {
    configure({ kernels: level, threads });
    await ready();
    const found = engineInfo().level;
    expectRunning(found, threads);
    return found;
  };
  return {
    contestant: () => null,
    async model(problem) {
      const found = await (started ??= start());
      const way = await modelWay(problem);
      return { name, threads, ...way, release, ...(threads === 1 ? {} : { enter: sharing(name, threads, () => expectRunning(found, threads), () => way.run()) }) };
    },
  };
}
