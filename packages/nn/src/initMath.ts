import { erf, tensor } from '@strided/tensor';

/** The share of the standard normal distribution that lies below x. */
export function normalShare(x: number): number {
  return (1 + erf(tensor(x / Math.SQRT2, { dtype: 'float64' })).item()) / 2;
}

const polynomial = (coefficients: readonly number[], x: number): number => coefficients.reduceRight((sum, coefficient) => sum * x + coefficient, 0);

/** Wichura's rational approximations, lowest power first: near the middle, in the tails, far out. */
const middle = [
  [3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987, 67265.7709270087, 33430.57558358813, 2509.0809287301227],
  [1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271, 28729.085735721943, 5226.495278852854],
] as const;
const tail = [
  [1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684, 0.2417807251774506, 0.022723844989269184, 0.0007745450142783414],
  [1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457, 0.0005475938084995345, 1.0507500716444169e-9],
] as const;
const far = [
  [6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487, 0.026532189526576124, 0.0012426609473880784, 2.7115555687434876e-5, 2.0103343992922881e-7],
  [1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 0.0007868691311456133, 1.8463183175100548e-5, 1.421511758316446e-7, 2.0442631033899397e-15],
] as const;

/** The value below which the share p of the standard normal distribution lies, to 16 digits (Wichura, "Algorithm AS 241", 1988). */
export function inverseNormal(p: number): number {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (q * polynomial(middle[0], r)) / polynomial(middle[1], r);
  }
  const edge = q < 0 ? p : 1 - p;
  if (edge <= 0) return q < 0 ? -Infinity : Infinity;
  const r = Math.sqrt(-Math.log(edge));
  const [shift, [above, below]] = r <= 5 ? [1.6, tail] : [5, far];
  return (Math.sign(q) * polynomial(above, r - shift)) / polynomial(below, r - shift);
}

/** Rows of a matrix made orthonormal one after the other, in place (Gram and Schmidt; twice, which rounding needs and no more). */
export function orthonormalRows(values: Float64Array, count: number): Float64Array {
  const length = values.length / count;
  for (let i = 0; i < count; i++) {
    const row = values.subarray(i * length, (i + 1) * length);
    for (let pass = 0; pass < 2; pass++) {
      for (let j = 0; j < i; j++) {
        const earlier = values.subarray(j * length, (j + 1) * length);
        let product = 0;
        for (let c = 0; c < length; c++) product += row[c] * earlier[c];
        for (let c = 0; c < length; c++) row[c] -= product * earlier[c];
      }
    }
    const norm = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    for (let c = 0; c < length; c++) row[c] /= norm;
  }
  return values;
}
