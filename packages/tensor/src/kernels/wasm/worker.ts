import { numbered, reportReady, serve, type Control } from './control.ts';
import { exportsOf } from './exports.ts';

/** What a worker is started with. */
export interface WorkerStart {
  readonly control: Control;
  readonly memory: WebAssembly.Memory;
  /** The modules of the level: where two export a name, the later one's is used. */
  readonly modules: readonly WebAssembly.Module[];
  readonly worker: number;
}

/** What a worker says, once; that it says something is what counts. */
const readyMessage = 'strided: ready';

/** The life of a worker: it starts the modules on the shared memory, reports, and takes parts of work for ever. */
export function live({ control, memory, modules, worker }: WorkerStart, report: (message: string) => void): never {
  const { functions } = numbered(exportsOf(modules, memory));
  reportReady(control, worker);
  report(readyMessage);
  return serve(control, worker, functions);
}
