import { hostThreads, maySleep, startWorker } from '#workers';
import { EngineError } from '../../errors.ts';
import { createControl, finish, isReady, lead, limitThreads, numbered, partsDone } from './control.ts';
import type { Exports } from './exports.ts';
import { maxParts, type Work } from './heap.ts';

/** More threads than this are taken only when they are asked for by number. */
const automaticThreads = 8;

/** How many threads share large work where nothing else was said. */
export function defaultThreads(): number {
  return Math.min(hostThreads(), automaticThreads);
}

/** A worker that says nothing for so long is not waited for: it may still come. */
const patience = 10_000;

interface Member {
  gone: boolean;
  hold(held: boolean): void;
  /** Resolves when it has reported ready, or is gone. */
  readonly settled: Promise<void>;
}

/** The worker threads of one level: they share its modules' memory and take parts of its work. */
export class Pool implements Work {
  readonly #memory: WebAssembly.Memory;
  readonly #modules: readonly WebAssembly.Module[];
  readonly #kernels: ReturnType<typeof numbered>;
  readonly #control = createControl();
  readonly #members: Member[] = [];
  readonly #maySleep = maySleep();
  #threads = 1;
  /** The job that was run last, and how many of its parts others took and may be at still. */
  #name = '';
  #others = 0;

  constructor(memory: WebAssembly.Memory, modules: readonly WebAssembly.Module[], exports: Exports) {
    this.#memory = memory;
    this.#modules = modules;
    this.#kernels = numbered(exports);
  }

  /** How many threads take part, the main one among them, once all are ready. */
  get threads(): number {
    return this.#threads - this.#invited().filter(({ gone }) => gone).length;
  }

  set threads(count: number) {
    this.#threads = Math.min(count, maxParts);
    limitThreads(this.#control, this.#threads);
  }

  /** How many threads take part now: work is only shared with workers that have reported. */
  get present(): number {
    let count = 1;
    for (let worker = 0; worker < this.#threads - 1 && worker < this.#members.length; worker++) {
      if (!this.#members[worker].gone && isReady(this.#control, worker)) count++;
    }
    return count;
  }

  /** Parts that workers have done so far. */
  get partsDone(): number {
    this.finish();
    return this.#members.reduce((sum, _, worker) => sum + partsDone(this.#control, worker), 0);
  }

  #invited(): readonly Member[] {
    return this.#members.slice(0, this.#threads - 1);
  }

  /** Starts the workers that are missing. Nothing is thrown: what does not start leaves the work to the others. */
  start(): void {
    while (this.#members.length < this.#threads - 1) this.#members.push(this.#member(this.#members.length));
  }

  #member(worker: number): Member {
    let settle = (): void => {};
    const settled = new Promise<void>((resolve) => {
      settle = resolve;
    });
    const member: Member = { gone: false, hold: () => {}, settled };
    const gone = (): void => {
      member.gone = true;
      settle();
    };
    try {
      const start = { control: this.#control, memory: this.#memory, modules: this.#modules, worker };
      member.hold = startWorker(start, { ready: settle, gone }).hold;
    } catch {
      gone();
    }
    return member;
  }

  /** Starts all, and resolves when each has reported ready, or could not. */
  async ready(): Promise<void> {
    this.start();
    const members = this.#invited().filter(({ gone }) => !gone);
    if (members.length === 0) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patience);
    });
    // A program that awaits this has perhaps nothing else to stay alive for.
    for (const member of members) member.hold(true);
    try {
      await Promise.race([Promise.all(members.map(({ settled }) => settled)), late]);
    } finally {
      clearTimeout(timer);
      for (const member of members) member.hold(false);
    }
  }

  /**
   * Runs a job in `parts` parts on all threads that are ready, and returns when none is left to take: what workers have
   * taken ends with `finish`. Meanwhile the caller prepares what comes next.
   */
  run(name: string, job: number, parts: number): void {
    this.finish();
    const number = this.#kernels.names.indexOf(name);
    this.#name = name;
    this.#others = lead(this.#control, this.#kernels.functions, number, job, parts, this.#maySleep);
  }

  /** Waits for the parts of the last job that workers have taken. */
  finish(): void {
    if (this.#others === 0) return;
    const failed = finish(this.#control, this.#others, this.#maySleep);
    this.#others = 0;
    if (failed) {
      throw new EngineError(`kernels: a worker thread failed in ${this.#name}; configure({ threads: 1 }) computes without workers`);
    }
  }
}
