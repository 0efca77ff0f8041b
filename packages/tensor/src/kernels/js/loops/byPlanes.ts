import type { BinaryLoop, UnaryLoop } from './types.ts';

/** Functions of which a loop over planes is enough: a row is one. */
export function unaryByPlanes(plane: UnaryLoop['plane']): UnaryLoop {
  return { dense: (y, x) => plane(1, y.length, x, 0, 0, 1, y, 0, 0, 1), plane };
}

export function binaryByPlanes(plane: BinaryLoop['plane']): BinaryLoop {
  return { dense: (y, a, b) => plane(1, y.length, a, 0, 0, 1, b, 0, 0, 1, y, 0, 0, 1), plane };
}
