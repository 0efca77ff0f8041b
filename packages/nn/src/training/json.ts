import { ArgumentError } from '@strided/tensor';

/**
 * JSON of a value that comes back equal: what JSON would change silently (NaN to null, a Map to {}) is refused.
 * @throws ArgumentError that names the place within `what`.
 */
export function plainJson(value: unknown, what: string): string {
  check(value, what);
  return JSON.stringify(value);
}

function check(value: unknown, place: string): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return;
  if (typeof value === 'number') {
    if (Number.isFinite(value) && !Object.is(value, -0)) return;
    throw new ArgumentError(`${place} is ${Object.is(value, -0) ? '-0' : value}, which JSON cannot hold; keep a finite number or a string there`);
  }
  // Not forEach on the array itself, which would pass over its holes.
  if (Array.isArray(value)) return Array.from<unknown>(value).forEach((each, i) => check(each, `${place}[${i}]`));
  if (typeof value === 'object' && [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null)) {
    return Object.entries(value).forEach(([key, each]) => check(each, `${place}.${key}`));
  }
  const kind = typeof value === 'object' ? `a ${value.constructor?.name ?? 'strange object'}` : typeof value === 'undefined' ? 'undefined' : `a ${typeof value}`;
  throw new ArgumentError(`${place} is ${kind}, which JSON cannot hold; use plain objects, arrays, strings, finite numbers and booleans`);
}
