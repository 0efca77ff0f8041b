import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateAsync } from '@gfx/zopfli';
import asc from 'assemblyscript/asc';
import { pieces } from '../../packages/tensor/src/kernels/wasm/pieces.ts';
import { root } from '../testing/run.ts';

/** How each of the three modules is compiled from packages/tensor/assembly. */
export const modules = {
  /** Every kernel, with what WebAssembly SIMD has had from the start. */
  simd128: { entry: 'main.ts', features: 'simd', wide: 0, memoryBase: 1024 },
  /** The same sources with fused multiply-add and integer dot products. */
  relaxed: { entry: 'main.ts', features: 'simd,relaxed-simd', wide: 0, memoryBase: 1024 },
  /** The heavy kernels, shaped for 256-bit registers; constants beside those of `relaxed`, with which it shares the memory. */
  simd256: { entry: 'wide.ts', features: 'simd,relaxed-simd', wide: 1, memoryBase: 32768 },
} as const satisfies Record<string, ModuleOptions>;
export type ModuleName = keyof typeof modules;

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

/** Compiles one of the three modules. */
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

/** Compiles all three. */
export async function compileModules(): Promise<Record<ModuleName, Uint8Array<ArrayBuffer>>> {
  return { simd128: await compileModule('simd128'), relaxed: await compileModule('relaxed'), simd256: await compileModule('simd256') };
}

/**
 * The file that embeds the compiled modules, compressed. Zopfli takes seconds for it and saves a tenth of what others leave;
 * it gives the same bytes on any machine, as Node's zlib does not.
 */
export async function embed(compiled: Readonly<Record<ModuleName, Uint8Array<ArrayBuffer>>>): Promise<string> {
  const lengths = { simd128: compiled.simd128.length, relaxed: compiled.relaxed.length, simd256: compiled.simd256.length };
  const inTurn = Array.from(pieces(lengths), ({ level, start, end }) => compiled[level].subarray(start, end));
  const packed = await deflateAsync(Buffer.concat(inTurn), { numiterations: 5, blocksplittingmax: 40 });
  return [
    '/** Compiled from packages/tensor/assembly by scripts/build-kernels.ts. */',
    `export const lengths = { simd128: ${lengths.simd128}, relaxed: ${lengths.relaxed}, simd256: ${lengths.simd256} };`,
    '/** What relaxed and simd128 export. */',
    `export const functions: readonly string[] = '${WebAssembly.Module.exports(new WebAssembly.Module(compiled.simd128)).map(({ name }) => name).sort().join(' ')}'.split(' ');`,
    // Named, or the declaration would repeat the text.
    `export const packed: string =\n  '${Buffer.from(packed).toString('base64')}';`,
    '',
  ].join('\n');
}

/** Where it stands. */
export const embeddedPath = join(root, 'packages/tensor/src/kernels/wasm/generated/modules.ts');
