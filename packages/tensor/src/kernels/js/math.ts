/** Scalar functions that JavaScript's Math lacks, in float64. */

export function sigmoid(x: number): number {
  // e^-|x| never overflows.
  const e = Math.exp(-Math.abs(x));
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

export function softplus(x: number): number {
  return x !== x ? x : Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** Halves go to the even neighbour. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest < 0.5) return floor;
  if (rest > 0.5) return floor + 1;
  return rest === 0.5 ? (floor % 2 === 0 ? floor : floor + 1) : x;
}

/** a − b·⌊a / b⌋, with the sign of b, from the exact remainder of truncated division. */
export function remainder(a: number, b: number): number {
  const r = a % b;
  return r !== 0 && r < 0 !== b < 0 ? r + b : r;
}

/** C's pow: unlike `**`, 1 to any power and anything to the 0 is 1, also for NaN and infinities. */
export function pow(a: number, b: number): number {
  return a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : a ** b;
}

const erfCoefficients = (() => {
  // erf x = 2/√π · Σ (−1)ⁿ x²ⁿ⁺¹ / (n!·(2n+1))
  const terms = new Float64Array(48);
  let factorial = 1;
  for (let n = 0; n < terms.length; n++) {
    if (n > 0) factorial *= n;
    terms[n] = ((n % 2 === 0 ? 1 : -1) * 2) / (Math.sqrt(Math.PI) * factorial * (2 * n + 1));
  }
  return terms;
})();

/**
 * The error function, relative error below 1e-14: Maclaurin's series near 0, where its terms stay small,
 * and the continued fraction of erfc beyond (Abramowitz and Stegun 7.1.5 and 7.1.14).
 */
export function erf(x: number): number {
  const size = Math.abs(x);
  if (size < 1.5) {
    const square = x * x;
    let sum = 0;
    for (let n = size < 0.5 ? 13 : 30; n >= 0; n--) sum = sum * square + erfCoefficients[n];
    return x * sum;
  }
  if (size > 6) return x !== x ? x : Math.sign(x);
  let fraction = 0;
  for (let n = size < 2.5 ? 90 : 40; n >= 1; n--) fraction = n / 2 / (size + fraction);
  const erfc = Math.exp(-size * size) / ((size + fraction) * Math.sqrt(Math.PI));
  return x < 0 ? erfc - 1 : 1 - erfc;
}

export function gelu(x: number): number {
  return 0.5 * x * (1 + erf(x * Math.SQRT1_2));
}

const sqrtTwoOverPi = Math.sqrt(2 / Math.PI);

export function geluTanh(x: number): number {
  return 0.5 * x * (1 + Math.tanh(sqrtTwoOverPi * x * (1 + 0.044715 * x * x)));
}
