import { ArgumentError } from '../errors.ts';

/** Refuses a range that a source of `size` bytes cannot give. */
export function checkRange(name: string, size: number, start: number, end: number): void {
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start || end > size) {
    throw new ArgumentError(`${name}: cannot read bytes ${start} to ${end} of ${size}; a range must lie within the file`);
  }
}
