/** The file that a worker thread of Node, Deno or Bun starts with. It imports nothing that needs conditions to be found. */
import { parentPort, workerData } from 'node:worker_threads';
import { live, type WorkerStart } from './worker.ts';

live(workerData as WorkerStart, (message) => parentPort?.postMessage(message));
