import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { judge } from './harness/bars.ts';
import type { Bench, CaseResult } from './harness/bench.ts';
import { plot } from './harness/plot.ts';
import { jsonLine, table } from './harness/report.ts';
import { runBench } from './harness/run.ts';

/**
 * `npx -y pnpm@12 bench <name> [--json] [--threads 1,2] [--filter case] [--peers a,b|none] [--rounds N]`: races Strided against its peers.
 * Results go to stdout, everything else to stderr.
 */

const benches: Record<string, () => Promise<Bench>> = {
  gemm: async () => (await import('./gemm/bench.ts')).gemm,
  attention: async () => (await import('./attention/bench.ts')).attention,
  ops: async () => (await import('./ops/bench.ts')).ops,
  'train-step': async () => (await import('./trainStep/bench.ts')).trainStep,
  bert: async () => (await import('./bert/bench.ts')).bert,
  import: async () => (await import('./import/bench.ts')).imports,
  loops: async () => (await import('./loops/bench.ts')).loops,
};

const usage = `usage: bench <${Object.keys(benches).join('|')}> [--json] [--threads 1,2] [--filter case] [--peers a,b|none] [--rounds N]`;

function wholeNumbers(name: string, text: string): number[] {
  const found = text.split(',').map(Number);
  if (found.some((number) => !Number.isInteger(number) || number < 1)) throw new Error(`--${name} takes whole numbers from 1 on, not '${text}'; ${usage}`);
  return found;
}

/** One picture of all cases, where generated files go. */
function savePlot(results: readonly CaseResult[]): void {
  const folder = join(import.meta.dirname, '../runs/bench');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${results[0].bench}.svg`);
  writeFileSync(file, plot(results));
  console.error(`plot: ${file}`);
}

async function main(): Promise<void> {
  const { positionals: [name, ...rest], values } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false }, threads: { type: 'string' }, filter: { type: 'string', default: '' }, peers: { type: 'string' }, rounds: { type: 'string' } },
  });
  if (name === undefined) throw new Error(usage);
  if (!Object.hasOwn(benches, name)) throw new Error(`there is no bench '${name}'; ${usage}`);
  if (rest.length > 0) throw new Error(`one bench at a time, not also '${rest.join("', '")}'; ${usage}`);
  const bench = await benches[name]();
  const options = {
    threads: values.threads === undefined ? bench.threads : wholeNumbers('threads', values.threads), filter: values.filter,
    ...(values.rounds === undefined ? {} : { rounds: wholeNumbers('rounds', values.rounds)[0] }),
    ...(values.peers === undefined ? {} : { peers: values.peers.split(',') }),
  };
  const results: CaseResult[] = [];
  for await (const result of runBench(bench, options)) {
    results.push(result);
    const verdicts = [...judge(result).map(({ text }) => text), ...result.notes];
    console.log(values.json ? result.timings.map((timing) => jsonLine(result, timing)).join('\n') : `${[table(result), ...verdicts].join('\n')}\n`);
    if (values.json && verdicts.length > 0) console.error([result.case, ...verdicts].join('\n'));
  }
  savePlot(results);
}

try {
  await main();
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
