import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { libraries, type Library } from '../libraries/index.ts';
import type { ModelProblem } from '../bert/problem.ts';
import type { Problem } from '../problems.ts';
import type { Racer } from './bench.ts';
import { local } from './local.ts';

/** The process of one library on so many threads: `node host.ts <library> <threads>`; what it is asked stands in remote.ts. */

// Libraries greet on the console; stdout is for answers.
console.log = console.info = console.debug = console.error;

let racer: Racer | null = null;
/** What it computed when it was prepared. */
let prepared: Float32Array | null = null;

function contestantOf(library: Library, problem: Problem | ModelProblem): ReturnType<Library['contestant']> {
  return problem.op === 'bert-forward' || problem.op === 'embed' ? library.model?.(problem) ?? null : library.contestant(problem);
}

async function answer(library: Library, question: { do: string; problem: Problem | ModelProblem; duration: number }): Promise<object> {
  if (question.do === 'first') {
    const begin = performance.now();
    const contestant = await contestantOf(library, question.problem);
    const result = await contestant?.run();
    const nanoseconds = (performance.now() - begin) * 1e6;
    if (contestant === null) return { able: false };
    return { able: true, nanoseconds, numbers: base64(Float32Array.from((await contestant.read?.(result)) ?? [])) };
  }
  if (question.do === 'prepare') {
    await racer?.close?.();
    racer = null;
    const contestant = await contestantOf(library, question.problem);
    if (contestant === null) return { able: false };
    racer = local(contestant);
    prepared = Float32Array.from((await racer.numbers()) ?? []);
    return { able: true };
  }
  if (question.do === 'memory') return { bytes: peakMemory() };
  if (racer === null) throw new Error(`nothing is prepared for '${question.do}'`);
  if (question.do === 'round') return { samples: await racer.round(question.duration) };
  const numbers = prepared ?? Float32Array.from((await racer.numbers()) ?? []);
  prepared = null;
  return { numbers: base64(numbers) };
}

const base64 = ({ buffer }: Float32Array): string => Buffer.from(buffer).toString('base64');

/** The system's own figure begins with what the parent had when it started this process; Linux knows better. */
function peakMemory(): number {
  const status = existsSync('/proc/self/status') ? readFileSync('/proc/self/status', 'utf8') : '';
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB/m.exec(status) ?? [];
  return (kibibytes === undefined ? process.resourceUsage().maxRSS : Number(kibibytes)) * 1024;
}

function say(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

const said = (error: unknown): { error: string } => ({ error: error instanceof Error ? error.message : String(error) });

const [, , name, threads] = process.argv;
try {
  const library = await libraries[name](Number(threads));
  say({ ready: true });
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    say(await answer(library, JSON.parse(line) as Parameters<typeof answer>[1]).catch(said));
  }
} catch (error) {
  say(said(error));
}
// Threads of libraries keep a process alive.
process.exit();
