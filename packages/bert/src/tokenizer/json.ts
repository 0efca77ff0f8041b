import { FormatError } from './errors.ts';

/** What JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = Readonly<Record<string, Json>>;

/** Parses text; takes what is parsed already as it is. */
export function parseJson(content: unknown, file: string): Json {
  if (typeof content !== 'string') return content as Json;
  try {
    return JSON.parse(content.replace(/^\ufeff/, '')) as Json;
  } catch (error) {
    throw new FormatError(`${file}: not valid JSON (${(error as Error).message.split('\n')[0]}); the file may be cut off, fetch it again`);
  }
}

/** Whether a field is missing or null, which mean the same. */
export function isAbsent<T>(value: T | null | undefined): value is null | undefined {
  return value === undefined || value === null;
}

function describe(value: Json | undefined): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : JSON.stringify(value).slice(0, 60);
}

/** @throws FormatError where `value` is not an object; `what` names file and field */
export function objectOf(value: Json | undefined, what: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new FormatError(`${what} must be an object, not ${describe(value)}`);
}

export function arrayOf(value: Json | undefined, what: string): readonly Json[] {
  if (Array.isArray(value)) return value as readonly Json[];
  throw new FormatError(`${what} must be a list, not ${describe(value)}`);
}

export function stringOf(value: Json | undefined, what: string): string {
  if (typeof value === 'string') return value;
  throw new FormatError(`${what} must be a string, not ${describe(value)}`);
}

export function booleanOf(value: Json | undefined, what: string): boolean {
  if (typeof value === 'boolean') return value;
  throw new FormatError(`${what} must be true or false, not ${describe(value)}`);
}

export function numberOf(value: Json | undefined, what: string): number {
  if (typeof value === 'number') return value;
  throw new FormatError(`${what} must be a number, not ${describe(value)}`);
}

/** An id or a count. */
export function wholeOf(value: Json | undefined, what: string): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw new FormatError(`${what} must be a whole number from 0, not ${describe(value)}`);
}
