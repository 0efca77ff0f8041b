import { parseArgs } from 'node:util';
import type { Bench } from './harness/bench.ts';
import { runBench } from './harness/run.ts';
import { jsonLine, table } from './harness/report.ts';

/**
 * `npx -y pnpm@12 bench <name> [--json] [--threads N] [--filter case]`: races Strided against its peers.
 * Results go to stdout, everything else to stderr.
 */

const benches: Record<string, () => Promise<Bench>> = {
  ops: async () => (await import('./ops/bench.ts')).ops,
  gemm: async () => (await import('./gemm/bench.ts')).gemm,
  import: async () => (await import('./import/bench.ts')).imports,
  loops: async () => (await import('./loops/bench.ts')).loops,
};

const usage = `usage: bench <${Object.keys(benches).join('|')}> [--json] [--threads N] [--filter case]`;

async function main(): Promise<void> {
  const { positionals: [name, ...rest], values } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      threads: { type: 'string', default: '1' },
      filter: { type: 'string', default: '' },
    },
  });
  if (name === undefined) throw new Error(usage);
  if (!Object.hasOwn(benches, name)) throw new Error(`there is no bench '${name}'; ${usage}`);
  if (rest.length > 0) throw new Error(`one bench at a time, not also '${rest.join("', '")}'; ${usage}`);
  const threads = Number(values.threads);
  if (!Number.isInteger(threads) || threads < 1) throw new Error(`--threads must be a whole number from 1 on, not '${values.threads}'; ${usage}`);
  for await (const result of runBench(await benches[name](), { threads, filter: values.filter })) {
    console.log(values.json ? result.timings.map((timing) => jsonLine(result, timing)).join('\n') : table(result));
  }
}

try {
  await main();
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
