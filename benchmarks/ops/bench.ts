import { configure } from '@strided/tensor';
import type { Bench, Case } from '../harness/bench.ts';
import { broadcast } from './broadcast.ts';
import { elementwise } from './elementwise.ts';
import { Libraries } from './libraries.ts';
import { fused } from './fused.ts';
import { products } from './products.ts';
import { reductions } from './reductions.ts';
import { season } from './season.ts';
import { strides } from './strides.ts';
import { small } from './small.ts';

/** Ops as a program calls them, each run with a new result, at kernel level js beside the peers. */
export const ops: Bench = {
  name: 'ops',
  threads: [1],
  async cases(): Promise<Case[]> {
    configure({ kernels: 'js' });
    season();
    const libraries = await Libraries.load();
    return [elementwise, broadcast, strides, reductions, fused, products, small].flatMap((family) => family(libraries));
  },
};
