import { FormatError } from '@strided/tensor/errors';

/** One line of a text, without its line end. */
export interface TextLine {
  readonly text: string;
  /** Counts from 1. */
  readonly number: number;
  /** Bytes `offset … end − 1` of the file, the line end left out. */
  readonly offset: number;
  readonly end: number;
}

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** A line is held in memory whole, so there is a longest; text has none near it, binary data may. */
export const MAX_LINE_BYTES = 1 << 24;

/**
 * The lines of a UTF-8 text that comes in chunks cut anywhere; only the line at hand is held in memory.
 * A byte order mark is dropped, CRLF is taken as LF, and a last line needs no line end.
 *
 * @param name the file's name for messages
 * @throws FormatError naming file and line where bytes are not text: NUL, invalid UTF-8, or no line end for 16 MiB
 */
export async function* readLines(chunks: AsyncIterable<Uint8Array | string>, name: string): AsyncGenerator<TextLine> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let parts: Uint8Array[] = [];
  let held = 0;
  let number = 0;
  let offset = 0;

  const take = (last: Uint8Array): TextLine => {
    number++;
    const bytes = parts.length === 0 ? last : concatenate([...parts, last]);
    parts = [];
    held = 0;
    const start = offset;
    offset += bytes.length + 1;
    const end = bytes.at(-1) === CARRIAGE_RETURN ? bytes.length - 1 : bytes.length;
    const skip = number === 1 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
    const content = bytes.subarray(skip, end);
    if (content.includes(0)) {
      throw new FormatError(`${name}:${number}: a NUL byte, so this is not a text file; give plain UTF-8 text`);
    }
    return { text: decode(decoder, content, name, number), number, offset: start + skip, end: start + end };
  };

  for await (const chunk of toBytes(chunks)) {
    let from = 0;
    for (let to = chunk.indexOf(NEWLINE); to >= 0; to = chunk.indexOf(NEWLINE, from)) {
      yield take(chunk.subarray(from, to));
      from = to + 1;
    }
    if (from < chunk.length) {
      // The source may reuse its buffer: what is kept must be a copy.
      parts.push(chunk.slice(from));
      held += chunk.length - from;
      if (held > MAX_LINE_BYTES) {
        throw new FormatError(`${name}:${number + 1}: no line end within 16 MiB, so this is not text in lines; split it into sentences, one a line`);
      }
    }
  }
  if (held > 0) yield take(new Uint8Array(0));
}

function decode(decoder: TextDecoder, bytes: Uint8Array, name: string, number: number): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new FormatError(`${name}:${number}: not valid UTF-8, so this is a binary file or text in another encoding; convert it to UTF-8`);
  }
}

/** Strings become bytes; a surrogate pair that two strings share stays whole. */
async function* toBytes(chunks: AsyncIterable<Uint8Array | string>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  let pending = '';
  for await (const chunk of chunks) {
    if (typeof chunk !== 'string') {
      yield chunk;
      continue;
    }
    let text = pending + chunk;
    pending = '';
    if (/[\ud800-\udbff]$/.test(text)) {
      pending = text.slice(-1);
      text = text.slice(0, -1);
    }
    yield encoder.encode(text);
  }
  if (pending !== '') yield encoder.encode(pending);
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
