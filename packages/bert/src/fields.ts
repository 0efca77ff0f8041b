import { CheckpointError } from '@strided/tensor';

/** A parsed JSON object of which nothing is known. */
export type Json = Readonly<Record<string, unknown>>;

/**
 * The fields of a config.json, which is untrusted: each is read with its kind and range, and what does not fit is a
 * CheckpointError that names the file and the field. As in the files themselves, null stands for "not given".
 */
export class Fields {
  readonly file: string;
  readonly json: Json;
  /** Every field that was asked for, with the value that stands for it: what a complete config.json would say. */
  readonly resolved: Map<string, unknown> = new Map();
  /** The names of all fields that were asked for, whether they are there or not. */
  readonly asked: Set<string> = new Set();
  /** The names of those that are fractions, which transformers does not take for whole numbers: its 2.0 is not 2. */
  readonly fractions: Set<string>;

  constructor(json: unknown, file: string, fractions: Set<string> = new Set()) {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new CheckpointError(`${file}: must hold a JSON object`);
    this.json = json as Json;
    this.file = file;
    this.fractions = fractions;
  }

  /** Whether a value other than null is given. */
  has(name: string): boolean {
    return this.raw(name) !== undefined;
  }

  /** The value as it stands there, undefined for null. */
  raw(name: string): unknown {
    this.asked.add(name);
    return Object.hasOwn(this.json, name) ? (this.json[name] ?? undefined) : undefined;
  }

  /** A CheckpointError about a field. */
  wrong(name: string, rule: string): CheckpointError {
    return new CheckpointError(`${this.file}: ${name} must be ${rule}, not ${JSON.stringify(this.json[name] ?? null)}`);
  }

  /** A whole number in a range. */
  whole(name: string, low: number, high: number, fallback?: number): number {
    const value = this.raw(name) ?? fallback;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < low || value > high) {
      throw this.wrong(name, `a whole number from ${low} to ${high}`);
    }
    return this.#keep(name, value);
  }

  /** A whole number in a range, or null. */
  wholeOrNull(name: string, low: number, high: number, fallback: number | null): number | null {
    // Beside a fallback an explicit null means null, as it does for transformers.
    if (this.raw(name) === undefined && (fallback === null || Object.hasOwn(this.json, name))) return this.#keep(name, null);
    return this.whole(name, low, high, fallback ?? undefined);
  }

  /** A finite number in a range, both ends included. */
  number(name: string, low: number, high: number, fallback: number): number {
    this.fractions.add(name);
    const value = this.raw(name) ?? fallback;
    if (typeof value !== 'number' || !(value >= low && value <= high)) throw this.wrong(name, `a number from ${low} to ${high}`);
    return this.#keep(name, value);
  }

  /** From 0 to below 1. */
  probability(name: string, fallback: number): number {
    this.fractions.add(name);
    const value = this.raw(name) ?? fallback;
    if (typeof value !== 'number' || !(value >= 0 && value < 1)) throw this.wrong(name, 'a probability from 0 to below 1');
    return this.#keep(name, value);
  }

  /** A probability for which null stands for another one. */
  probabilityOr(name: string, other: number): number {
    if (this.has(name)) return this.probability(name, other);
    this.#keep(name, null);
    return other;
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.raw(name) ?? fallback;
    if (typeof value !== 'boolean') throw this.wrong(name, 'true or false');
    return this.#keep(name, value);
  }

  /** true or false, undefined where it is not given; a complete config.json need not say it. */
  optionalFlag(name: string): boolean | undefined {
    const value = this.raw(name);
    if (value !== undefined && typeof value !== 'boolean') throw this.wrong(name, 'true or false');
    return value;
  }

  /** One of some words. */
  choice<const T extends string>(name: string, words: readonly T[], fallback: T): T {
    const value = this.raw(name) ?? fallback;
    const word = words.find((each) => each === value);
    if (word === undefined) throw this.wrong(name, `one of ${words.join(', ')}`);
    return this.#keep(name, word);
  }

  /** A list of words. */
  words<const T extends string>(name: string, words: readonly T[]): readonly T[] | null {
    const value = this.raw(name);
    if (value === undefined) return null;
    if (!Array.isArray(value) || value.some((each) => !words.includes(each))) throw this.wrong(name, `a list of ${words.join(' or ')}`);
    return value as T[];
  }

  /** An object inside, as fields of its own whose errors name the way to them. */
  inside(name: string): Fields | null {
    const value = this.raw(name);
    return value === undefined ? null : new Fields(value, `${this.file}: ${name}`, this.fractions);
  }

  /** Refuses a field that changes the mathematics to what no model here computes, unless it has the value that changes nothing. */
  only(name: string, harmless: readonly unknown[], what: string): void {
    const value = this.raw(name);
    if (value === undefined || harmless.includes(value) || (Array.isArray(value) && value.length === 0) || isEmptyObject(value)) return;
    throw new CheckpointError(`${this.file}: ${name} ${JSON.stringify(value)} is not supported: ${what}`);
  }

  /** Refuses other fields than these, where one of an unknown name would change the mathematics. */
  nothingBut(names: readonly string[]): void {
    const unknown = Object.keys(this.json).find((name) => !names.includes(name) && this.json[name] !== null);
    if (unknown !== undefined) throw new CheckpointError(`${this.file}: ${unknown} is not supported; known are ${names.join(', ')}`);
  }

  #keep<T>(name: string, value: T): T {
    this.resolved.set(name, value);
    return value;
  }
}

/** A config as text; fractions have a point even where they are whole. */
export function formatConfig(config: Json, fractions: ReadonlySet<string>): string {
  const mark = '\u0001';
  const marked = JSON.stringify(config, (name, value: unknown) => (typeof value === 'number' && fractions.has(name) && Number.isSafeInteger(value) ? `${mark}${value}.0` : value), 2);
  return `${marked.replaceAll(/"\\u0001(-?\d+\.0)"/g, '$1')}\n`;
}

const isEmptyObject = (value: unknown): boolean => typeof value === 'object' && value !== null && Object.keys(value).length === 0;
