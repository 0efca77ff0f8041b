import { spawn } from 'node:child_process';
import { delimiter, join, resolve } from 'node:path';

/** The root of the repository. */
export const root = resolve(import.meta.dirname, '../..');

/** A step that takes longer hangs: the whole suite is meant to end in minutes. */
const limit = 30 * 60_000;

export interface Finished {
  /** The exit code; a process that was killed or never started has 1. */
  readonly code: number;
  /** What it wrote to stdout and stderr, in the order of arrival. */
  readonly output: string;
}

export interface RunOptions {
  readonly cwd?: string;
  /** Variables over those of this process; undefined removes one. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Runs a program to its end, without a terminal, and never throws: what went wrong is in the output. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return new Promise((done) => {
    const child = spawn(program, args, {
      cwd: options.cwd ?? root,
      env: { ...process.env, PATH: toolPath, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: limit,
    });
    let output = '';
    const collect = (text: string): void => {
      output += text;
    };
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    child.on('error', (error) => done({ code: 1, output: `${output}${program}: ${error.message}\n` }));
    child.on('close', (code, signal) => {
      if (signal !== null) output += `\n${program}: ended by ${signal}\n`;
      done({ code: code ?? 1, output });
    });
  });
}

const folders = (process.env['PATH'] ?? '').split(delimiter);

/** PATH with the project's own tools first, also when this script was not started by pnpm. */
const toolPath = [join(root, 'node_modules', '.bin'), ...folders].join(delimiter);

/** PATH as the host has it: without what pnpm, npx and npm put in front, so that `node` is the host's. */
export const hostPath = folders.filter((folder) => !/[\\/]node_modules[\\/]/.test(`${folder}/`)).join(delimiter);

/** Runs pnpm: the one that runs this script, else one fetched as the README says. */
export function pnpm(args: readonly string[], options?: RunOptions): Promise<Finished> {
  const path = process.env['npm_execpath'] ?? '';
  if (!/pnpm/.test(path)) return run('npx', ['-y', 'pnpm@12', ...args], options);
  return /\.[cm]?js$/.test(path) ? run(process.execPath, [path, ...args], options) : run(path, args, options);
}
