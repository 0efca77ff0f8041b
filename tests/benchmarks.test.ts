import { describe, expect, it } from 'vitest';
import { attentionOf } from '../benchmarks/attention/bench.ts';
import { bars as bertBars } from '../benchmarks/bert/bars.ts';
import { bertOf } from '../benchmarks/bert/bench.ts';
import { paddedProblem, realPositions } from '../benchmarks/bert/problem.ts';
import { profileLines } from '../benchmarks/bert/profile.ts';
import { gemmOf } from '../benchmarks/gemm/bench.ts';
import { judge } from '../benchmarks/harness/bars.ts';
import type { Bench, CaseResult, Contestant } from '../benchmarks/harness/bench.ts';
import { freshRacer } from '../benchmarks/harness/fresh.ts';
import { plot } from '../benchmarks/harness/plot.ts';
import { Remote } from '../benchmarks/harness/remote.ts';
import { jsonLine, table } from '../benchmarks/harness/report.ts';
import { runBench } from '../benchmarks/harness/run.ts';
import { ops } from '../benchmarks/ops/bench.ts';
import { trainStepOf } from '../benchmarks/trainStep/bench.ts';
import { onnxModel } from '../benchmarks/onnx/model.ts';

/** The harness of the benchmarks, with contestants that take no time; no test looks at how long anything took. */

const contestant = (name: string, numbers: number[]): Contestant<number[]> => ({ name, run: () => numbers, read: (result) => result });

function bench(...contestants: Contestant[]): Bench {
  const work = { amount: 8, unit: 'GB/s' } as const;
  return { name: 'test', threads: [1, 2], cases: () => ['add', 'add row', 'mul'].map((name) => ({ name, work, tolerance: 1e-3, prepare: () => contestants })) };
}

async function run(one: Bench, filter = 'mul', threads = 1): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  for await (const result of runBench(one, { filter, threads: [threads], rounds: 1 })) results.push(result);
  return results;
}

describe('bench harness', () => {
  it('times every contestant of the chosen cases', async () => {
    const [result, ...others] = await run(bench(contestant('a', [1, 2]), contestant('b', [1, 2])));
    expect(others).toEqual([]);
    expect(result).toMatchObject({ bench: 'test', case: 'mul', timings: [{ contestant: 'a', threads: 1 }, { contestant: 'b', threads: 1 }] });
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
      bench: 'ops', case: 'add', work: { amount: 3e6, unit: 'GB/s' },
      timings: [{ contestant: 'strided-js', threads: 1, best: 1, median: 2 }, { contestant: 'other', threads: 1, best: 1.5, median: 2 }], bars: [], notes: [],
    };
    expect(JSON.parse(jsonLine(result, result.timings[1]))).toEqual({ bench: 'ops', case: 'add', threads: 1, contestant: 'other', ms: 1.5, rate: 2, unit: 'GB/s' });
    expect(Object.keys(JSON.parse(jsonLine(result, result.timings[0])) as object)).toEqual(['bench', 'case', 'threads', 'contestant', 'ms', 'rate', 'unit']);
    expect(table(result).split('\n').map((line) => line.split(/\s{2,}| (?=\d)/).filter(Boolean))).toMatchObject([['add', 'threads', 'best ms', 'median ms', 'GB/s', 'time'], ['strided-js', '1', '1.00', '2.00', '3.00', '1.00×'], ['other', '1', '1.50', '2.00', '2.00', '1.50×']]);
  });

  it('judges bars by the best times, and says what it could not judge', () => {
    const timing = (name: string, threads: number, best: number) => ({ contestant: name, threads, best, median: best });
    const one = (name: string) => ({ name, threads: 1 });
    const result: CaseResult = {
      bench: 'gemm', case: '2×2×2', work: { amount: 1, unit: 'GFLOP/s' },
      timings: [timing('strided', 1, 2), timing('strided', 2, 1.25), timing('slow', 1, 8), timing('fast', 1, 5)],
      bars: [
        { ours: one('strided'), against: [one('slow'), one('fast'), one('absent')], atLeast: 2.5 },
        { ours: { name: 'strided', threads: 2 }, against: [one('strided')], atLeast: 2 },
        { ours: one('strided'), against: [one('absent')], atLeast: 1 },
      ],
      notes: [],
    };
    expect(judge(result).map(({ ratio }) => ratio)).toEqual([2.5, 1.6, null]);
    expect(judge(result).map(({ text }) => text.trim().split(/ {2,}/))).toEqual([
      ['met', 'strided (1 thread) at least 2.5× the best of slow (1 thread), fast (1 thread), absent (1 thread): 2.50× (fast)'],
      ['MISSED', 'strided (2 threads) at least 2× strided (1 thread): 1.60×, 20% short'],
      ['not measured', 'strided (1 thread) at least 1× absent (1 thread): absent (1 thread) took no part'],
    ]);
    const heavy: CaseResult = {
      bench: 'bert', case: 'memory', work: { amount: 1, unit: 'MiB' }, notes: [],
      timings: [{ ...timing('strided', 1, 9), peakMemory: 2 ** 20 }, { ...timing('peer', 1, 1), peakMemory: 3 * 2 ** 20 }],
      bars: [{ ours: one('strided'), against: [one('peer')], atLeast: 2, of: 'memory' }, { ours: one('strided'), against: [one('peer')], atLeast: 4, of: 'memory' }],
    };
    expect(judge(heavy).map(({ ratio }) => ratio)).toEqual([3, 3]);
    expect(judge(heavy).map(({ text }) => text.trim().split(/ {2,}/))).toEqual([
      ['met', 'strided (1 thread) in at most 1/2 of the memory of peer (1 thread): 1/3.00'],
      ['MISSED', 'strided (1 thread) in at most 1/4 of the memory of peer (1 thread): 1/3.00, 25% short'],
    ]);
    expect(JSON.parse(jsonLine(heavy, heavy.timings[1]))).toEqual({ bench: 'bert', case: 'memory', threads: 1, contestant: 'peer', ms: 1, rate: 3, unit: 'MiB' });
    expect(plot([result])).toMatch(/^<svg [^]*2×2×2[^]*strided · 2 threads[^]*<\/svg>\n$/);
  });

  it('times and compares a contestant that is a process of its own, and leaves out what it cannot compute', async () => {
    const script = `
      const say = (message) => console.log(JSON.stringify(message));
      say({ ready: true });
      process.stdin.on('data', (lines) => {
        for (const line of String(lines).trim().split('\\n')) {
          const { do: what, problem } = JSON.parse(line);
          if (what === 'prepare' && problem === 'broken') say({ error: 'no memory' });
          else say({ prepare: { able: problem === 'known' }, numbers: { numbers: Buffer.from(Float32Array.of(1, 2).buffer).toString('base64') }, round: { samples: [3e6, 2e6] }, memory: { bytes: 2 ** 20 } }[what]);
        }
      });`;
    const remote = await Remote.start('other', 2, process.execPath, ['-e', script]);
    expect(await remote.racer('unknown')).toBe(null);
    await expect(remote.racer('broken')).rejects.toThrow('no memory');
    const racer = await remote.racer('known');
    if (racer === null) throw new Error('it knows this');
    const known: Bench = { name: 'test', threads: [1, 2], cases: () => [{ name: 'known', work: { amount: 1, unit: 'GB/s' }, tolerance: 0, memory: true, prepare: () => [contestant('a', [1, 2]), racer] }] };
    const [{ timings: [, timing] }] = await run(known, '');
    expect(timing).toEqual({ contestant: 'other', threads: 2, best: 2, median: 3, peakMemory: 2 ** 20 });
    remote.close();
    await expect(Remote.start('none', 1, process.execPath, ['-e', 'console.log(JSON.stringify({ error: "not here" }))'])).rejects.toThrow('not here');
    await expect(Remote.start('none', 1, process.execPath, ['-e', ''])).rejects.toThrow('its process ended');
    await expect(Remote.start('none', 1, '/no/such/program', [])).rejects.toThrow('ENOENT');
  });

  it('starts a process anew for every round of a contestant whose start is what is measured', async () => {
    let started = 0;
    const start = (): Promise<Remote> => {
      started++;
      const script = `process.stdin.once('data', (line) => console.log(JSON.stringify(JSON.parse(line).problem === 'known'
        ? { able: true, nanoseconds: ${started} * 1e6, numbers: Buffer.from(Float32Array.of(1, 2).buffer).toString('base64') } : { able: false })));
        console.log(JSON.stringify({ ready: true }));`;
      return Remote.start('fresh', 2, process.execPath, ['-e', script]);
    };
    expect(await freshRacer('unknown', start)).toBe(null);
    const racer = await freshRacer('known', start);
    if (racer === null) throw new Error('it knows this');
    expect(await racer.numbers()).toEqual(Float32Array.of(1, 2));
    expect([racer.name, racer.threads, await racer.round(0), await racer.round(0), started]).toEqual(['fresh', 2, [3e6], [4e6], 4]);
  });

  it('pads sequences for peers, and compares real positions only', () => {
    const problem = paddedProblem({ folder: '', onnx: '' }, [[7, 8], [9, 8, 7], [6]]);
    expect(problem).toMatchObject({ rows: 3, length: 3, inputIds: [7, 8, 0, 9, 8, 7, 6, 0, 0], attentionMask: [1, 1, 0, 1, 1, 1, 1, 0, 0] });
    expect([...realPositions(Float32Array.from({ length: 18 }, (_, i) => i), problem)]).toEqual([0, 1, 2, 3, 6, 7, 8, 9, 10, 11, 12, 13]);
  });

  it('asks of bert what can be judged with the threads that race', () => {
    expect(bertBars('1x128', 'simd256', [1]).map(({ ours, atLeast }) => [ours.name, ours.threads, atLeast]))
      .toEqual(expect.arrayContaining([['strided', 1, 2.6], ['strided-relaxed', 1, 1.2]]));
    expect(bertBars('1x128', 'relaxed', [1, 2]).filter(({ atLeast }) => atLeast === 1.2).map(({ ours }) => ours)).toEqual([{ name: 'strided', threads: 1 }]);
    expect(bertBars('mixed32', 'simd256', [1])).toEqual([]);
    expect(bertBars('memory', 'simd256', [2])).toMatchObject([{ atLeast: 2, of: 'memory' }]);
  });

  it('says of a profile what share each part took, and that the rest is dispatch', () => {
    const entries = [
      { name: 'multiplyPacked', part: 'products', ms: 60, calls: 72 }, { name: 'packB', part: 'products', ms: 10, calls: 1 }, { name: 'move', part: 'copies', ms: 5, calls: 3 },
    ] as const;
    expect(profileLines({ level: 'relaxed', ms: 100, entries }).slice(1).map((line) => line.trim().split(/ {2,}/))).toEqual([
      ['products', '70.0 ms', '70.0%', 'multiplyPacked 60.0 (72×), packB 10.0 (1×)'], ['attention', '0.0 ms', '0.0%'], ['elementwise', '0.0 ms', '0.0%'],
      ['copies', '5.0 ms', '5.0%', 'move 5.0 (3×)'], ['dispatch', '25.0 ms', '25.0%', 'all else'],
    ]);
  });

  it('writes ONNX as protobuf', () => {
    const model = onnxModel({
      nodes: [{ op: 'Transpose', inputs: ['a'], output: 'b', attributes: { perm: [1, 0] } }],
      inputs: { a: [1, 300] }, constants: {}, outputs: { b: [300, 1] },
    });
    // ir_version 9, then the graph, whose first node is: input a, output b, op_type Transpose, perm = ints 1, 0.
    expect(Buffer.from(model.subarray(0, 3)).toString('hex')).toBe('08093a');
    expect(Buffer.from(model).toString('hex')).toContain(['0a0161', '120162', '22095472616e73706f7365', '2a0d', '0a047065726d', '4001', '4000', 'a00107'].join(''));
    const tokens = onnxModel({ nodes: [], inputs: { ids: { dtype: 'int64', shape: ['B', 2] } }, constants: { c: { values: BigInt64Array.of(258n), shape: [1] } }, outputs: {} });
    // Input ids: elem_type 7, dimensions dim_param B and dim_value 2. Constant c: dims 1, data_type 7, name, raw_data little-endian.
    expect(Buffer.from(tokens).toString('hex')).toContain(['0a03696473', '120f0a0d', '0807', '1209', '0a03', '120142', '0a02', '0802'].join(''));
    expect(Buffer.from(tokens).toString('hex')).toContain(['0801', '1007', '420163', '4a08', '0201000000000000'].join(''));
    // A length of 300 takes two bytes: 0xac 0x02.
    expect(Buffer.from(model).toString('hex')).toContain('08ac02');
  });
});

describe('our own contestants', () => {
  it.each([
    { one: gemmOf([[16, 32, 16]]), filter: '16×32×16', unit: 'GFLOP/s', more: ['limit-relaxed'] },
    { one: attentionOf([[2, 16, 8]]), filter: '2×16×8', unit: 'GFLOP/s', more: [] },
    { one: trainStepOf({ vocabulary: 64, hidden: 32, layers: 1, heads: 2, batch: 8, length: 10 }), filter: 'dropout 0.1', unit: 'tokens/s', more: [] },
    { one: bertOf({ vocabulary: 64, hidden: 64, layers: 1 }), filter: '1x16', unit: 'tokens/s', more: [] },
    { one: ops, filter: 'layerNorm [128, 768] ordinary', unit: 'GB/s', more: [] },
  ])('$one.name runs at every level, alone, and prints lines of the form', async ({ one, filter, unit, more }) => {
    const names = new Set<string>();
    for await (const result of runBench(one, { threads: [1], filter, peers: [], rounds: 1 })) {
      for (const timing of result.timings) {
        const line = JSON.parse(jsonLine(result, timing)) as Record<string, unknown>;
        expect(Object.keys(line)).toEqual(['bench', 'case', 'threads', 'contestant', 'ms', 'rate', 'unit']);
        expect(line).toMatchObject({ bench: one.name, threads: 1, ms: expect.any(Number) as number, rate: expect.any(Number) as number, unit });
        names.add(timing.contestant);
      }
    }
    expect([...names]).toEqual(expect.arrayContaining(['strided', 'strided-js', ...more]));
  });
});
