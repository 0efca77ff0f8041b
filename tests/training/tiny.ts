import { AdamW, DataLoader, Dropout, ExponentialMovingAverage, linearSchedule, Linear, Module, Trainer, type Curve, type TrainerOptions } from '@strided/nn';
import { manualSeed, tensor, type Tensor } from '@strided/tensor';

/**
 * A run small enough to be killed a hundred times: a network with dropout learns a sine from shuffled examples, two
 * batches a step, with an average of its weights.
 */

class Net extends Module {
  readonly hidden = new Linear(4, 32);
  readonly dropout = new Dropout(0.2);
  readonly output = new Linear(32, 1);

  forward(x: Tensor): Tensor {
    return this.output.forward(this.dropout.forward(this.hidden.forward(x).tanh()));
  }
}

interface Batch {
  readonly x: Tensor;
  readonly y: Tensor;
}

const EXAMPLES = 60;

/** Shuffled each pass, batches by length; the last batch of a pass is shorter. */
const loader = () => new DataLoader(Array.from({ length: EXAMPLES }, (_, i) => i), {
  batchSize: 8, seed: 7, lengthOf: (i) => i % 13,
  collate(numbers): Batch {
    const xs = numbers.map((i) => [Math.sin(i), Math.cos(i), Math.sin(2 * i), i / EXAMPLES]);
    return { x: tensor(xs), y: tensor(xs.map(([c, d]) => [Math.sin(c + 2 * d)])) };
  },
});

export type TinyOptions = Pick<TrainerOptions<Batch>, 'checkpoint' | 'resume' | 'reporter' | 'signal'> & { readonly steps: number; readonly seed: number };

/** What must be the same bit for bit: every number of the curve but the times, and the weights. */
export type Outcome = Readonly<Record<string, string>>;

export async function trainTiny({ seed, ...options }: TinyOptions): Promise<Outcome> {
  manualSeed(seed);
  const model = new Net();
  const weights = [model.hidden.weight, model.output.weight];
  const biases = [model.hidden.bias, model.output.bias].filter((bias) => bias !== null);
  const average = new ExponentialMovingAverage(model, { decay: 0.9 });
  const trainer = new Trainer<Batch>({
    model, data: loader(), average, accumulate: 2, schedule: linearSchedule(), clipNorm: 0.5,
    optimizer: new AdamW([{ parameters: weights }, { parameters: biases, settings: { weightDecay: 0 } }], { lr: 0.01 }),
    step({ x, y }) {
      const error = model.forward(x).sub(y);
      return { loss: error.square().mean(), tokens: x.shape[0], metrics: { worst: Number(error.abs().max().item()) } };
    },
    evaluate: () => ({ size: Number(model.output.weight.square().sum().item()) }), evaluateEvery: 7,
    ...options,
  });
  const { curve } = await trainer.run();
  return outcomeOf(curve, model, average);
}

function outcomeOf({ loss, learningRate, gradientNorm, tokens, metrics, evaluations }: Curve, model: Module, average: ExponentialMovingAverage): Outcome {
  const numbers = { loss, learningRate, gradientNorm, tokens, worst: metrics['worst'], evaluated: evaluations.step, size: evaluations.metrics['size'] };
  const bitsOf = (state: ReadonlyMap<string, Tensor>, prefix: string) => Array.from(state, ([name, values]): [string, string] => [prefix + name, bits(values.toTypedArray())]);
  const curves = Object.entries(numbers).map(([name, values]): [string, string] => [name, bits(Float64Array.from(values))]);
  return Object.fromEntries([...curves, ...bitsOf(model.stateDict(), ''), ...bitsOf(average.stateDict(), 'average.')]);
}

function bits(values: ArrayBufferView): string {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('hex');
}
