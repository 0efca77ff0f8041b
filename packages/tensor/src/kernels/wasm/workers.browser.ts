import type { WorkerStart } from './worker.ts';

/** What a worker's end is told. */
export interface WorkerEvents {
  /** It has reported ready. */
  ready(): void;
  /** It could not start, or has ended. */
  gone(): void;
}

export interface WorkerHandle {
  /** Whether the process stays alive for it, where there is a process. */
  hold(held: boolean): void;
}

/** Starts a worker from a file beside this one: a strict content security policy forbids workers made from text. */
export function startWorker(start: WorkerStart, { ready, gone }: WorkerEvents): WorkerHandle {
  const worker = new Worker(new URL('./worker.browser.js', import.meta.url), { type: 'module' });
  worker.addEventListener('message', ready);
  worker.addEventListener('messageerror', gone);
  worker.addEventListener('error', (event) => {
    // Running on fewer threads is no error of the page.
    event.preventDefault();
    gone();
  });
  worker.postMessage(start);
  return { hold: () => {} };
}

/** How many threads the host runs at once. */
export function hostThreads(): number {
  return (globalThis as { navigator?: { hardwareConcurrency?: number } }).navigator?.hardwareConcurrency ?? 1;
}

/** Whether this thread may sleep until another wakes it: a page's main thread must not. */
export function maySleep(): boolean {
  return 'DedicatedWorkerGlobalScope' in globalThis;
}
