import type { ModuleLevel } from './embedded.ts';

/** How much of a module stands in one piece when all are packed. */
const pieceLength = 8192;

/**
 * The modules are compressed as one, because they say much the same: a piece of each in turn, as deflate finds only what
 * was said within the last 32 KiB. What follows each other: the pieces' module and place in it.
 */
export function* pieces(sizes: Readonly<Record<ModuleLevel, number>>): Generator<{ readonly level: ModuleLevel; readonly start: number; readonly end: number }> {
  const longest = Math.max(...Object.values(sizes));
  for (let start = 0; start < longest; start += pieceLength) {
    for (const level of ['simd256', 'relaxed', 'simd128'] as const) {
      if (start < sizes[level]) yield { level, start, end: Math.min(start + pieceLength, sizes[level]) };
    }
  }
}
