import { ArgumentError, CheckpointError, saveSafetensors, StridedError } from '@strided/tensor';
import { listFolder, makeFolder, pathInFolder, removeFile } from '@strided/tensor/files';
import { checkGoal, type Goal } from './goal.ts';
import { LaterFormatError, readCheckpoint, writeCheckpoint, type Checkpoint } from './checkpointFile.ts';

export interface CheckpointOptions {
  /** Of this run alone; it is made when it is missing. Files: `step-00000100.safetensors`. */
  readonly folder: string | URL;
  /** After every so many steps; besides `everySeconds`, and always at the end. */
  readonly every?: number;
  /** When so many seconds have passed since the last one. */
  readonly everySeconds?: number;
  /** How many of the newest stay. Default 2: if the newest is damaged, there is another. */
  readonly keep?: number;
  /** Keeps the checkpoint of the best evaluation too, as `best.safetensors` (read it with `readCheckpoint`). */
  readonly best?: Goal;
  /** What writes a file, which must be as it was or complete at every moment. Default `saveSafetensors`. */
  readonly save?: typeof saveSafetensors;
}

const NAME = /^step-(\d{8,15})\.safetensors$/;
/** What `writeFileAtomic` leaves behind when it is killed. */
const TEMPORARY = /^\.(?:step-\d{8,15}|best)\.safetensors\.\d+\.[0-9a-f]+\.tmp$/;

/** Eight digits sort by name as by number; a run of more steps than that gets longer names. */
function fileName(step: number): string {
  return `step-${String(step).padStart(8, '0')}.safetensors`;
}

/** The checkpoints of one run: written one after the other, the newest ones kept, the newest readable one found. */
export class CheckpointFolder {
  readonly #options: CheckpointOptions;
  /** The steps of the files that may serve for a resume, ascending. */
  #steps: number[] = [];
  /** The steps of files that cannot be read; they go when a new one is in place. */
  readonly #damaged = new Set<number>();
  /** When the last one was written, in seconds of training. */
  #savedAt = 0;

  constructor(options: CheckpointOptions) {
    const { every, everySeconds, keep = 2 } = options;
    if (every !== undefined && !(Number.isInteger(every) && every >= 1)) throw new ArgumentError(`Trainer: checkpoint.every must be a whole number of steps from 1, not ${every}`);
    if (everySeconds !== undefined && !(everySeconds > 0)) throw new ArgumentError(`Trainer: checkpoint.everySeconds must be above 0, not ${everySeconds}`);
    if (!(Number.isInteger(keep) && keep >= 1)) throw new ArgumentError(`Trainer: checkpoint.keep must be a whole number from 1, not ${keep}`);
    if (options.best !== undefined) checkGoal('checkpoint.best', options.best);
    this.#options = options;
  }

  /** What tells the best, if that is kept. */
  get best(): Goal | null {
    return this.#options.best ?? null;
  }

  /** Writes the checkpoint of the best evaluation so far over the last such. Returns its path. */
  async saveBest(checkpoint: Checkpoint): Promise<string> {
    const { folder, save = saveSafetensors } = this.#options;
    const path = pathInFolder(folder, 'best.safetensors');
    await writeCheckpoint(path, checkpoint, save);
    return path;
  }

  path(step: number): string {
    return pathInFolder(this.#options.folder, fileName(step));
  }

  /**
   * Looks at what is there and gives the newest checkpoint that can be read, or null to start anew. `warn` hears of
   * each damaged one that is passed over.
   *
   * @param resume true: there must be one; false: there must be none, or two runs would mix; 'auto': either
   * @throws CheckpointError, before anything changes
   */
  async open(resume: boolean | 'auto', warn: (message: string) => void): Promise<{ readonly path: string; readonly checkpoint: Checkpoint } | null> {
    const { folder } = this.#options;
    const name = pathInFolder(folder, '');
    const files = await listIfThere(folder);
    const steps = files.map((file) => Number(NAME.exec(file)?.[1])).filter((step) => files.includes(fileName(step))).sort((a, b) => a - b);
    if (resume === true && steps.length === 0) throw new CheckpointError(`${name}: there is no checkpoint to resume from; check the folder, or start anew with resume: 'auto'`);
    if (resume === false && steps.length > 0) {
      throw new CheckpointError(`${name}: holds checkpoints of an earlier run (step ${steps.at(-1)}); pass resume: true to go on from there, or choose another folder`);
    }
    this.#steps = steps;
    const found = await this.#newest(warn);
    this.#savedAt = found?.checkpoint.elapsed ?? 0;
    await makeFolder(folder);
    for (const file of files) if (TEMPORARY.test(file)) await removeFile(pathInFolder(folder, file));
    return found;
  }

  async #newest(warn: (message: string) => void): Promise<{ readonly path: string; readonly checkpoint: Checkpoint } | null> {
    const reasons: string[] = [];
    for (const step of [...this.#steps].reverse()) {
      const path = this.path(step);
      try {
        const checkpoint = await readCheckpoint(path);
        for (const reason of reasons) warn(`${reason}; training goes on from ${path}`);
        return { path, checkpoint };
      } catch (error) {
        if (!(error instanceof StridedError) || error instanceof LaterFormatError) throw error;
        reasons.push(error.message);
        this.#steps.pop();
        this.#damaged.add(step);
      }
    }
    if (reasons.length === 0) return null;
    throw new CheckpointError(`${pathInFolder(this.#options.folder, '')}: none of its ${reasons.length} checkpoints can be read (${reasons[0]}); restore one from a backup, or start anew in another folder`);
  }

  /** Whether one is to be written after step `step`. */
  isDue(step: number, elapsed: number): boolean {
    const { every = Infinity, everySeconds = Infinity } = this.#options;
    return step % every === 0 || elapsed - this.#savedAt >= everySeconds;
  }

  /** Writes a checkpoint; when it is in place, removes those that are too old. Returns its path. */
  async save(checkpoint: Checkpoint): Promise<string> {
    const { keep = 2, save = saveSafetensors } = this.#options;
    const { step } = checkpoint;
    const path = this.path(step);
    await writeCheckpoint(path, checkpoint, save);
    this.#savedAt = checkpoint.elapsed;
    this.#damaged.delete(step);
    this.#steps = [...this.#steps.filter((each) => each !== step), step];
    const old = this.#steps.splice(0, Math.max(0, this.#steps.length - keep));
    for (const each of [...old, ...this.#damaged]) await removeFile(this.path(each));
    this.#damaged.clear();
    return path;
  }
}

async function listIfThere(folder: string | URL): Promise<string[]> {
  try {
    return await listFolder(folder);
  } catch (error) {
    const cause = error instanceof StridedError ? error.cause : null;
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return [];
    throw error;
  }
}
