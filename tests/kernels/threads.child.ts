/** Run by threads.test.ts in a process of its own: plays the scene that its argument names, and prints what came of it. */
import { syncBuiltinESMExports } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import threads from 'node:worker_threads';
import { configure, engineInfo, ones, ready } from '@strided/tensor';

const started: threads.Worker[] = [];
const { Worker } = threads;
threads.Worker = class extends Worker {
  constructor(...args: ConstructorParameters<typeof Worker>) {
    super(...args);
    started.push(this);
  }
};
syncBuiltinESMExports();

const [a, b] = [ones([256, 256]), ones([256, 256])];
const isRight = (): boolean => a.matmul(b).toTypedArray().every((value) => value === 256);
/** Large work until a worker has had a part of it, without ever yielding; false when none comes. */
const untilShared = (): boolean => {
  const before = engineInfo().workerParts;
  for (const end = performance.now() + 20_000; performance.now() < end && engineInfo().workerParts === before; ) if (!isRight()) return false;
  return engineInfo().workerParts > before;
};
const say = (value: object): void => console.log(JSON.stringify(value));

const scenes: Record<string, () => Promise<void> | void> = {
  async ready() {
    await ready();
    const { threads: count, threadsReady, memory } = engineInfo();
    say({ count, threadsReady, memory, shared: untilShared() });
  },
  /** Node starts threads without the help of the event loop. */
  synchronous() {
    const before = engineInfo();
    say({ before: before.threadsReady, workers: started.length, shared: untilShared() });
  },
  /** Much small work, and none of it is handed out. */
  async small() {
    await ready();
    const before = engineInfo().workerParts;
    const [x, y] = [ones([64, 64]), ones([64, 64])];
    for (let i = 0; i < 2000; i++) x.matmul(y).add(x).softmax();
    say({ parts: engineInfo().workerParts - before, shared: untilShared() });
  },
  async dies() {
    await ready();
    const shared = untilShared();
    await started[0].terminate();
    const { threads: count, threadsReady } = engineInfo();
    say({ shared, count, threadsReady, right: isRight() });
  },
  async refused() {
    await ready();
    const { threads: count, threadsReady } = engineInfo();
    say({ count, threadsReady, right: isRight() });
  },
  async changes() {
    await ready();
    const counts = [engineInfo().threads];
    for (const count of [1, 3]) {
      configure({ threads: count });
      await ready();
      counts.push(engineInfo().threads);
    }
    say({ counts, workers: started.length, ready: engineInfo().threadsReady, shared: untilShared() });
  },
  async levels() {
    await ready();
    // By its name: on a busy machine `auto` may find another level not worth it the second time.
    for (const kernels of ['simd128', 'js', engineInfo().level] as const) {
      configure({ kernels });
      await ready();
      if (!isRight()) throw new Error(`${kernels} is wrong`);
    }
    say({ workers: started.length, shared: untilShared() });
  },
  async exits() {
    await ready();
    say({ shared: untilShared() });
    process.exit(7);
  },
  async sleeps() {
    await ready();
    untilShared();
    await sleep(50);
    const { user, system } = process.cpuUsage();
    await sleep(300);
    const used = process.cpuUsage({ user, system });
    say({ idle: used.user + used.system < 100_000, shared: untilShared() });
  },
};

await scenes[process.argv[2]]();
