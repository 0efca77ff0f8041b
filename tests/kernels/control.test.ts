import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createControl, finish, isReady, lead, limitThreads, partsDone } from '../../packages/tensor/src/kernels/wasm/control.ts';
import { maySleep } from '../../packages/tensor/src/kernels/wasm/workers.browser.ts';

describe('a thread that waits for a slow worker', () => {
  const control = createControl();
  let worker: Worker;

  beforeAll(async () => {
    limitThreads(control, 2);
    worker = new Worker(join(import.meta.dirname, 'control.child.ts'), { workerData: control });
    while (!isReady(control, 0)) await sleep(1);
  });
  afterAll(() => worker.terminate());
  afterEach(() => {
    vi.restoreAllMocks();
  });

  /** The caller's part: it takes until the worker has taken its own. */
  const untilTaken = (): void => {
    // The lowest byte of the first word is the part that comes next.
    for (const end = performance.now() + 10_000; (Atomics.load(control, 0) & 255) < 2 && performance.now() < end; );
  };

  /** Shares two parts, the caller's until the worker has taken its own, and counts how often the caller went to sleep. */
  function share(mayWait: boolean): { waits: number; failed: boolean; parts: number } {
    const waits = vi.spyOn(Atomics, 'wait');
    const before = partsDone(control, 0);
    const failed = finish(control, lead(control, [untilTaken], 0, 0, 2, mayWait), mayWait);
    return { waits: waits.mock.calls.length, failed, parts: partsDone(control, 0) - before };
  }

  it('has time for other things meanwhile', () => {
    const before = partsDone(control, 0);
    const others = lead(control, [untilTaken], 0, 0, 2, true);
    expect({ others, ended: partsDone(control, 0) - before }).toEqual({ others: 1, ended: 0 });
    expect({ failed: finish(control, others, true), ended: partsDone(control, 0) - before }).toEqual({ failed: false, ended: 1 });
  });

  it('sleeps until it is done', () => {
    expect(share(true)).toEqual({ waits: 1, failed: false, parts: 1 });
  });

  it('never calls Atomics.wait where it must not, and still returns only when all is done', () => {
    expect(share(false)).toEqual({ waits: 0, failed: false, parts: 1 });
  });
});

it('a page must not sleep, a worker of a page may', () => {
  expect(maySleep()).toBe(false);
  vi.stubGlobal('DedicatedWorkerGlobalScope', Object);
  expect(maySleep()).toBe(true);
  vi.unstubAllGlobals();
});
