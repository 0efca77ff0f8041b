import { maxParts } from './heap.ts';

/**
 * The words by which threads hand out work, in a small shared array of their own. One word says all that a thread must
 * know to take a part: which job is at hand, how many parts it has and which is next. Taking one is a single exchange,
 * so a thread that wakes up late, or never, costs nothing: the others take its parts.
 */
const CLAIM = 0;
/** Parts that workers have finished of the job at hand. */
const DONE = 16;
const WAITING = 17;
const FAILED = 18;
const SLEEPERS = 32;
/** The job: which of the kernels' functions, the address of its record, and how many threads may take part. */
const FUNCTION = 48;
const JOB = 49;
const THREADS = 50;
/** Of each worker, a cache line apart: whether it has reported ready, and how many parts it has done. */
const WORKERS = 64;
const STRIDE = 16;

export type Control = Int32Array<SharedArrayBuffer>;

export function createControl(): Control {
  return new Int32Array(new SharedArrayBuffer((WORKERS + maxParts * STRIDE) * 4));
}

/** The kernels' functions by number: the same in each thread, as all have the same modules. */
export type KernelFunction = (job: number, part: number, parts: number) => unknown;
export function numbered(exports: object): { readonly names: readonly string[]; readonly functions: readonly KernelFunction[] } {
  const entries = (Object.entries(exports) as [string, KernelFunction][]).sort(([a], [b]) => (a < b ? -1 : 1));
  return { names: entries.map(([name]) => name), functions: entries.map(([, call]) => call) };
}

/** Takes the next part of the job at hand; −1 when none is left. */
function take(control: Control): number {
  for (;;) {
    const word = Atomics.load(control, CLAIM);
    const next = word & 255;
    if (next >= ((word >>> 8) & 255)) return -1;
    // Until the part is finished the job cannot end, so what it says is read afterwards.
    if (Atomics.compareExchange(control, CLAIM, word, word + 1) === word) return next;
  }
}

function perform(control: Control, functions: readonly KernelFunction[], part: number): void {
  functions[Atomics.load(control, FUNCTION)](Atomics.load(control, JOB), part, (Atomics.load(control, CLAIM) >>> 8) & 255);
}

/** How many times a thread looks between two looks at the clock. */
const looks = 64;

/** Looks until `done` says so, for at most `microseconds`. */
function spin(microseconds: number, done: () => boolean): boolean {
  const end = performance.now() + microseconds / 1000;
  do {
    for (let i = 0; i < looks; i++) if (done()) return true;
  } while (performance.now() < end);
  return false;
}

/**
 * How long a worker looks for the next job before it sleeps: the pauses between the kernels of a model's layer are
 * shorter, and waking a thread costs as much.
 */
const workerSpin = 100;

/** Notes that a worker has all it needs. */
export function reportReady(control: Control, worker: number): void {
  Atomics.store(control, WORKERS + worker * STRIDE, 1);
}

/** What a worker does for ever once it is ready. */
export function serve(control: Control, worker: number, functions: readonly KernelFunction[]): never {
  const own = WORKERS + worker * STRIDE;
  for (;;) {
    const seen = Atomics.load(control, CLAIM);
    const invited = worker + 1 < Atomics.load(control, THREADS);
    for (let part = invited ? take(control) : -1; part >= 0; part = take(control)) {
      try {
        perform(control, functions, part);
      } catch {
        Atomics.store(control, FAILED, 1);
      }
      Atomics.add(control, own + 1, 1);
      Atomics.add(control, DONE, 1);
      if (Atomics.load(control, WAITING) !== 0) Atomics.notify(control, DONE);
    }
    if (invited && spin(workerSpin, () => Atomics.load(control, CLAIM) !== seen)) continue;
    Atomics.add(control, SLEEPERS, 1);
    Atomics.wait(control, CLAIM, seen);
    Atomics.sub(control, SLEEPERS, 1);
  }
}

/** Whether a worker has reported ready. */
export function isReady(control: Control, worker: number): boolean {
  return Atomics.load(control, WORKERS + worker * STRIDE) !== 0;
}

/** How many parts a worker has done since it started. */
export function partsDone(control: Control, worker: number): number {
  return Atomics.load(control, WORKERS + worker * STRIDE + 1);
}

/** How many threads, the main one among them, may take parts from now on. */
export function limitThreads(control: Control, threads: number): void {
  Atomics.store(control, THREADS, threads);
}

/**
 * Hands out a job and takes parts until none is left.
 *
 * @returns how many parts workers took, for `finish`. When one of its own throws, the others have ended.
 */
export function lead(control: Control, functions: readonly KernelFunction[], number: number, job: number, parts: number, mayWait: boolean): number {
  Atomics.store(control, FUNCTION, number);
  Atomics.store(control, JOB, job);
  Atomics.store(control, DONE, 0);
  Atomics.store(control, FAILED, 0);
  const generation = (Atomics.load(control, CLAIM) >>> 16) + 1;
  // The first part is the leader's: the shares that have less to do for the thread that prepares the next job.
  Atomics.store(control, CLAIM, (generation << 16) | (parts << 8) | 1);
  if (Atomics.load(control, SLEEPERS) > 0) Atomics.notify(control, CLAIM);
  let own = 0;
  try {
    for (let part = 0; part >= 0; part = take(control)) {
      own++;
      perform(control, functions, part);
    }
  } catch (error) {
    // The memory that the others work in is given back afterwards.
    while (take(control) >= 0) own++;
    finish(control, parts - own, mayWait);
    throw error;
  }
  return parts - own;
}

/** How long the main thread looks for the end of the others' parts before it sleeps. */
const leaderSpin = 100;

/**
 * Waits until workers have ended `others` parts of the job at hand. `mayWait`: a thread that must not block looks until
 * the end instead.
 *
 * @returns whether one failed.
 */
export function finish(control: Control, others: number, mayWait: boolean): boolean {
  const ended = (): boolean => Atomics.load(control, DONE) >= others;
  while (!ended() && !spin(leaderSpin, ended)) {
    if (!mayWait) continue;
    Atomics.store(control, WAITING, 1);
    const done = Atomics.load(control, DONE);
    if (done < others) Atomics.wait(control, DONE, done);
    Atomics.store(control, WAITING, 0);
  }
  return Atomics.load(control, FAILED) !== 0;
}
