import { configure } from '@strided/tensor';
import type { Bench, BenchOptions, Case } from '../harness/bench.ts';
import { PeerProcesses } from '../harness/peers.ts';
import { levels } from '../libraries/strided.ts';
import { broadcast } from './broadcast.ts';
import { elementwise } from './elementwise.ts';
import { Libraries } from './libraries.ts';
import { fused } from './fused.ts';
import { products } from './products.ts';
import { reductions } from './reductions.ts';
import { rows } from './rows.ts';
import { season } from './season.ts';
import { strides } from './strides.ts';
import { small } from './small.ts';

let peers: PeerProcesses | undefined;

/** Ops as a program calls them, each run with a new result, at every kernel level beside the peers. */
export const ops: Bench = {
  name: 'ops',
  threads: [1],
  async cases({ peers: allowed }: BenchOptions): Promise<Case[]> {
    configure({ kernels: 'js' });
    season();
    peers = new PeerProcesses(allowed);
    const found = await levels();
    const libraries = await Libraries.load(found, allowed);
    return [...rows(found, peers), ...[elementwise, broadcast, strides, reductions, fused, products, small].flatMap((family) => family(libraries))];
  },
  close: () => peers?.close(),
};
