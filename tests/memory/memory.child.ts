/**
 * A program whose memory is looked at, in a process of its own; prints what that came to, as JSON. Its first argument names it.
 */
import { BertModel } from '@strided/bert';
import { engineInfo, fromTypedArray, linear, manualSeed, noGrad, persist, rand, randint, scope, softmax, tensor, type Tensor } from '@strided/tensor';
import { AdamW, crossEntropy, Embedding, Linear, Module, Trainer } from '@strided/nn';

const MB = 1 << 20;
const rss = (): number => process.memoryUsage().rss / MB;
const count = Number(process.argv[3]);

class Tagger extends Module {
  readonly table = new Embedding(60, 16);
  readonly hidden = new Linear(16, 64);
  readonly output = new Linear(64, 60);
  forward(ids: Tensor): Tensor {
    return this.output.forward(this.hidden.forward(this.table.forward(ids)).gelu());
  }
}

/** Of `count` rounds: memory when a tenth of them has passed, and the most that was seen after. */
async function measure(round: (i: number) => void, wait: boolean): Promise<object> {
  let settled = 0;
  let most = 0;
  for (let i = 0; i < count; i++) {
    round(i);
    if (wait) await new Promise((resolve) => setImmediate(resolve));
    if (i === Math.floor(count / 10)) settled = rss();
    if (i % Math.ceil(count / 200) === 0) most = Math.max(most, rss());
  }
  return { settled, most, heap: engineInfo().memoryBytes / MB };
}

manualSeed(1);
const programs: Record<string, () => Promise<object>> = {
  /** Eager ops in one synchronous loop, in no scope: nothing ever collects but the collector. */
  eager() {
    const x = rand([12, 32]);
    const w = rand([32, 32]);
    let y: Tensor = x;
    return measure((i) => {
      y = i % 4 === 0 ? linear(y, w) : i % 4 === 1 ? softmax(y) : i % 4 === 2 ? y.add(x) : y.mul(0.5);
    }, false);
  },
  async training() {
    const model = new Tagger();
    const data = { state: 0, restore() {}, next: () => randint(60, [2, 3 + (data.state++ % 29)]) };
    let settled = 0;
    let most = 0;
    await new Trainer({
      model, optimizer: new AdamW(model.parameters()), data, steps: count,
      step(ids) {
        if (data.state === Math.floor(count / 10)) settled = rss();
        if (data.state % 50 === 0) most = Math.max(most, rss());
        return { loss: crossEntropy(model.forward(ids).reshape([-1, 60]), ids.reshape([-1])) };
      },
    }).run();
    return { settled, most, heap: engineInfo().memoryBytes / MB };
  },
  /** In no scope, and in one. */
  inference() {
    const model = new Tagger().eval();
    return measure((i) => {
      const ids = randint(60, [1 + (i % 3), 1 + ((i * 7) % 61)]);
      const run = (): number => Number(noGrad(() => model.forward(ids)).max().item());
      if (i % 2 === 0) run();
      else scope(run);
    }, false);
  },
  /** A model from the folder in the third argument, and a first pass; then an optimiser takes its weights. */
  async load() {
    const peak = (): number => process.resourceUsage().maxRSS / 1024;
    const settled = peak();
    const model = await BertModel.fromPretrained(process.argv[4]);
    noGrad(() => model.forward({ inputIds: randint(900, [1, 16]) }));
    const most = peak();
    const heap = engineInfo().memoryBytes / MB;
    const optimizer = new AdamW(model.train().parameters());
    return { settled, most, heap, trained: peak(), groups: optimizer.groups.length };
  },
  /** Checkpoints loaded and dropped, one after the other: memory after the second, and the most that was seen after. */
  async loads() {
    const seen: number[] = [];
    for (let i = 0; i < count; i++) {
      const model = (await BertModel.fromPretrained(process.argv[4])).eval();
      noGrad(() => model.forward({ inputIds: randint(900, [1, 16]) }));
      await new Promise((resolve) => setImmediate(resolve));
      seen.push(rss());
    }
    return { settled: seen[1], most: Math.max(...seen.slice(2)), heap: engineInfo().memoryBytes / MB };
  },
  models: () => models(false),
  packedModels: () => models(true),
};

/** Models of 20 MB that are used, then dropped. */
function models(packed: boolean): Promise<object> {
  return measure(() => {
    const weights = Array.from({ length: 10 }, () => fromTypedArray(new Float32Array(512 * 1024).fill(0.5), [512, 1024]));
    persist(weights, { packed });
    const x = tensor(Array.from({ length: 1024 }, (_, i) => i / 1024)).reshape([1, 1024]);
    linear(x, weights[3]);
  }, true);
}

console.log(JSON.stringify(await programs[process.argv[2]]()));
process.exit(0);
