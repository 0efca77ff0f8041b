import { text } from 'node:stream/consumers';
import { configure, engineInfo, ready } from '@strided/tensor';
import type { Kernels } from '../../packages/tensor/src/kernels/contract.ts';
import { kernels } from '../../packages/tensor/src/kernels/dispatch.ts';
import type { Exports } from '../../packages/tensor/src/kernels/wasm/exports.ts';
import { currentRuntime } from '../../packages/tensor/src/kernels/wasm/settings.ts';
import type { JobName } from '../../packages/tensor/src/kernels/wasm/share.ts';
import { modelWay } from '../libraries/stridedModel.ts';
import type { ModelProblem } from './problem.ts';
import type { Part, Profile } from './profile.ts';

/**
 * The process that profiles a run on one thread: a problem comes on stdin, its profile goes to stdout. Clocks
 * are put around the functions that the engine calls, from outside, so what is shipped has none: the compiled kernels,
 * the kernels that `dispatch` chooses among, and the copies of typed arrays. What is in none of them is dispatch, and with
 * texts their tokenisation.
 */

const jobs: Readonly<Record<JobName, Part>> = {
  packB: 'products', multiplyPacked: 'products', multiplyColumns: 'products', multiplyEach: 'products',
  attention: 'attention', attentionBackward: 'attention',
  exp: 'elementwise', sigmoid: 'elementwise', tanh: 'elementwise', gelu: 'elementwise', geluTanh: 'elementwise', silu: 'elementwise', erf: 'elementwise', log: 'elementwise',
  geluBackward: 'elementwise', geluTanhBackward: 'elementwise', siluBackward: 'elementwise', tanhBackward: 'elementwise', sigmoidBackward: 'elementwise',
  softmax: 'elementwise', logSoftmax: 'elementwise', softmaxBackward: 'elementwise', logSoftmaxBackward: 'elementwise',
  layerNorm: 'elementwise', layerNormBackward: 'elementwise', layerNormSums: 'elementwise',
  crossEntropy: 'elementwise', crossEntropyBackward: 'elementwise', dropout: 'elementwise', arithmetic: 'elementwise', reduce: 'elementwise', adamW: 'elementwise',
  lookUp: 'elementwise', addAt: 'elementwise', where: 'elementwise', move: 'copies',
  widenFloat16: 'copies', widenBfloat16: 'copies', narrowFloat16: 'copies', narrowBfloat16: 'copies',
};

/** Where a kernel of the js loops belongs. */
const loops: Readonly<Partial<Record<keyof Kernels, Part>>> = { copy: 'copies', fill: 'copies', matmul: 'products', linear: 'products', attention: 'attention' };

type Call = (...parameters: unknown[]) => unknown;

/** Time by what took it; a function's own time is without that of the clocked functions that it calls. */
class Clocks {
  readonly #own = new Map<string, { part: Part; ms: number; calls: number }>();
  readonly #open: { inner: number; jobs: number }[] = [];

  start(): void {
    this.#own.clear();
  }

  get found(): Profile['entries'] {
    return [...this.#own].map(([name, entry]) => ({ name, ...entry }));
  }

  #add(name: string, part: Part, ms: number): void {
    const entry = this.#own.get(name);
    if (entry === undefined) this.#own.set(name, { part, ms, calls: 1 });
    else {
      entry.ms += ms;
      entry.calls++;
    }
  }

  /** `fn` with a clock; `job`: a compiled kernel. Another's own time is dispatch if it ran one, and else that of a js loop. */
  around(fn: Call, name: string, part: Part, job: boolean): Call {
    const [clocks, open] = [this, this.#open];
    return function (this: unknown, ...parameters) {
      const frame = { inner: 0, jobs: 0 };
      open.push(frame);
      const begin = performance.now();
      try {
        return fn.apply(this, parameters);
      } finally {
        const ms = performance.now() - begin;
        open.pop();
        const outer = open.at(-1);
        if (outer !== undefined) {
          outer.inner += ms;
          outer.jobs += frame.jobs + (job ? 1 : 0);
        }
        if (job || frame.jobs === 0) clocks.#add(job ? name : `${name} in js`, part, ms - frame.inner);
      }
    };
  }
}

/** Copies of fewer values are records that tell kernels what to do. */
const fewValues = 64;

function clockCopies(clocks: Clocks): void {
  const prototype = Object.getPrototypeOf(Float32Array.prototype) as Record<string, Call>;
  for (const name of ['set', 'slice', 'copyWithin', 'fill']) {
    const plain = prototype[name];
    const clocked = clocks.around(plain, name, 'copies', true);
    prototype[name] = function (this: unknown, ...parameters) {
      const { length } = (name === 'set' ? parameters[0] : this) as ArrayLike<unknown>;
      return length < fewValues ? plain.apply(this, parameters) : clocked.apply(this, parameters);
    };
  }
}

/** Milliseconds. */
const duration = 3000;
const fewestRuns = 3;

async function main(): Promise<void> {
  const problem = JSON.parse(await text(process.stdin)) as ModelProblem;
  configure({ kernels: 'auto', threads: 1 });
  await ready();
  const clocks = new Clocks();
  const runtime = currentRuntime(Infinity);
  if (runtime !== null) {
    const clocked: Record<string, unknown> = { ...runtime.exports };
    for (const name of Object.keys(jobs) as JobName[]) clocked[name] = clocks.around(runtime.exports[name] as Call, name, jobs[name], true);
    (runtime as { exports: Exports }).exports = clocked as unknown as Exports;
  }
  const table = kernels as unknown as Record<string, Call>;
  for (const name of Object.keys(table) as (keyof Kernels)[]) table[name] = clocks.around(table[name], name, loops[name] ?? 'elementwise', false);
  const way = await modelWay(problem);
  for (let warm = 0; warm < 3; warm++) await way.run();
  clockCopies(clocks);
  let best: Profile | null = null;
  const end = performance.now() + duration;
  for (let run = 0; run < fewestRuns || performance.now() < end; run++) {
    clocks.start();
    const begin = performance.now();
    await way.run();
    const ms = performance.now() - begin;
    if (best === null || ms < best.ms) best = { level: engineInfo().level, ms, entries: clocks.found };
  }
  console.log(JSON.stringify(best));
}

await main();
