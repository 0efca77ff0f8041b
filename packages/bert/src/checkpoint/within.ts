import type { TensorReader } from '@strided/tensor';

type Raw = Awaited<ReturnType<TensorReader['read']>>;

/** The tensors of a checkpoint whose names pass `own`, by their names without `prefix`. Closing it closes the whole. */
function part(whole: TensorReader, label: string, prefix: string, own: (name: string) => boolean): TensorReader {
  const rest = (name: string): string => name.slice(prefix.length);
  const names = whole.names.filter(own).map(rest);
  return {
    name: `${whole.name} (${label})`,
    metadata: whole.metadata,
    names,
    unknown: new Map([...whole.unknown].filter(([name]) => own(name)).map(([name, dtype]) => [rest(name), dtype])),
    has: (name) => own(prefix + name) && whole.has(prefix + name),
    info: (name) => whole.info(prefix + name),
    read: async (name) => whole.read(prefix + name),
    readInto: async (name, target, from) => whole.readInto(prefix + name, target, from),
    async readAll() {
      const all = new Map<string, Raw>();
      for (const name of names) all.set(name, await whole.read(prefix + name));
      return all;
    },
    close: async () => whole.close(),
  };
}

/** The tensors whose names begin with `prefix`, by the rest of their names. */
export const readerWithin = (whole: TensorReader, prefix: string): TensorReader => part(whole, `${prefix}*`, prefix, (name) => name.startsWith(prefix));

/** The tensors whose names begin with none of `prefixes`. */
export const readerBeside = (whole: TensorReader, prefixes: readonly string[]): TensorReader =>
  part(whole, `beside ${prefixes.map((prefix) => `${prefix}*`).join(' and ')}`, '', (name) => !prefixes.some((prefix) => name.startsWith(prefix)));
