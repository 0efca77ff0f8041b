import type { KernelLevel } from '@strided/tensor';
import type { Bar } from '../harness/bench.ts';
import { hasAvx512 } from '../harness/processor.ts';

/** What is asked of a case, in the same run; `automatic`: the level that `strided` is here. */
export function bars(name: string, automatic: KernelLevel, threads: readonly number[]): Bar[] {
  return barsOf(name, automatic).filter(({ ours, against }) => [ours, ...against].every((entrant) => threads.includes(entrant.threads)));
}

function bar(threads: number, atLeast: number, rival: string, { ours = 'strided', of = 'time' as const }: { ours?: string; of?: 'time' | 'memory' } = {}): Bar {
  return { ours: { name: ours, threads }, against: [{ name: rival, threads }], atLeast, of };
}

function barsOf(name: string, automatic: KernelLevel): Bar[] {
  switch (name) {
    case '1x16':
      return [bar(1, 2, 'onnxruntime-web')];
    case '1x128':
      return [
        bar(1, 2.6, 'onnxruntime-web'),
        bar(1, 1, 'pytorch'),
        ...(hasAvx512() ? [] : [bar(1, 1, 'onnxruntime-node')]),
        bar(1, 1.2, 'onnxruntime-web', { ours: automatic === 'relaxed' ? 'strided' : 'strided-relaxed' }),
        bar(2, 2.6, 'onnxruntime-web'),
        bar(2, 1, 'pytorch'),
      ];
    case 'mixed32':
      return [bar(2, 4, 'onnxruntime-web'), bar(2, 1, 'onnxruntime-node')];
    case 'load':
      return [1, 2].map((threads) => bar(threads, 1, 'onnxruntime-node'));
    case 'memory':
      return [1, 2].map((threads) => bar(threads, 2, 'onnxruntime-web', { of: 'memory' }));
    case 'embed':
    case 'embed1':
      return [bar(2, 1, 'transformers.js'), bar(2, 1, 'sentence-transformers')];
    default:
      return [];
  }
}
