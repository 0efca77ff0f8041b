import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { firstDifference, refusal, speedup } from '../../packages/tensor/src/kernels/wasm/earn.ts';
import { embedded } from '../../packages/tensor/src/kernels/wasm/embedded.ts';
import { exportsOf, type Exports, type WideExports } from '../../packages/tensor/src/kernels/wasm/exports.ts';
import { createMemory, Heap } from '../../packages/tensor/src/kernels/wasm/heap.ts';
import { moduleNames, wideNames } from '../../packages/tensor/src/kernels/wasm/pieces.ts';
import { lackOf } from '../../packages/tensor/src/kernels/wasm/select.ts';
import { compileWide, lackOfWide, type HostProcess } from '../../packages/tensor/src/kernels/wasm/simd256.ts';

const wideBytes = wideNames.map(embedded);
const host: HostProcess = { arch: 'x64', versions: { v8: '13.6.233' }, execArgv: [], getBuiltinModule: () => undefined };

describe('whether a host may try simd256', () => {
  it.each<[string, HostProcess | undefined, RegExp | null]>([
    ['Node 24 on x86-64', host, null],
    ['a browser', undefined, /outside a browser/],
    ['Bun', { ...host, versions: { v8: '13.6.233', bun: '1.4.5' } }, /outside a browser/],
    ['Deno', { ...host, versions: { v8: '14.0.1', deno: '2.9.6' } }, /Deno leaves the flags of V8 as they are/],
    ['a process without versions', { ...host, versions: {} }, /outside a browser/],
    ['no way to the builtin modules', { arch: 'x64', versions: { v8: '13.6.233' } }, /process.getBuiltinModule/],
    ['ARM', { ...host, arch: 'arm64' }, /x86-64 processor, not arm64/],
    ['Node 22', { ...host, versions: { v8: '12.4.254' } }, /V8 13.6 \(Node 24\) or newer, not 12.4.254/],
    ['other functions to be compiled well', { ...host, execArgv: ['--wasm-tier-mask-for-testing=5'] }, /--wasm-tier-mask-for-testing was given on the command line/],
    ['the flag turned off by hand', { ...host, execArgv: ['--no_experimental_wasm_revectorize'] }, /given on the command line/],
  ])('%s', (_, process, lack) => {
    for (const auto of [true, false]) {
      if (lack === null) expect(lackOfWide(process, auto)).toBe(null);
      else expect(lackOfWide(process, auto)).toMatch(lack);
    }
  });

  it('a V8 newer than it was tried on, if it is asked for by name', () => {
    const newer = { ...host, versions: { v8: '14.7.1' } };
    expect(lackOfWide(newer, true)).toMatch(/V8 14.7.1 is newer than those that it was tried on; configure\(\{ kernels: 'simd256' \}\) or/);
    expect(lackOfWide(newer, false)).toBe(null);
    expect(lackOfWide({ ...host, versions: { v8: '14.6.202' } }, true)).toBe(null);
  });
});

describe('the flags of V8', () => {
  const recorded = (execArgv: readonly string[], fail = '') => {
    const calls: string[] = [];
    const setFlagsFromString = (flag: string) => {
      calls.push(flag);
      if (flag === fail) throw new Error('refused');
    };
    return { calls, process: { ...host, execArgv, getBuiltinModule: () => ({ setFlagsFromString }) } };
  };
  const on = ['--experimental-wasm-revectorize', '--wasm-tier-mask-for-testing=-1', '--no-wasm-lazy-compilation'];
  const off = ['--no-experimental-wasm-revectorize', '--wasm-tier-mask-for-testing=0', '--wasm-lazy-compilation'];

  it('are set around one compilation and reset', () => {
    const { calls, process } = recorded([]);
    compileWide(wideBytes, process);
    expect(calls).toEqual([...on, ...off]);
  });

  it('are reset when compiling throws, and when setting one does', () => {
    const broken = recorded([]);
    expect(() => compileWide([new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 99])], broken.process)).toThrow(WebAssembly.CompileError);
    expect(broken.calls).toEqual([...on, ...off]);
    const refused = recorded([], on[1]);
    expect(() => compileWide(wideBytes, refused.process)).toThrow('refused');
    expect(refused.calls).toEqual([on[0], on[1], ...off]);
  });

  it('are left alone where the command line names them, however it writes them', () => {
    const { calls, process } = recorded(['--experimental_wasm_revectorize', '--wasm_tier_mask_for_testing=5']);
    compileWide(wideBytes, process);
    expect(calls).toEqual([on[2], off[2]]);
  });

  it('without them the level is refused by name', () => {
    expect(() => compileWide(wideBytes, host)).toThrow(/does not let the flags of V8 be set/);
  });
});

const lack = lackOf('simd256', {}, false);

describe.skipIf(lack !== null)('simd256 earns its place', () => {
  const heap = new Heap(createMemory());
  const relaxed = exportsOf([new WebAssembly.Module(embedded('relaxed'))], heap.memory) as Exports;
  const wide = exportsOf(compileWide(wideBytes, process as HostProcess), heap.memory) as WideExports;
  /** A clock by which the product takes `product` and the probe `probe`. */
  const clock = (product: number, probe: number) => {
    let [calls, time] = [0, 0];
    return () => (time += [0, product, probe][calls++ % 3]);
  };

  it('and is taken when it is equal and faster', () => {
    expect(refusal(wide, relaxed, heap, true, clock(1, 2))).toBe(null);
  });

  it('not when it is not clearly faster, unless it was asked for by name', () => {
    expect(refusal(wide, relaxed, heap, true, clock(1, 1.1))).toMatch(/not clearly faster here: 1\.10 times/);
    expect(refusal(wide, relaxed, heap, false, clock(1, 1.1))).toBe(null);
  });

  // A function that no check reaches could be wrong unseen.
  const functions = Object.keys(wide).filter((name) => !/Bytes$|^probe$/.test(name)) as (keyof WideExports)[];
  it.each(functions)('not when %s computes something else, asked for or not', (name) => {
    const wrong: WideExports = {
      ...wide,
      [name]: (job: number, part: number, parts: number) => {
        (wide[name] as (job: number, part: number, parts: number) => void)(job, part, parts);
        spoil(name, job);
      },
    };
    for (const timed of [true, false]) expect(refusal(wrong, relaxed, heap, timed)).toMatch(/differs from relaxed in: /);
  });

  /** Where each record keeps the address of its result. */
  const resultField: Record<string, number> = {
    packB: 10, softmax: 4, logSoftmax: 4, softmaxBackward: 4, logSoftmaxBackward: 4, crossEntropy: 5, layerNorm: 9, layerNormBackward: 9, layerNormSums: 14, dropout: 2, attention: 36, attentionBackward: 45,
  };

  /** Flips a low bit of the first value that the function wrote. */
  function spoil(name: keyof WideExports, job: number): void {
    const fields = heap.i32.subarray(job / 4);
    const address = name.startsWith('multiply') ? heap.i32[fields[8] / 4 + 2] : fields[resultField[name] ?? 3];
    // A product rounds the lowest bits of what was packed away.
    heap.i32[address / 4] ^= name === 'packB' ? 0x400000 : 1;
  }

  it('gives heap memory back after its checks', () => {
    const before = heap.scratch(() => heap.allocate(64));
    expect(firstDifference(wide, relaxed, heap)).toBe(null);
    expect(heap.scratch(() => heap.allocate(64))).toBe(before);
  });

  it('leaves alone what others keep in the memory, wherever it lies between its own', () => {
    // Small chunks of the stack, each followed by a block that somebody holds.
    const own = new Heap(createMemory());
    const blocks = Array.from({ length: 40 }, (_, i) => {
      own.scratch(() => own.allocate(1 << (i % 20)));
      const block = own.reserve(4096);
      own.f32.fill(i + 1, block.address / 4, block.address / 4 + 1024);
      return block;
    });
    const narrow = exportsOf([new WebAssembly.Module(embedded('relaxed'))], own.memory) as Exports;
    const other = exportsOf(compileWide(wideBytes, process as HostProcess), own.memory) as WideExports;
    expect(firstDifference(other, narrow, own)).toBe(null);
    speedup(other, own, clock(1, 2));
    blocks.forEach(({ address }, i) => expect(own.f32.subarray(address / 4, address / 4 + 1024).every((value) => value === i + 1)).toBe(true));
  });
});

it.skipIf(lack !== null)('with the flag turned off on the command line relaxed runs and says why, and asking for the level is an error', () => {
  const script = `
    import { configure, engineInfo } from '@strided/tensor';
    const { level, reason } = engineInfo();
    let error = null;
    try { configure({ kernels: 'simd256' }); } catch ({ name, message }) { error = { name, message }; }
    console.log(JSON.stringify({ level, reason, error, after: engineInfo().level }));`;
  const args = ['--conditions=strided-source', '--no-experimental-wasm-revectorize', '--input-type=module', '--eval', script];
  const output = execFileSync(process.execPath, args, { encoding: 'utf8', cwd: import.meta.dirname, env: { ...process.env, STRIDED_KERNELS: 'auto' } });
  const why = '--no-experimental-wasm-revectorize was given on the command line';
  expect(JSON.parse(output)).toEqual({
    level: 'relaxed', reason: `simd256: ${why}`, after: 'relaxed',
    error: { name: 'EngineError', message: `configure: this host cannot run the kernels 'simd256': ${why}; use 'auto', which takes the best level that works` },
  });
});

it.skipIf(lack !== null)('in a real process the level runs, other modules keep their compiler, and the flags are as before', () => {
  expect(child('simd256.child.ts', ['--allow-natives-syntax'])).toEqual({
    level: 'simd256', notOptimised: [], laterIsOptimised: false, laterIsLiftoff: true, sameBytesLaterArePacked: false,
  });
});

describe.skipIf(lack !== null)('while other threads compile', () => {
  it.each([200, 20_000])('other modules, whose functions are compiled well after %i bytes, V8 survives', (budget) => {
    expect(child('flags.child.ts', [`--wasm-tiering-budget=${budget}`], '1500')).toEqual({ codes: [0, 0], several: true });
  });

  // What runs until simd256 is worth its start may be compiled once more at any time.
  it('our own modules, V8 survives to pack any function of theirs', () => {
    const flags = ['--experimental-wasm-revectorize', '--no-liftoff', '--no-wasm-lazy-compilation'];
    expect(child('compileAll.child.ts', flags)).toEqual(moduleNames);
  });
});

/** Runs a script of this folder, which prints JSON, in a process of its own. */
function child(name: string, flags: readonly string[], ...args: readonly string[]): unknown {
  const output = execFileSync(process.execPath, ['--conditions=strided-source', ...flags, join(import.meta.dirname, name), ...args], { encoding: 'utf8', env: { ...process.env, STRIDED_KERNELS: 'auto' } });
  return JSON.parse(output);
}
