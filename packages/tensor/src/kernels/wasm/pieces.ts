/** The embedded modules; the wide ones are those of `simd256`. */
export type ModuleName = 'relaxed' | 'simd128' | WideName;
export type WideName = (typeof wideNames)[number];

/** Of no more than 32 functions each, as many as V8 compiles eagerly by its best compiler on request (simd256.ts). */
export const wideNames = ['wideProducts', 'wideRows', 'wideAttention'] as const;

/** Modules that say much the same in the same order stand side by side. */
const streams: readonly (readonly ModuleName[])[] = [['relaxed'], ['simd128'], wideNames];
export const moduleNames: readonly ModuleName[] = streams.flat();

/** How much of a stream stands in one piece when all are packed. */
const pieceLength = 8192;

/** A part of a module. */
export interface Piece {
  readonly name: ModuleName;
  readonly start: number;
  readonly end: number;
}

/**
 * The modules are compressed as one: a piece of each stream in turn, as deflate finds only what was said within the last
 * 32 KiB. What follows each other, by the modules' sizes.
 */
export function* pieces(sizes: Readonly<Record<ModuleName, number>>): Generator<Piece> {
  const total = (stream: readonly ModuleName[]) => stream.reduce((sum, name) => sum + sizes[name], 0);
  for (let start = 0; start < Math.max(...streams.map(total)); start += pieceLength) {
    for (const stream of streams) {
      let before = 0;
      for (const name of stream) {
        const [from, to] = [Math.max(start - before, 0), Math.min(start + pieceLength - before, sizes[name])];
        if (from < to) yield { name, start: from, end: to };
        before += sizes[name];
      }
    }
  }
}
