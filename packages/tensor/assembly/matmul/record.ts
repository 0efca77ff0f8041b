/**
 * One product C [M, N] = A [M, K] · B [K, N], or many of one shape. Addresses and strides are in bytes; C's columns lie
 * side by side. `kernels/wasm/product.ts` writes these records.
 */
@unmanaged
export class Product {
  M: i32;
  N: i32;
  K: i32;
  aRow: isize;
  aColumn: isize;
  bRow: isize;
  bColumn: isize;
  cRow: isize;
  /** The addresses of a, b and c of each product, three a product. */
  operands: usize;
  count: i32;
  /** Where B's panels are packed: of each part BYTES(K, N), or one that all parts share. 0: each part packs a panel when it comes to it. */
  packedB: usize;
  packedBStride: usize;
  /** Of each part: `scratchBytes(K)`. */
  scratch: usize;
  scratchStride: usize;
  /** What follows the sums: C = dropout(activation(scale·sums + bias)) + residual. bias [N], residual rows of N values; 0 for none. */
  bias: usize;
  activation: i32;
  scale: f32;
  residual: usize;
  residualRow: isize;
  /** Where d(dropout(activation(z)))/dz is kept, rows of N; 0 for nowhere. */
  slope: usize;
  slopeRow: isize;
  /** Of dropout, a `Stream`: C's first value draws from the start of its block. */
  threshold: u32;
  dropScale: f32;
  seedLow: u32;
  seedHigh: u32;
  blockLow: u32;
  blockHigh: u32;
  /** The blocks of a row. */
  rowBlocks: i32;
  /** Several B side by side, packed apart: the columns of each, whole panels, and the addresses of their panels. 0: one B. */
  columnsEach: i32;
  packedEach: usize;
}
