import { afterEach, describe, expect, it, vi } from 'vitest';
import { configure, engineInfo, ready, type EngineOptions } from './engine.ts';
import { ArgumentError, EngineError } from './errors.ts';
import { kernels } from './kernels/dispatch.ts';
import { attempt } from './kernels/wasm/select.ts';
import { randn } from './randomCreation.ts';
import { allocate } from './storage.ts';

afterEach(() => configure({ kernels: 'auto', threads: 'auto' }));

const wasmLevels = ['simd128', 'relaxed', 'simd256'] as const;

describe('configure', () => {
  it.each(wasmLevels)('takes %s where the host has it, and says what it lacks where not', (level) => {
    const found = attempt(level, {}, false);
    if ('runtime' in found) {
      configure({ kernels: level });
      expect(engineInfo()).toMatchObject({ kernels: level, level });
    } else {
      configure({ kernels: 'js' });
      expect(() => configure({ kernels: level })).toThrow(EngineError);
      expect(engineInfo().level).toBe('js');
    }
  });

  it('runs without WebAssembly when js is asked for', () => {
    configure({ kernels: 'js' });
    expect(engineInfo()).toMatchObject({ level: 'js', memory: 'none', reason: 'js was asked for' });
    expect(randn([40, 40]).matmul(randn([40, 40])).shape).toEqual([40, 40]);
  });

  it('auto takes the highest level, and its reason names every level that it passed over', () => {
    configure({ kernels: 'auto' });
    const { level, reason } = engineInfo();
    const passed = ['simd256', 'relaxed', 'simd128', 'js'].slice(0, ['simd256', 'relaxed', 'simd128', 'js'].indexOf(level));
    for (const name of passed) expect(reason).toContain(`${name}: `);
    if (passed.length === 0) expect(reason).toBe('');
  });

  it('refuses what makes no sense and keeps what was', () => {
    configure({ kernels: 'js' });
    expect(() => configure({ kernels: 'fast' } as unknown as EngineOptions)).toThrow(ArgumentError);
    expect(() => configure({ kernels: 'fast' } as unknown as EngineOptions)).toThrow("configure: 'fast' is not a kernel level; use 'auto', 'js', 'simd128', 'relaxed', 'simd256'");
    for (const threads of [0, -1, 1.5, NaN, 65]) expect(() => configure({ threads })).toThrow(ArgumentError);
    expect(engineInfo().kernels).toBe('js');
  });

  it('takes a module that the host compiled, and forgets it again', async () => {
    const { embedded } = await import('./kernels/wasm/embedded.ts');
    const relaxed = new WebAssembly.Module(embedded('simd128'));
    configure({ kernels: 'relaxed', threads: 2, modules: { relaxed } });
    expect(engineInfo()).toMatchObject({ level: 'relaxed', threads: 1, memory: 'unshared' });
    expect(randn([40, 40]).matmul(randn([40, 40])).shape).toEqual([40, 40]);
    configure({ modules: { relaxed: undefined } });
    expect(engineInfo()).toMatchObject({ level: 'relaxed', threads: 2, memory: 'shared' });
  });

  it('leaves relaxed where simd256 computes anything else, and refuses it by name', async () => {
    if ('lack' in attempt('simd256', {}, false)) return;
    const { embedded } = await import('./kernels/wasm/embedded.ts');
    // It rounds twice where relaxed and simd256 round once.
    const relaxed = new WebAssembly.Module(embedded('simd128'));
    try {
      configure({ kernels: 'auto', modules: { relaxed } });
      expect(engineInfo()).toMatchObject({ level: 'relaxed', reason: 'simd256: its result differs from relaxed in: product 11×37×259' });
      expect(() => configure({ kernels: 'simd256' })).toThrow(/cannot run the kernels 'simd256': its result differs from relaxed/);
      expect(engineInfo().level).toBe('relaxed');
    } finally {
      configure({ modules: { relaxed: undefined } });
    }
  });

  it('refuses modules that no level takes, and keeps what was', () => {
    configure({ kernels: 'js' });
    const empty = new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
    const given = (modules: object) => () => configure({ modules } as EngineOptions);
    expect(given({ simd256: empty })).toThrow(/simd256 takes no module: it is compiled by the engine/);
    expect(given({ relaxd: empty })).toThrow("configure: there is no module 'relaxd'; modules are for 'relaxed' and 'simd128'");
    for (const relaxed of [null, 'relaxed.wasm', new Uint8Array(8), {}]) expect(given({ relaxed })).toThrow(/modules\.relaxed must be a WebAssembly\.Module that the host compiled from the package's wasm\/relaxed\.wasm/);
    expect(given({ relaxed: empty })).toThrow(/modules\.relaxed has no function adamW; it must be compiled from the package's wasm\/relaxed\.wasm, in this version/);
    expect(given({ simd128: empty })).toThrow(/it must be compiled from what wasmBytes\('simd128'\) of @strided\/tensor\/wasm gives, in this version/);
    expect(engineInfo()).toMatchObject({ kernels: 'js', level: 'js' });
  });
});

describe('the environment', () => {
  const fresh = async (variables: Record<string, string>) => {
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
    vi.resetModules();
    return import('./engine.ts');
  };
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  it('chooses the level, and configure overrules it', async () => {
    const engine = await fresh({ STRIDED_KERNELS: 'js' });
    expect(engine.engineInfo().level).toBe('js');
    engine.configure({ kernels: 'auto' });
    expect(engine.engineInfo().kernels).toBe('auto');
  });

  it.each([['STRIDED_KERNELS', 'avx'], ['STRIDED_THREADS', '0']])('%s=%s is refused by name', async (name, value) => {
    const engine = await fresh({ [name]: value });
    expect(() => engine.engineInfo()).toThrow(`${name}: `);
  });

  it('without WebAssembly auto is js, and a level by name is an error', async () => {
    vi.stubGlobal('WebAssembly', undefined);
    const engine = await fresh({ STRIDED_KERNELS: 'auto' });
    expect(engine.engineInfo()).toMatchObject({ level: 'js' });
    expect(engine.engineInfo().reason).toContain('simd128: this host has no WebAssembly');
    expect(() => engine.configure({ kernels: 'simd128' })).toThrow("configure: this host cannot run the kernels 'simd128': this host has no WebAssembly");
  });

  it('where compiling is forbidden auto is js, and says so', async () => {
    const Module = function refuse(): never {
      throw new Error('unsafe-eval');
    };
    vi.stubGlobal('WebAssembly', { validate: () => true, Module, Memory: WebAssembly.Memory });
    const engine = await fresh({ STRIDED_KERNELS: 'auto' });
    expect(engine.engineInfo()).toMatchObject({ level: 'js' });
    expect(engine.engineInfo().reason).toContain('unsafe-eval');
  });

  it.each(['relaxed', 'simd128'] as const)('where compiling is forbidden a given module runs as %s, and what it lacks is said', async (level) => {
    const { embedded } = await import('./kernels/wasm/embedded.ts');
    const module = new WebAssembly.Module(embedded(level));
    const { Memory, Instance } = WebAssembly;
    const forbidden = new Error('Wasm code generation disallowed by embedder');
    const Module = Object.assign(function refuse(): never {
      throw forbidden;
    }, { exports: WebAssembly.Module.exports });
    const refuses = () => Promise.reject(forbidden);
    vi.stubGlobal('WebAssembly', { validate: () => true, Module, Memory, Instance, compile: refuses, instantiate: refuses });
    const engine = await fresh({ STRIDED_KERNELS: 'auto' });
    engine.configure({ modules: { [level]: module } });
    await engine.ready();
    const info = engine.engineInfo();
    expect(info).toMatchObject({ kernels: 'auto', level, threads: 1, threadsReady: true, memory: 'unshared' });
    for (const higher of ['simd256', 'relaxed'].slice(0, level === 'relaxed' ? 1 : 2)) expect(info.reason).toContain(`${higher}: `);
    if (level === 'simd128') expect(info.reason).toContain('relaxed: the host refused the module: Wasm code generation disallowed by embedder');
    const { tensor } = await import('./creation.ts');
    const a = tensor([Array.from({ length: 64 }, (_, i) => i)]);
    expect([...a.transpose().matmul(a).select(0, 3).toTypedArray()]).toEqual(Array.from({ length: 64 }, (_, i) => 3 * i));
    expect(() => engine.configure({ kernels: level === 'relaxed' ? 'simd128' : 'relaxed' })).toThrow(/cannot run the kernels '.*': the host refused the module: Wasm code generation disallowed/);
    engine.configure({ kernels: level });
    expect(engine.engineInfo().level).toBe(level);
  });
});

it('small products stay in the js loops, so importing and small work start nothing', async () => {
  vi.stubEnv('STRIDED_KERNELS', 'simd128');
  vi.resetModules();
  const { kernels: own } = await import('./kernels/dispatch.ts');
  const select = await import('./kernels/wasm/select.ts');
  const product = (size: number) => own.matmul(randn([size, size]), randn([size, size]), allocate([size, size], 'float32'));
  product(8);
  expect(select.heapBytes()).toBe(0);
  product(32);
  expect(select.heapBytes()).toBeGreaterThan(0);
  vi.unstubAllEnvs();
});

describe('until work is worth starting all for', () => {
  const fresh = async () => {
    vi.stubEnv('STRIDED_KERNELS', 'auto');
    vi.stubEnv('STRIDED_THREADS', '2');
    vi.resetModules();
    const [tensors, settings] = await Promise.all([import('./index.ts'), import('./kernels/wasm/settings.ts')]);
    const filled = (rows: number, columns: number) => tensors.fromTypedArray(Float32Array.from({ length: rows * columns }, (_, i) => ((i * 7919) % 1009) / 504.5 - 1), [rows, columns]);
    return { tensors, settings, filled };
  };
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.resetModules();
  });
  const higher = 'runtime' in attempt('simd256', {}, true);

  it.skipIf(!higher)('relaxed computes on one thread, and the same bits come afterwards', async () => {
    const { tensors, settings, filled } = await fresh();
    const [a, b] = [filled(40, 300), filled(300, 50)];
    const product = () => a.matmul(b).toTypedArray();
    const early = product();
    expect(settings.startedRuntime()).toMatchObject({ level: 'relaxed' });
    expect(settings.startedRuntime()?.pool).toBe(undefined);
    for (let i = 0; i < 4; i++) filled(256, 256).matmul(filled(256, 256));
    expect(settings.startedRuntime()?.pool?.threads).toBe(2);
    expect(tensors.engineInfo().level).toBe('simd256');
    expect(product()).toEqual(early);
  });

  it.skipIf(!higher)('many small pieces of work are worth it in the end, and a large one at once', async () => {
    const { settings, filled } = await fresh();
    const small = filled(64, 64);
    const levels = Array.from({ length: 300 }, () => {
      small.softmax().matmul(small);
      return settings.startedRuntime()?.level;
    });
    expect(levels[0]).toBe('relaxed');
    expect(levels.at(-1)).toBe('simd256');
    const { settings: others, filled: make } = await fresh();
    make(512, 512).matmul(make(512, 512));
    expect(others.startedRuntime()?.level).toBe('simd256');
  });

  it.skipIf(!higher)('weights that were packed are packed anew', async () => {
    const { tensors, settings, filled } = await fresh();
    const [x, weight] = [filled(30, 70), filled(90, 70)];
    const layer = () => tensors.linear(x, weight).toTypedArray();
    const plain = layer();
    tensors.persist([weight], { packed: true });
    expect(layer()).toEqual(plain);
    expect(settings.startedRuntime()?.level).toBe('relaxed');
    expect(tensors.engineInfo().level).toBe('simd256');
    expect(layer()).toEqual(plain);
    expect(weight.storage.isFolded).toBe(true);
  });

  it.skipIf(!higher)('whoever asks is told what will run', async () => {
    const { tensors, filled } = await fresh();
    filled(64, 64).matmul(filled(64, 64));
    expect(tensors.engineInfo()).toMatchObject({ level: 'simd256', reason: '', threads: 2 });
  });
});

it('ready() starts the engine', async () => {
  await ready();
  expect(engineInfo().threadsReady).toBe(true);
  expect(kernels.matmul).toBeTypeOf('function');
});
