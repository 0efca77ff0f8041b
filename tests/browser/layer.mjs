// Computed in Node and in each page of the browser test, from the built packages: a layer forward and backward.
import { configure, engineInfo, manualSeed, randn, ready } from '@strided/tensor';
import { TransformerEncoderLayer } from '@strided/nn';

/** Numbers that depend on all of a tensor's values: its sum, the sum of its squares, and a few from all over it. */
function sample(x) {
  const values = x.toTypedArray();
  let [sum, squares] = [0, 0];
  for (const value of values) {
    sum += value;
    squares += value * value;
  }
  const few = Array.from({ length: 8 }, (_, i) => values[Math.floor((i * values.length) / 8)]);
  return [sum / values.length, squares / values.length, ...few];
}

function step() {
  manualSeed(7);
  const layer = new TransformerEncoderLayer(128, 4, { feedForwardWidth: 512, activation: 'gelu' });
  const x = randn([2, 64, 128]);
  x.requiresGrad = true;
  const out = layer.forward(x);
  out.mul(randn([2, 64, 128])).sum().backward();
  return { output: sample(out), inputGradient: sample(x.grad), ...Object.fromEntries([...layer.namedParameters()].map(([name, { grad }]) => [name, sample(grad)])) };
}

/** The numbers, what computed them, and how often this thread went to sleep, which a page's must not. */
export async function run() {
  let waits = 0;
  const { wait } = Atomics;
  Atomics.wait = (...args) => {
    waits++;
    return wait(...args);
  };
  configure({ threads: 2 });
  await ready();
  const numbers = step();
  // The calling thread may be through before a worker wakes up; then the next step is as good.
  for (const end = performance.now() + 10_000; engineInfo().threads > 1 && engineInfo().workerParts === 0 && performance.now() < end; ) step();
  for (let i = 0; i < 20; i++) step();
  return { numbers, info: engineInfo(), waits };
}
