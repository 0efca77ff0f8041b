/** Run by control.test.ts as a worker: serves one function, which takes its time. */
import { workerData } from 'node:worker_threads';
import { reportReady, serve, type Control } from '../../packages/tensor/src/kernels/wasm/control.ts';

const control = workerData as Control;
const own = new Int32Array(new SharedArrayBuffer(4));
reportReady(control, 0);
serve(control, 0, [() => Atomics.wait(own, 0, 0, 150)]);
