/** Philox4x32 as the paper writes it, in whole 64-bit products; counter and key of four and two words. */
export function philoxByDefinition(counter: readonly bigint[], key: readonly bigint[], rounds = 10): bigint[] {
  const word = (value: bigint): bigint => BigInt.asUintN(32, value);
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < rounds; round++) {
    const product0 = 0xd2511f53n * c0;
    const product1 = 0xcd9e8d57n * c2;
    [c0, c1, c2, c3] = [(product1 >> 32n) ^ c1 ^ k0, word(product1), (product0 >> 32n) ^ c3 ^ k1, word(product0)];
    [k0, k1] = [word(k0 + 0x9e3779b9n), word(k1 + 0xbb67ae85n)];
  }
  return [c0, c1, c2, c3];
}

/** Both words of a number of up to 64 bits, the low one first. */
export const wordsOf = (value: number): [bigint, bigint] => [BigInt.asUintN(32, BigInt(value)), BigInt(value) >> 32n];
