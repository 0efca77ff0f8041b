import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { BertModel } from '@strided/bert';
import { manualSeed, noGrad, randn } from '@strided/tensor';
import { python } from '../harness/peers.ts';
import { onnxBert } from '../onnx/bert.ts';
import type { ModelPaths } from './problem.ts';

/** Models that every run uses again, where generated files go. */
const cache = join(import.meta.dirname, '../../runs/bench-cache');

/** all-MiniLM-L6-v2 as sentence-transformers publishes it. */
export const realModel = resolve(import.meta.dirname, '../../../shared/real/all-MiniLM-L6-v2');

/** BERT's sizes; a head has 64 numbers, the feed-forward network four times the hidden size. */
export interface BertSize {
  readonly vocabulary: number;
  readonly hidden: number;
  readonly layers: number;
}

/** A BERT of random weights, without pooler: as checkpoint and as ONNX, both made once. */
export async function bertFiles(size: BertSize): Promise<ModelPaths> {
  const folder = join(cache, `bert-${size.layers}x${size.hidden}-${size.vocabulary}`);
  if (!existsSync(join(folder, 'config.json'))) await makeBert(size, folder);
  return { folder, onnx: await onnxOf(folder, join(folder, 'onnx/model.onnx')) };
}

async function makeBert({ vocabulary: vocabSize, hidden: hiddenSize, layers: numHiddenLayers }: BertSize, folder: string): Promise<void> {
  console.error(`bench: drawing the weights of ${folder} …`);
  rmSync(folder, { recursive: true, force: true });
  manualSeed(8);
  const sizes = { vocabSize, hiddenSize, numHiddenLayers, numAttentionHeads: hiddenSize / 64, intermediateSize: 4 * hiddenSize };
  const model = new BertModel(sizes, { addPoolingLayer: false });
  // Biases begin at 0 and norms at 1, where one that is missing or swapped would not be seen.
  noGrad(() => {
    for (const parameter of model.parameters()) if (parameter.rank === 1) parameter.copyFrom(parameter.add(randn(parameter.shape).mul(0.1)));
  });
  const unfinished = `${folder}.part`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  await model.savePretrained(unfinished);
  renameSync(unfinished, folder);
}

/** The real sentence model, and beside its ONNX file what transformers.js reads. */
export async function sentenceModelFiles(): Promise<ModelPaths> {
  const folder = join(cache, 'all-MiniLM-L6-v2');
  const onnx = await onnxOf(realModel, join(folder, 'onnx/model.onnx'));
  for (const file of ['config.json', 'tokenizer.json', 'tokenizer_config.json']) copyFileSync(join(realModel, file), join(folder, file));
  return { folder: realModel, onnx };
}

/** The ONNX file of a checkpoint, made where it is not there yet: by PyTorch's exporter, or without PyTorch by our own writer. Peers run both equally fast. */
async function onnxOf(folder: string, file: string): Promise<string> {
  if (existsSync(file)) return file;
  mkdirSync(dirname(file), { recursive: true });
  const unfinished = `${file}.part`;
  const { status } = spawnSync(python, [join(import.meta.dirname, '../peers/pytorch/bert.py'), folder, unfinished], { stdio: 'ignore' });
  console.error(`bench: ${file} is written by ${status === 0 ? "PyTorch's exporter" : 'benchmarks/onnx, without PyTorch'}`);
  if (status !== 0) writeFileSync(unfinished, await onnxBert(folder));
  renameSync(unfinished, file);
  return file;
}
