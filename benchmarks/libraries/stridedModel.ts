import { BertModel } from '@strided/bert';
import { configure, engineInfo, fromTypedArray, noGrad, ready, type KernelLevel, type Tensor } from '@strided/tensor';
import { realPositions, type ForwardProblem } from '../bert/problem.ts';
import type { Contestant } from '../harness/bench.ts';
import type { Library } from './index.ts';
import { enter, sharing } from './strided.ts';

/** Whole models in a process of their own, at one level on so many threads. Nothing starts before the first is wanted. */
export function stridedModel(name: string, level: KernelLevel | 'auto', threads: number): Library {
  const models = new Map<string, Promise<BertModel>>();
  let started: Promise<KernelLevel> | undefined;

  const start = async (): Promise<KernelLevel> => {
    configure({ kernels: level, threads });
    await ready();
    const found = engineInfo().level;
    await enter(found, threads);
    return found;
  };

  const forward = async (problem: ForwardProblem): Promise<Contestant<Tensor>> => {
    const { folder, rows, length } = problem;
    let model = models.get(folder);
    if (model === undefined) models.set(folder, (model = BertModel.fromPretrained(folder, { addPoolingLayer: false })));
    const opened = await model;
    const whole = (values: readonly number[]): Tensor => fromTypedArray(Int32Array.from(values), [rows, length]);
    const inputs = { inputIds: whole(problem.inputIds), attentionMask: whole(problem.attentionMask) };
    return {
      name, threads,
      run: () => noGrad(() => opened.forward(inputs).lastHiddenState),
      read: (hidden) => realPositions(hidden.toTypedArray() as Float32Array, problem),
    };
  };

  return {
    contestant: () => null,
    async model(problem) {
      const found = await (started ??= start());
      const contestant = await forward(problem);
      return threads === 1 ? contestant : { ...contestant, enter: sharing(name, found, threads, () => contestant.run()) };
    },
  };
}
