import { spawnSync } from 'node:child_process';
import { hostPath, root } from '../../scripts/testing/run.ts';
import type { Bench, BenchOptions, Case, Contestant } from '../harness/bench.ts';

/**
 * What a program pays before its first result: whole processes that import the package as it is published, beside one
 * that computes the same without it. The difference is the package's.
 */

/** A square product that a program begins with, and what it says. */
interface Program {
  readonly name: string;
  readonly size: number;
}

const programs: readonly Program[] = [
  { name: 'import', size: 0 },
  { name: 'import and 2×2 product', size: 2 },
  { name: 'import and 64×64 product, which starts the kernels', size: 64 },
  { name: 'import and 512×512 product, which starts simd256 and the threads', size: 512 },
];

const values = (size: number): string => `Array.from({ length: ${size} }, (_, i) => Array.from({ length: ${size} }, (_, j) => (i * 7 + j * 3) % 5))`;
const say = 'console.log(JSON.stringify([trace]))';

function withStrided({ size }: Program): string {
  if (size === 0) return "import '@strided/tensor'; console.log('[]')";
  return `import { tensor } from '@strided/tensor'; const a = tensor(${values(size)}); const c = a.matmul(a).toArray(); const trace = c.reduce((sum, row, i) => sum + row[i], 0); ${say}`;
}

function alone({ size }: Program): string {
  if (size === 0) return "console.log('[]')";
  return `const a = ${values(size)}; let trace = 0; for (let i = 0; i < ${size}; i++) for (let k = 0; k < ${size}; k++) trace += a[i][k] * a[k][i]; ${say}`;
}

/** Runs a program in a process of its own, and gives what it printed. */
function start(node: string, program: string, threads: number, kernels = 'auto'): number[] {
  const env = { ...process.env, NODE_OPTIONS: '', STRIDED_THREADS: String(threads), STRIDED_KERNELS: kernels };
  const { status, stdout, stderr } = spawnSync(node, ['--input-type=module', '--eval', program], { cwd: root, env, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as number[];
}

/** The project's Node, and the host's where that is another. */
function nodes(): { readonly path: string; readonly version: string }[] {
  const { stdout } = spawnSync('node', ['--print', '[process.execPath, process.version]'], { env: { ...process.env, PATH: hostPath }, encoding: 'utf8' });
  const [, path, version] = /'(.*)', '(.*)'/.exec(stdout ?? '') ?? [];
  const own = { path: process.execPath, version: process.version };
  return version === undefined || version === own.version ? [own] : [own, { path, version }];
}

function cases({ threads }: BenchOptions): Case[] {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/build.ts', 'tensor'], { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`the package could not be built: ${stdout}${stderr}`);
  return nodes().flatMap(({ path, version }) =>
    programs.map((program): Case => {
      const contestants = (name: string, text: string, kernels?: string): Contestant<number[]>[] =>
        threads.map((count) => ({ name, threads: count, run: () => start(path, text, count, kernels), read: (printed) => printed }));
      // What compiling and checking simd256 costs is what relaxed is sooner; the host's Node may have neither.
      const relaxed = program.size >= 512 && path === process.execPath ? contestants('strided-relaxed', withStrided(program), 'relaxed') : [];
      return {
        name: `${program.name}, Node ${version}`,
        work: { amount: 1, unit: 'starts/s' },
        tolerance: 0,
        prepare: () => [...contestants('strided', withStrided(program)), ...relaxed, ...contestants('node-alone', alone(program))],
      };
    }),
  );
}

export const imports: Bench = { name: 'import', threads: [1, 2], cases };
