import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonScanner } from './json.ts';

class Refused extends Error {}

function scanner(text: string): JsonScanner {
  return new JsonScanner(text, (problem) => {
    throw new Refused(problem);
  });
}

/** Whether the scanner takes the whole text as one value. */
function accepts(text: string): boolean {
  try {
    const json = scanner(text);
    json.skip();
    json.end();
    return true;
  } catch (error) {
    if (error instanceof Refused) return false;
    throw error;
  }
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const numRuns = Number(process.env.STRIDED_RUNS ?? 100) * 10;

describe('JsonScanner', () => {
  it('accepts whatever JSON.stringify writes', () => {
    fc.assert(fc.property(fc.jsonValue({ maxDepth: 5, stringUnit: 'grapheme' }), fc.constantFrom(0, 1, 2), (value, indent) => {
      expect(accepts(JSON.stringify(value, null, indent))).toBe(true);
    }), { numRuns });
  });

  it('accepts no text that JSON.parse refuses, and refuses of the rest only what it is meant to', () => {
    const noise = fc.stringMatching(/^[[\]{}",:0-9eE+.\\unaltrfs -]{0,12}$/);
    const edited = fc.tuple(fc.json({ maxDepth: 3 }), fc.nat(), noise, fc.nat({ max: 3 }))
      .map(([json, at, insert, drop]) => json.slice(0, at % (json.length + 1)) + insert + json.slice((at % (json.length + 1)) + drop));
    fc.assert(fc.property(fc.oneof(noise, edited), (text) => {
      if (accepts(text)) expect(parses(text), text).toBe(true);
      else if (parses(text)) expect(() => scanner(text).skip(), text).toThrow(/twice|surrogate/);
    }), { numRuns });
  });

  it('gives the value of a string as JSON.parse does', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), fc.boolean(), (value, escape) => {
      const plain = JSON.stringify(value);
      const text = escape ? plain.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`) : plain;
      expect(scanner(text).string()).toBe(value);
    }), { numRuns });
  });

  it.each(['1.0', '1e3', '-0', '-1', '01', '9007199254740993', '9007199254740992', '123456789012345678901', '1E0', '+1', '.5', '0x1', '', '"1"', '1.', 'NaN'])(
    'refuses %j as an integer', (text) => {
      expect(() => {
        const json = scanner(text);
        json.integer();
        json.end();
      }).toThrow(Refused);
    });

  it.each([['0', 0], ['7', 7], ['9007199254740991', 9007199254740991], [' 12 ', 12]])('reads %j as an integer', (text, value) => {
    expect(scanner(text).integer()).toBe(value);
  });

  it('refuses a key that comes twice, also when one of them is escaped', () => {
    expect(accepts('{"a":1,"\\u0061":2}')).toBe(false);
    expect(accepts('{"a":{"b":1,"b":2}}')).toBe(false);
    expect(accepts('{"a":{"b":1},"c":{"b":2}}')).toBe(true);
    expect(accepts('{"__proto__":1,"__proto__":2}')).toBe(false);
  });

  it('refuses half a surrogate pair, and takes a whole one', () => {
    expect(accepts('"\\ud83d"')).toBe(false);
    expect(accepts('"\\ude00\\ud83d"')).toBe(false);
    expect(scanner('"\\ud83d\\ude00"').string()).toBe('😀');
  });

  it('does not overflow the stack on a million brackets, nor slow down on a long token', () => {
    expect(accepts('['.repeat(1_000_000))).toBe(false);
    expect(accepts('{"a":'.repeat(1_000_000))).toBe(false);
    expect(accepts(`"${'\\\\'.repeat(1_000_000)}"`)).toBe(true);
    expect(accepts('9'.repeat(1_000_000))).toBe(false);
    expect(accepts(`${'['.repeat(64)}${']'.repeat(64)}`)).toBe(true);
    expect(accepts(`${'['.repeat(65)}${']'.repeat(65)}`)).toBe(false);
  });
});
