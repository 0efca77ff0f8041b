/** Just enough of protobuf's wire format to write a message: each function gives the bytes of one field. */

export type Bytes = readonly number[] | Uint8Array;

function varint(value: number): number[] {
  const found: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) found.push((rest % 128) + 128);
  return [...found, rest];
}

export function integer(field: number, value: number): Bytes {
  return [...varint(field * 8), ...varint(value)];
}

export function float(field: number, value: number): Bytes {
  return [...varint(field * 8 + 5), ...new Uint8Array(Float32Array.of(value).buffer)];
}

export function bytes(field: number, value: Bytes): Bytes {
  return concat([[...varint(field * 8 + 2), ...varint(value.length)], value]);
}

export function text(field: number, value: string): Bytes {
  return bytes(field, new TextEncoder().encode(value));
}

export function message(field: number, ...fields: readonly Bytes[]): Bytes {
  return bytes(field, concat(fields));
}

export function concat(parts: readonly Bytes[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
