import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateAsync } from '@gfx/zopfli';
import asc from 'assemblyscript/asc';
import { moduleNames, pieces, type ModuleName } from '../../packages/tensor/src/kernels/wasm/pieces.ts';
import { root } from '../testing/run.ts';

/** What all modules with the kernels for 256 bits have in common. */
const wideOptions = { features: 'simd,relaxed-simd', wide: 1 } as const;

/** How each module is compiled from packages/tensor/assembly. */
export const modules = {
  /** Every kernel, with what WebAssembly SIMD has had from the start. */
  simd128: { entry: 'modules/all.ts', features: 'simd', wide: 0, memoryBase: 1024 },
  /** The same sources with fused multiply-add and integer dot products. */
  relaxed: { entry: 'modules/all.ts', features: 'simd,relaxed-simd', wide: 0, memoryBase: 1024 },
  /** The heavy kernels, shaped for 256-bit registers. All share a memory, so each has a place of its own for constants. */
  wideProducts: { ...wideOptions, entry: 'modules/probedProducts.ts', memoryBase: 32768 },
  wideAttention: { ...wideOptions, entry: 'modules/attention.ts', memoryBase: 40960 },
  wideRows: { ...wideOptions, entry: 'modules/rows.ts', memoryBase: 49152 },
} as const satisfies Record<ModuleName, ModuleOptions>;

const sources = join(root, 'packages/tensor/assembly');

/** How a module is compiled. */
export interface ModuleOptions {
  /** The file under packages/tensor/assembly whose exports the module has. */
  readonly entry: string;
  readonly features: string;
  readonly wide: 0 | 1;
  /** Where its constants lie. */
  readonly memoryBase: number;
}

/** Compiles one of the modules. */
export function compileModule(name: ModuleName): Promise<Uint8Array<ArrayBuffer>> {
  return compile(modules[name]);
}

/** Compiles a module. The same sources and compiler give the same bytes on any machine. */
export async function compile({ entry, features, wide, memoryBase }: ModuleOptions): Promise<Uint8Array<ArrayBuffer>> {
  let bytes: Uint8Array<ArrayBuffer> | undefined;
  const flags = [
    entry, '--outFile', 'out.wasm', '-O3', '--noAssert', '--runtime', 'stub', '--converge',
    // Memory comes from outside and may be shared; the loader patches the import's flag then.
    '--importMemory', '--noExportMemory', '--initialMemory', '1', '--maximumMemory', '65536',
    '--memoryBase', String(memoryBase), '--enable', features, '--use', `WIDE=${wide}`,
    // Addresses are 32 bits wide here, and always will be: no warnings about 64.
    '--disableWarning', '201',
  ];
  const { error, stderr } = await asc.main(flags, {
    readFile: (file) => readFile(join(sources, file), 'utf8').catch(() => null),
    writeFile: (_, content) => {
      bytes = content as Uint8Array<ArrayBuffer>;
    },
    listFiles: () => [],
  });
  if (error !== null || bytes === undefined) throw new Error(`${entry}: ${error?.message ?? 'the compiler wrote nothing'}\n${stderr.toString()}`);
  return bytes;
}

/** Compiles all of them. */
export async function compileModules(): Promise<Record<ModuleName, Uint8Array<ArrayBuffer>>> {
  const compiled: [ModuleName, Uint8Array<ArrayBuffer>][] = [];
  for (const name of moduleNames) compiled.push([name, await compileModule(name)]);
  return Object.fromEntries(compiled) as Record<ModuleName, Uint8Array<ArrayBuffer>>;
}

/**
 * The file that embeds the compiled modules, compressed. Zopfli takes seconds for it and saves a tenth of what others leave;
 * it gives the same bytes on any machine, as Node's zlib does not.
 */
export async function embed(compiled: Readonly<Record<ModuleName, Uint8Array<ArrayBuffer>>>): Promise<string> {
  const lengths = Object.fromEntries(moduleNames.map((name) => [name, compiled[name].length])) as Record<ModuleName, number>;
  const inTurn = Array.from(pieces(lengths), ({ name, start, end }) => compiled[name].subarray(start, end));
  const packed = await deflateAsync(Buffer.concat(inTurn), { numiterations: 5, blocksplittingmax: 40 });
  return [
    '/** Compiled from packages/tensor/assembly by scripts/build-kernels.ts. */',
    `export const lengths = { ${moduleNames.map((name) => `${name}: ${lengths[name]}`).join(', ')} };`,
    '/** What relaxed and simd128 export. */',
    `export const functions: readonly string[] = '${WebAssembly.Module.exports(new WebAssembly.Module(compiled.simd128)).map(({ name }) => name).sort().join(' ')}'.split(' ');`,
    // Named, or the declaration would repeat the text.
    `export const packed: string =\n  '${Buffer.from(packed).toString('base64')}';`,
    '',
  ].join('\n');
}

/** Where it stands. */
export const embeddedPath = join(root, 'packages/tensor/src/kernels/wasm/generated/modules.ts');
