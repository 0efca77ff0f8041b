import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeedBertForPreTraining, type PretrainingBatch } from '@strided/bert';
import { AdamW } from '@strided/nn';
import { manualSeed, scope } from '@strided/tensor';
import { pretrainingLosses } from '../../packages/bert/src/pretraining/objective.ts';
import type { Bench, BenchOptions, Case } from '../harness/bench.ts';
import { PeerProcesses } from '../harness/peers.ts';
import { atLevels, levels, type Way } from '../libraries/strided.ts';
import { seedSize, trainProblem, type TrainProblem, type TrainSize } from './problem.ts';

/**
 * A training step of the seed's model: gradients to zero, forward, both losses, backward, AdamW; the vocabulary is
 * projected at masked positions only. All start from the same weights and see the same batch; before anything is timed
 * the losses of the first steps without dropout are compared.
 */

function batchOf({ batch, length, ...rest }: TrainProblem): PretrainingBatch {
  const [inputIds, segmentLabels, maskedPositions, maskedLabels, isNext] =
    [rest.inputIds, rest.segmentLabels, rest.maskedPositions, rest.maskedLabels, rest.isNext].map((list) => Int32Array.from(list));
  return { batchSize: batch, seqLen: length, inputIds, segmentLabels, maskedPositions, maskedLabels, isNext, tokenCount: batch * length };
}

/** A step of a new model, which gives the loss before it. */
function stepOf(source: SeedBertForPreTraining, problem: TrainProblem, dropout: number): () => number {
  const model = new SeedBertForPreTraining({ ...source.config, dropout }, { initialize: false });
  model.loadStateDict(source.stateDict());
  model.train();
  const optimizer = new AdamW(model.parameters(), { lr: problem.lr, weightDecay: 0.01 });
  const batch = batchOf(problem);
  return () => scope(() => {
    const { loss } = pretrainingLosses(model, batch);
    loss.backward();
    optimizer.step();
    // Inside, as the trainer does it: no gradient leaves the scope.
    optimizer.zeroGrad();
    return Number(loss.item());
  }, { roots: [model] });
}

function way(source: SeedBertForPreTraining, problem: TrainProblem): Way<number> {
  return {
    run: stepOf(source, problem, problem.dropout),
    read: () => {
      const step = stepOf(source, problem, 0);
      return Array.from({ length: problem.steps }, step);
    },
  };
}

/** The bench at a size, each case with and without dropout. */
export function trainStepOf(size: TrainSize): Bench {
  let peers: PeerProcesses | undefined;
  let folder: string | undefined;
  return {
    name: 'train-step',
    threads: [2],
    async cases({ threads, peers: allowed }: BenchOptions): Promise<Case[]> {
      peers = new PeerProcesses(allowed);
      folder = mkdtempSync(join(tmpdir(), 'strided-bench-'));
      const [processes, found, weights] = [peers, await levels(), join(folder, 'model.safetensors')];
      manualSeed(1);
      const { vocabulary: vocabSize, hidden, layers, heads } = size;
      const source = new SeedBertForPreTraining({ vocabSize, hidden, layers, heads, dropout: 0 });
      await source.savePretrained(folder);
      return [0, 0.1].map((dropout) => {
        const problem = trainProblem(size, weights, dropout);
        return {
          name: `hidden ${hidden}, ${layers} layers, ${size.batch}×${size.length} tokens, dropout ${dropout}`,
          work: { amount: size.batch * size.length, unit: 'tokens/s' }, tolerance: 1e-3, patience: 6000, memory: true,
          bars: threads.map((count) => ({ ours: { name: 'strided', threads: count }, against: [{ name: 'pytorch', threads: count }], atLeast: 1.25 })),
          prepare: async () => [...await atLevels(found, threads, () => way(source, problem)), ...await processes.racers(problem, threads, ['pytorch'])],
        };
      });
    },
    async close() {
      await peers?.close();
      if (folder !== undefined) rmSync(folder, { recursive: true });
    },
  };
}

export const trainStep = trainStepOf(seedSize);
