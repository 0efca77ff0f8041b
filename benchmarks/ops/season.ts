import { arange, layerNorm, softmax, type DType } from '@strided/tensor';

/**
 * What a process does that lives longer than a benchmark: the same ops on other dtypes and layouts, often enough for the
 * compiler to believe it. A loop that has only ever met float32 is faster than the one that users get.
 */
export function season(): void {
  const dtypes: DType[] = ['float64', 'int32', 'uint8', 'int8', 'bool', 'float32'];
  for (let round = 0; round < 200; round++) {
    for (const dtype of dtypes) {
      const x = arange(64).reshape([8, 8]).cast(dtype);
      for (const y of [x, x.transpose(), x.slice(1, 0, 1), x.slice(0, 0, 1), x.flip(1)]) {
        x.add(y);
        x.mul(y);
        y.sum();
        y.sum(0);
        y.sum(-1);
        y.max();
        y.eq(x);
        y.contiguous();
        x.matmul(y.expand([8, 8]));
      }
      x.mul(1);
      if (dtype !== 'float32' && dtype !== 'float64') continue;
      for (const y of [x, x.transpose()]) {
        y.exp();
        y.tanh();
        y.gelu();
        softmax(y);
        layerNorm(y);
      }
    }
  }
}
