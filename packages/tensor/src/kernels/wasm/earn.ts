import { checks, resultOf } from './checks.ts';
import type { Exports, WideExports } from './exports.ts';
import type { Heap } from './heap.ts';
import { recordBytes, writeProduct } from './product.ts';
import { aligned } from './regions.ts';
import { Room } from './room.ts';
import type { Runtime } from './runtime.ts';

/** How much faster than anything 128 bits wide a product in the wide modules must be. A processor with AVX2 gives 1.6 to 1.9. */
const clearlyFaster = 1.25;

/** The first fixed call whose result differs by a bit between the two levels, or null. */
export function firstDifference(wide: WideExports, relaxed: Exports, heap: Heap): string | null {
  const all = { ...relaxed, ...wide };
  return heap.scratch(() => {
    const room = new Room(heap);
    const [ours, theirs] = [all, relaxed].map((exports): Runtime => ({ level: 'simd256', exports, heap }));
    return checks.find(({ run }) => !isEqual(resultOf(run, ours, room), resultOf(run, theirs, room)))?.name ?? null;
  });
}

function isEqual(a: Int32Array, b: Int32Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return a.length === b.length;
}

/**
 * How much faster the wide modules multiply matrices than 128-bit registers could at best, as a probe in the same
 * module measures in the same moments. Best of several rounds: noise only ever slows down.
 */
export function speedup(wide: WideExports, heap: Heap, now: () => number): number {
  return heap.scratch(() => {
    const [M, N, K] = [20, 64, 128];
    const [table, job, packed, scratch] = [12, recordBytes, wide.packedBytes(K, N), wide.scratchBytes(K)].map((size) => heap.allocate(size));
    const [a, b, c, p] = [M * K, K * N, M * N, 128].map((size) => {
      const address = heap.allocate(aligned(size * 4));
      heap.f32.fill(0.5, address / 4, address / 4 + size);
      return address;
    });
    const products = { M, N, K, aRow: K * 4, aColumn: 4, bRow: N * 4, bColumn: 4, cRow: N * 4, operands: [[a, b, c]] } as const;
    writeProduct(heap, job, products, table, [packed, 0], [scratch, 0]);
    wide.packB(job, 0, 1);
    const steps = (M * N * K) / 48;
    let [product, limit] = [Infinity, Infinity];
    for (let round = 0; round < 24; round++) {
      const start = now();
      wide.multiplyPacked(job, 0, 1);
      const middle = now();
      wide.probe(p, steps);
      product = Math.min(product, middle - start);
      limit = Math.min(limit, now() - middle);
    }
    return limit / product;
  });
}

/** Why the wide modules have not earned their place, or null. `timed`: it must also be faster. */
export function refusal(wide: WideExports, relaxed: Exports, heap: Heap, timed: boolean, now: () => number = () => performance.now()): string | null {
  const difference = firstDifference(wide, relaxed, heap);
  if (difference !== null) return `its result differs from relaxed in: ${difference}`;
  if (!timed) return null;
  const ratio = speedup(wide, heap, now);
  return ratio >= clearlyFaster ? null : `it is not clearly faster here: ${ratio.toFixed(2)} times the limit of 128 bits`;
}
