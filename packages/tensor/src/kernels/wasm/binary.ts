/** Work on modules as bytes, before they are compiled. */

export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

const importSection = 2;
const memoryKind = 2;

/** An unsigned LEB128 number at `at`, and where the next thing starts. */
function readNumber(bytes: Uint8Array, at: number): { readonly value: number; readonly next: number } {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return { value, next: at };
  }
}

/** Where the flags of the imported memory's limits stand. Memory is all that our modules import. */
function memoryFlagsAt(bytes: Uint8Array): number {
  for (let at = 8; at < bytes.length; ) {
    const id = bytes[at];
    const { value: size, next } = readNumber(bytes, at + 1);
    if (id !== importSection) {
      at = next + size;
      continue;
    }
    at = readNumber(bytes, next).next;
    for (let name = 0; name < 2; name++) {
      const { value: length, next: start } = readNumber(bytes, at);
      at = start + length;
    }
    if (bytes[at] === memoryKind) return at + 1;
    break;
  }
  throw new Error('wasm: the module imports no memory; build the kernels anew');
}

/** The same module for shared memory: an import of one kind refuses the other. */
export function forSharedMemory(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const patched = bytes.slice();
  // 1: has a maximum; 3: and is shared.
  patched[memoryFlagsAt(bytes)] = 3;
  return patched;
}

/** The same module with a custom section, which engines skip: other bytes, so no cache of compiled code takes it for the original. */
export function tagged(bytes: Uint8Array<ArrayBuffer>, tag: string): Uint8Array<ArrayBuffer> {
  const name = new TextEncoder().encode(tag);
  const section = [0, name.length + 1, name.length, ...name];
  const longer = new Uint8Array(bytes.length + section.length);
  longer.set(bytes);
  longer.set(section, bytes.length);
  return longer;
}
