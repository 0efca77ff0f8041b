/** The file that a browser's worker starts with. */
import { live, type WorkerStart } from './worker.ts';

const scope = globalThis as unknown as EventTarget & { postMessage(message: string): void };
scope.addEventListener('message', (event) => live((event as MessageEvent<WorkerStart>).data, (message) => scope.postMessage(message)));
