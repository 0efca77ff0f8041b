/** Scalar functions in float64 that JavaScript's Math lacks, and one that it calls too slowly. */

/** 2^(j/32), and what its rounding left out. */
const roots = Float64Array.of(
  1.0, 1.0218971486541166, 1.0442737824274138, 1.0671404006768237,
  1.0905077326652577, 1.1143867425958924, 1.1387886347566916, 1.1637248587775775,
  1.189207115002721, 1.215247359980469, 1.241857812073484, 1.2690509571917332,
  1.2968395546510096, 1.3252366431597413, 1.3542555469368927, 1.383909881963832,
  Math.SQRT2, 1.4451808069770467, 1.4768261459394993, 1.5091644275934228,
  1.5422108254079407, 1.5759808451078865, 1.6104903319492543, 1.645755478153965,
  1.681792830507429, 1.718619298122478, 1.7562521603732995, 1.7947090750031072,
  1.8340080864093424, 1.8741676341103, 1.9152065613971474, 1.9571441241754002,
);
const rootRests = Float64Array.of(
  0.0, 5.109225028973444e-17, 8.551889705537965e-17, -7.899853966841582e-17,
  -3.046782079812471e-17, 1.0410278456845571e-16, 8.912812676025408e-17, 3.8292048369240935e-17,
  3.982015231465646e-17, -7.712630692681488e-17, 4.658027591836937e-17, 2.667932131342186e-18,
  2.5382502794888315e-17, -2.8587312100388614e-17, 7.70094837980299e-17, -6.770511658794786e-17,
  -9.667293313452913e-17, -3.0237581349939873e-17, -3.483994556892796e-17, -1.016455327754295e-16,
  7.949834809697621e-17, -1.0136916471278304e-17, 2.4707192569797888e-17, -1.0125679913674773e-16,
  8.199010020581497e-17, -1.851380418263111e-17, 2.960140695448873e-17, 1.8227458427912087e-17,
  3.283107224245627e-17, -6.122763413004143e-17, -1.0619946056195963e-16, 8.960767791036668e-17,
);

/** 2ᵏ from k = −1022 on. */
const powersOfTwo = Float64Array.from({ length: 2046 }, (_, i) => 2 ** (i - 1022));

/** ln 2 / 32 in two parts: a multiple of the first by less than 2²⁶ is exact. */
const [stepHigh, stepLow] = [0.021660849219188094, 1.733101967801894e-10];

/** Added and taken away again, it leaves a number without its fraction. */
const roundingBias = 1.5 * 2 ** 52;

/**
 * eˣ, error below 0.55 units in the last place: 2ᵏ·2^(j/32)·eʳ for |r| ≤ ln 2 / 64. The compiler puts it into a loop,
 * where it takes two thirds of the time of a call of `Math.exp`.
 */
export function exp(x: number): number {
  // Beyond this, results are no longer normal numbers (nor is NaN).
  if (!(Math.abs(x) < 708)) return Math.exp(x);
  const steps = x * 46.16624130844683 + roundingBias - roundingBias;
  const r = x - steps * stepHigh - steps * stepLow;
  const square = r * r;
  // eʳ − 1, Taylor's series
  const p = r + square * (0.5 + r * (1 / 6) + square * (1 / 24 + r * (1 / 120) + square * (1 / 720)));
  const n = steps | 0;
  const root = roots[n & 31];
  return (root + (rootRests[n & 31] + root * p)) * powersOfTwo[(n >> 5) + 1022];
}

export function sigmoid(x: number): number {
  // e^-|x| never overflows.
  const e = exp(-Math.abs(x));
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

export function softplus(x: number): number {
  return x !== x ? x : Math.max(x, 0) + Math.log1p(exp(-Math.abs(x)));
}

const twoTo52 = 2 ** 52;

/** Halves go to the even neighbour; what rounds to 0 keeps its sign. */
export function roundHalfEven(x: number): number {
  // Adding 2⁵² leaves no bits for a fraction, so the addition itself rounds.
  const whole = Math.abs(x) < twoTo52 ? Math.abs(x) + twoTo52 - twoTo52 : Math.abs(x);
  return x < 0 ? -whole : x === 0 ? x : whole;
}

/** a − b·⌊a / b⌋, with the sign of b, 0 too, as in Python; from the exact remainder of truncated division. */
export function remainder(a: number, b: number): number {
  const r = a % b;
  if (r === 0) return b < 0 ? -0 : 0;
  return r < 0 !== b < 0 ? r + b : r;
}

/** ⌊a / b⌋ of the exact quotient, as in Python (which a / b, once rounded, can miss); a / b where b is 0. */
export function floorDivide(a: number, b: number): number {
  if (b === 0) return a / b;
  const r = a % b;
  const quotient = (a - r) / b;
  const below = r !== 0 && r < 0 !== b < 0 ? quotient - 1 : quotient;
  return below === 0 ? Math.trunc(a / b) : roundHalfEven(below);
}

/** C's pow: unlike `**`, 1 to any power and anything to the 0 is 1, also for NaN and infinities. */
export function pow(a: number, b: number): number {
  return a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : a ** b;
}

/** 2·(−1)ⁿ / (√π·n!·(2n + 1)): Maclaurin's series of erf in x². */
const erfSeries = [
  1.1283791670955126, -0.37612638903183754, 0.11283791670955126, -0.026866170645131252, 0.005223977625442188,
  -0.0008548327023450853, 0.00012055332981789664, -1.492565035840625e-5, 1.6462114365889248e-6, -1.6365844691234924e-7,
  1.4807192815879218e-8, -1.2290555301717928e-9, 9.422759064650411e-11, -6.7113668551641105e-12, 4.4632242632864775e-13,
  -2.7835162072109215e-14, 1.6342614095367152e-15, -9.063970842808673e-17, 4.763348040515068e-18,
] as const;

/**
 * e^(x²)·erfc(x)/t for t = 2 / (2 + x) and 1 ≤ x ≤ 28, as a polynomial in u = (t − 11/30)·10/3, which goes from 1 to −1:
 * the function's expansion in the first 20 Chebyshev polynomials, computed with 60 digits; what it leaves out is 3e-17.
 */
const erfcPolynomial = [
  0.4287116755835546, 0.1641985922522399, 0.043663213212516094, 0.00581070594508005, -0.0006705533731739541,
  -0.0003710771075901235, 9.962268191332234e-6, 2.5346380782558684e-5, -7.732724369716937e-7, -2.0652512418593e-6,
  2.0977245885546844e-7, 1.7743197477080182e-7, -4.3627825867048745e-8, -1.2521471787264125e-8, 7.094822956409547e-9,
  1.2283434390903852e-10, -8.72387903206204e-10, 1.5411698183412403e-10, 6.274317825673769e-11, -2.1476674937546174e-11,
] as const;

/** erfc from 1 on, where 1 − erf would cancel. */
function erfcTail(x: number): number {
  const t = 2 / (2 + x);
  const u = (t - 11 / 30) / 0.3;
  let sum: number = erfcPolynomial[19];
  for (let n = 18; n >= 0; n--) sum = sum * u + erfcPolynomial[n];
  return exp(-x * x) * t * sum;
}

/** The error function 2/√π · ∫₀ˣ e^(−t²) dt, relative error below 1e-15. */
export function erf(x: number): number {
  const size = Math.abs(x);
  if (size < 1) {
    const square = x * x;
    let sum: number = erfSeries[18];
    for (let n = 17; n >= 0; n--) sum = sum * square + erfSeries[n];
    return x * sum;
  }
  return x < 0 ? erfcTail(size) - 1 : 1 - erfcTail(size);
}

/** 1 − erf x, relative error below 2e-15 up to 1 and below x²·4e-16 beyond, where e^(−x²) magnifies the rounding of x². */
export function erfc(x: number): number {
  return x >= 1 ? erfcTail(x) : 1 - erf(x);
}

/** x·Φ(x), from erfc so that the tail on the left keeps its digits. */
export function gelu(x: number): number {
  return 0.5 * x * erfc(-x * Math.SQRT1_2);
}

/** x/2·(1 + tanh u), written x·sigmoid(2u), which does not cancel on the left. */
export function geluTanh(x: number): number {
  return x * sigmoid(2 * sqrtTwoOverPi * x * (1 + 0.044715 * x * x));
}

const oneOverSqrtTwoPi = 1 / Math.sqrt(2 * Math.PI);
const sqrtTwoOverPi = Math.sqrt(2 / Math.PI);

/** v·f, and 0 where f has vanished although v may be infinite. */
const vanishing = (v: number, f: number): number => (f === 0 ? 0 : v * f);

/** gelu′: Φ(x) + x·φ(x) */
export function geluSlope(x: number): number {
  return 0.5 * (1 + erf(x * Math.SQRT1_2)) + vanishing(x, oneOverSqrtTwoPi * exp(-0.5 * x * x));
}

/** geluTanh′, where f = x/2·(1 + tanh u) and u = √(2/π)·(x + 0.044715·x³) */
export function geluTanhSlope(x: number): number {
  const square = x * x;
  const tanh = Math.tanh(sqrtTwoOverPi * x * (1 + 0.044715 * square));
  return 0.5 * (1 + tanh) + vanishing(0.5 * x * sqrtTwoOverPi * (1 + 3 * 0.044715 * square), 1 - tanh * tanh);
}

/** silu′: s + x·s·(1 − s) */
export function siluSlope(x: number): number {
  const s = sigmoid(x);
  return s + vanishing(x, s * sigmoid(-x));
}
