import { describe, expect, it } from 'vitest';
import type { Bench, CaseResult, Contestant } from '../benchmarks/harness/bench.ts';
import { jsonLine, table } from '../benchmarks/harness/report.ts';
import { runBench } from '../benchmarks/harness/run.ts';

/** The harness of the benchmarks, with contestants that take no time; no test looks at how long anything took. */

const contestant = (name: string, numbers: number[]): Contestant<number[]> => ({ name, run: () => numbers, read: (result) => result });

function bench(...contestants: Contestant[]): Bench {
  const work = { amount: 8, unit: 'GB/s' } as const;
  return { name: 'test', maxThreads: 2, cases: () => ['add', 'add row', 'mul'].map((name) => ({ name, work, tolerance: 1e-3, prepare: () => contestants })) };
}

async function run(one: Bench, filter = 'mul', threads = 1): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  for await (const result of runBench(one, { filter, threads, rounds: 1 })) results.push(result);
  return results;
}

describe('bench harness', () => {
  it('times every contestant of the chosen cases', async () => {
    const [result, ...others] = await run(bench(contestant('a', [1, 2]), contestant('b', [1, 2])));
    expect(others).toEqual([]);
    expect(result).toMatchObject({ bench: 'test', case: 'mul', threads: 1, timings: [{ contestant: 'a' }, { contestant: 'b' }] });
  });

  it('refuses a contestant that computes something else, before timing', async () => {
    let runs = 0;
    const counting = (name: string, numbers: number[]): Contestant<number[]> => ({ name, run: () => { runs++; return numbers; }, read: (result) => result });
    await expect(run(bench(counting('a', [1, 2]), counting('b', [1, 2.1])))).rejects.toThrow('mul: b computes something else than a: value 1 is 2.1 instead of 2');
    expect(runs).toBe(2);
    await expect(run(bench(contestant('a', [1]), contestant('b', [1, 1])))).rejects.toThrow('2 values instead of 1');
    await expect(run(bench(contestant('a', [1]), contestant('b', [NaN])))).rejects.toThrow('NaN instead of 1');
    await expect(run(bench(contestant('a', [NaN, Infinity]), contestant('b', [NaN, Infinity])))).resolves.toHaveLength(1);
  });

  it('names the contestant that throws', async () => {
    const throwing: Contestant<number[]> = { name: 'b', run: () => { throw new Error('no'); }, read: (result) => result };
    await expect(run(bench(contestant('a', [1]), throwing))).rejects.toThrow('mul: b failed: no');
  });

  it('refuses a filter that leaves no case, and more threads than there are', async () => {
    await expect(run(bench(contestant('a', [1])), 'div')).rejects.toThrow("no case of test contains 'div'; it has: add, add row, mul");
    await expect(run(bench(contestant('a', [1])), 'mul', 3)).rejects.toThrow('test runs on at most 2 threads, not 3');
  });

  it('awaits contestants that answer later, and releases what each run made', async () => {
    let open = 0;
    const later: Contestant<number[]> = { name: 'a', run: async () => { open++; return [1]; }, read: (result) => result, release: () => { open--; } };
    await run(bench(later));
    expect(open).toBe(0);
  });

  it('prints one JSON object a line, with the rate at the best time, and a table', () => {
    const result: CaseResult = {
      bench: 'ops', case: 'add', threads: 1, work: { amount: 3e6, unit: 'GB/s' },
      timings: [{ contestant: 'strided-js', best: 1, median: 2 }, { contestant: 'other', best: 1.5, median: 2 }],
    };
    expect(JSON.parse(jsonLine(result, result.timings[1]))).toEqual({ bench: 'ops', case: 'add', threads: 1, contestant: 'other', ms: 1.5, rate: 2, unit: 'GB/s' });
    expect(Object.keys(JSON.parse(jsonLine(result, result.timings[0])) as object)).toEqual(['bench', 'case', 'threads', 'contestant', 'ms', 'rate', 'unit']);
    expect(table(result).split('\n').map((line) => line.split(/\s{2,}| (?=\d)/).filter(Boolean))).toMatchObject([['add', 'best ms', 'median ms', 'GB/s', 'time'], ['strided-js', '1.00', '2.00', '3.00', '1.00×'], ['other', '1.50', '2.00', '2.00', '1.50×']]);
  });
});
