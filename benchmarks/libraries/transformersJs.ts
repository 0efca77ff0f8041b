import { basename, dirname } from 'node:path';
import { loadPeer } from '../harness/peers.ts';
import type { Library } from './index.ts';

interface Embeddings {
  readonly data: Float32Array;
}

/** The part of transformers.js that the benchmarks use. */
interface TransformersJs {
  readonly env: { allowRemoteModels: boolean; localModelPath: string };
  pipeline(task: 'feature-extraction', model: string, options: object): Promise<(texts: readonly string[], options: object) => Promise<Embeddings>>;
}

/** transformers.js, which in Node computes with native onnxruntime. */
export async function transformersJs(threads: number): Promise<Library> {
  const hf = await loadPeer<TransformersJs>('@huggingface/transformers');
  if (hf === null) throw new Error('@huggingface/transformers is not installed');
  return {
    contestant: () => null,
    async model(problem) {
      if (problem.op !== 'embed') return null;
      // The folder around onnx/model.onnx has its tokenizer and config.
      const folder = dirname(dirname(problem.onnx));
      hf.env.allowRemoteModels = false;
      hf.env.localModelPath = dirname(folder);
      const extract = await hf.pipeline('feature-extraction', basename(folder), {
        device: 'cpu', dtype: 'fp32', session_options: { graphOptimizationLevel: 'all', intraOpNumThreads: threads, interOpNumThreads: 1 },
      });
      const { texts, batch } = problem;
      // Texts of like length together, as Strided and sentence-transformers do by themselves: it pads to the longest.
      const order = Array.from(texts.keys()).sort((a, b) => texts[a].length - texts[b].length);
      return {
        name: 'transformers.js',
        threads,
        async run() {
          const rows = new Array<Float32Array>(texts.length);
          for (let at = 0; at < order.length; at += batch) {
            const part = order.slice(at, at + batch);
            const { data } = await extract(part.map((text) => texts[text]), { pooling: 'mean', normalize: true });
            const size = data.length / part.length;
            part.forEach((text, row) => (rows[text] = data.subarray(row * size, (row + 1) * size)));
          }
          return rows;
        },
        read: (rows: readonly Float32Array[]) => Float32Array.from(rows.flatMap((row) => Array.from(row))),
      };
    },
  };
}
