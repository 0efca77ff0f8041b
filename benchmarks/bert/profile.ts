import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { ModelProblem } from './problem.ts';

export type Part = 'products' | 'attention' | 'elementwise' | 'copies';

/** Where the time of one run went. */
export interface Profile {
  readonly level: string;
  readonly ms: number;
  readonly entries: readonly { readonly name: string; readonly part: Part; readonly ms: number; readonly calls: number }[];
}

/** A profile of our run on one thread, made by a process of its own, as lines of a table. */
export function profile(problem: ModelProblem): string[] {
  const parameters = ['--conditions=strided-source', join(import.meta.dirname, 'profileRun.ts')];
  const { status, stdout, stderr } = spawnSync(process.execPath, parameters, { input: JSON.stringify(problem), encoding: 'utf8', maxBuffer: 2 ** 24 });
  if (status !== 0) throw new Error(`the profile failed: ${stderr}`);
  return profileLines(JSON.parse(stdout) as Profile);
}

export function profileLines({ level, ms, entries }: Profile): string[] {
  const line = (name: string, taken: number, detail: string): string => `    ${name.padEnd(12)}${taken.toFixed(1).padStart(8)} ms ${((100 * taken) / ms).toFixed(1).padStart(6)}%  ${detail}`.trimEnd();
  const parts = (['products', 'attention', 'elementwise', 'copies'] as const).map((part) => {
    const own = entries.filter((entry) => entry.part === part).sort((a, b) => b.ms - a.ms);
    return { part, ms: own.reduce((sum, entry) => sum + entry.ms, 0), detail: own.map((entry) => `${entry.name} ${entry.ms.toFixed(1)} (${entry.calls}×)`).join(', ') };
  });
  const rest = ms - parts.reduce((sum, part) => sum + part.ms, 0);
  return [
    `  profile       strided (${level}, 1 thread), best run ${ms.toFixed(1)} ms, clocks included`,
    ...parts.map((part) => line(part.part, part.ms, part.detail)),
    line('dispatch', rest, 'all else'),
  ];
}
