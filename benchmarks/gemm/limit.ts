import { compile } from '../../scripts/kernels/compile.ts';
import { compileWide, type HostProcess } from '../../packages/tensor/src/kernels/wasm/simd256.ts';

/** The processor's own limit in this run, in multiply-adds on 4 or 8 lanes. */
export interface Limits {
  /** At least `multiplyAdds` of them in 128-bit registers. */
  narrow(multiplyAdds: number): void;
  /** The same in 256-bit registers, or null where V8 is not asked for them. */
  readonly wide: ((multiplyAdds: number) => void) | null;
}

interface Probes {
  narrow(p: number, steps: number): void;
  wide(p: number, steps: number): void;
}

export async function limits(wideWanted: boolean): Promise<Limits> {
  const bytes = await compile({ entry: 'bench/limit.ts', features: 'simd,relaxed-simd', wide: 0, memoryBase: 1024 });
  const start = (module: WebAssembly.Module): Probes => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
    new Float32Array(memory.buffer).fill(0.5);
    return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Probes;
  };
  const at = 4096;
  const small = start(new WebAssembly.Module(bytes));
  const large = wideWanted ? start(compileWide([bytes], process as HostProcess)[0]) : null;
  return {
    narrow: (multiplyAdds) => small.narrow(at, Math.ceil(multiplyAdds / 48)),
    wide: large === null ? null : (multiplyAdds) => large.wide(at, Math.ceil(multiplyAdds / 96)),
  };
}
