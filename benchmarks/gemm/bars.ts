import type { KernelLevel } from '@strided/tensor';
import type { Bar } from '../harness/bench.ts';
import { wasmPeers } from '../harness/peers.ts';
import { hasAvx512 } from '../harness/processor.ts';
import type { Product } from './bench.ts';

const one = (name: string) => ({ name, threads: 1 });

/** What is asked of a product, in the same run and on one thread unless said. */
export function bars({ name, problem, ordinary }: Product, automatic: KernelLevel, threads: readonly number[]): Bar[] {
  if (ordinary || !threads.includes(1)) return [];
  const found: Bar[] = [];
  const rivals = wasmPeers.filter((peer) => peer !== 'numpy-ts').map(one);
  if (['128×768×768', '128×3072×768', '512×768×768'].includes(name)) {
    if (automatic === 'simd256') {
      found.push(
        { ours: one('strided'), against: [one('limit-simd256')], atLeast: 0.8 },
        { ours: one('strided'), against: rivals, atLeast: 2.5 },
        { ours: one('strided'), against: [one('onnxruntime-node')], atLeast: hasAvx512() ? 0.55 : 1 },
      );
    }
    const relaxed = one(automatic === 'relaxed' ? 'strided' : 'strided-relaxed');
    const simd128 = one(automatic === 'simd128' ? 'strided' : 'strided-simd128');
    found.push(
      { ours: relaxed, against: [one('limit-relaxed')], atLeast: 0.8 },
      { ours: relaxed, against: [one('onnxruntime-web')], atLeast: 1.25 },
      { ours: simd128, against: [one('onnxruntime-web')], atLeast: 0.85 },
    );
  }
  if (problem.transposed || problem.batch > 0) found.push({ ours: one('strided'), against: wasmPeers.map(one), atLeast: 2 });
  if (name === '128×3072×768' && threads.includes(2)) found.push({ ours: { name: 'strided', threads: 2 }, against: [one('strided')], atLeast: 1.7 });
  return found;
}
