/** A number that an axis can hold: beyond 1e300 the difference of two of them may overflow. */
export function isDrawable(value: number): boolean {
  return Math.abs(value) <= 1e300;
}

const sign = (text: string): string => text.replace('e+', 'e').replaceAll('-', '\u2212');

function special(value: number): string | null {
  if (Number.isNaN(value)) return 'NaN';
  if (Number.isFinite(value)) return null;
  return value > 0 ? '∞' : '\u2212∞';
}

/** Fixed decimals with commas between thousands; scientific where that would show nothing but zeros, or too many digits. */
export function formatNumber(value: number, digits = 2): string {
  const word = special(value);
  if (word !== null) return word;
  const size = Math.abs(value);
  if (size >= 1e9 || (size > 0 && size < 0.5 * 10 ** -digits)) return sign(value.toExponential(1));
  const [whole, fraction] = size.toFixed(digits).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return `${value < 0 ? '\u2212' : ''}${grouped}${fraction === undefined ? '' : `.${fraction}`}`;
}

/** A share as a percentage: 0.1823 → `18.2%`. */
export function formatPercent(share: number, digits = 1): string {
  const word = special(share);
  if (word !== null) return word;
  const percent = share * 100;
  return percent > 0 && percent < 0.5 * 10 ** -digits ? `<${(10 ** -digits).toFixed(digits)}%` : `${formatNumber(percent, digits)}%`;
}

/** The power of ten of a number's first digit. */
const exponentOf = (value: number): number => Number(value.toExponential().split('e')[1]);

/** A tick's label, with the decimals that tell it from the next tick, `step` away, and no more. */
export function formatTick(value: number, step: number, unit: 'number' | 'percent' = 'number'): string {
  if (value === 0) return unit === 'percent' ? '0%' : '0';
  const scale = unit === 'percent' ? 100 : 1;
  const shown = Number((value * scale).toPrecision(14));
  const exponent = exponentOf(Number((step * scale).toPrecision(14)));
  const suffix = unit === 'percent' ? '%' : '';
  if (exponent >= -4 && Math.abs(shown) < 1e7) return formatNumber(shown, Math.max(0, -exponent)) + suffix;
  const digits = Math.min(14, Math.max(0, exponentOf(shown) - exponent));
  return sign(shown.toExponential(digits)) + suffix;
}
