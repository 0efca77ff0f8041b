/** Run by simd256.test.ts with flags of V8: compiles every embedded module, and prints their names. */
import { embedded } from '../../packages/tensor/src/kernels/wasm/embedded.ts';
import { moduleNames } from '../../packages/tensor/src/kernels/wasm/pieces.ts';

const compiled = moduleNames.filter((name) => new WebAssembly.Module(embedded(name)) instanceof WebAssembly.Module);
console.log(JSON.stringify(compiled));
