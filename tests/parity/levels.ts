import { ready } from '../../packages/tensor/src/engine.ts';
import { attempt } from '../../packages/tensor/src/kernels/wasm/select.ts';
import { currentChoice } from '../../packages/tensor/src/kernels/wasm/settings.ts';
import type { ModuleLevel, Runtime } from '../../packages/tensor/src/kernels/wasm/runtime.ts';
import { sharing } from '../../packages/tensor/src/kernels/wasm/share.ts';

// All threads that STRIDED_THREADS names take part, in work of any size.
await ready();
sharing.from = 0;

/** What STRIDED_KERNELS chose, or null for js: then there is nothing to compare. */
export const { runtime } = currentChoice();
export const level = runtime?.level ?? 'js';

/** A level of this host by name, or null. */
export function runtimeOf(name: ModuleLevel): Runtime | null {
  const found = attempt(name, {}, false);
  return 'runtime' in found ? found.runtime : null;
}

/** The runtime of a test that only runs where there is one. */
export function chosen(): Runtime {
  if (runtime === null) throw new Error('this test needs a WebAssembly level');
  return runtime;
}
