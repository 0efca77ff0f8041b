import { createRequire } from 'node:module';
import type * as os from 'node:os';
import type * as threads from 'node:worker_threads';
import type { WorkerStart } from './worker.ts';
import type { WorkerEvents, WorkerHandle } from './workers.browser.ts';

/** Beside this file, in the sources and in what is built from them. */
const entry = new URL(import.meta.url.endsWith('.ts') ? './worker.node.ts' : './worker.node.js', import.meta.url);

/** What only large work needs is loaded with the first: importing it takes 2 ms. */
const load = (name: 'node:os' | 'node:worker_threads'): unknown => createRequire(import.meta.url)(name);

/** Starts a worker thread, which does not keep the process alive. Throws where the host allows none. */
export function startWorker(start: WorkerStart, { ready, gone }: WorkerEvents): WorkerHandle {
  const { Worker } = load('node:worker_threads') as typeof threads;
  // Nothing of the program's own flags, and none of its output: a worker has nothing to print.
  const worker = new Worker(entry, { workerData: start, execArgv: [], stdout: true, stderr: true });
  worker.once('message', ready);
  worker.on('error', gone);
  worker.once('exit', gone);
  worker.unref();
  return {
    hold: (held) => {
      if (held) worker.ref();
      else worker.unref();
    },
  };
}

/** How many threads the host runs at once. */
export function hostThreads(): number {
  return (load('node:os') as typeof os).availableParallelism();
}

/** Whether this thread may sleep until another wakes it. */
export function maySleep(): boolean {
  return true;
}
