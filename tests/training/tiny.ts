import { AdamW, Dropout, linearSchedule, Linear, Module, Trainer, type Curve, type DataSource, type TrainerOptions } from '@strided/nn';
import { Generator, manualSeed, tensor, type GeneratorState, type Tensor } from '@strided/tensor';

/** A run small enough to be killed a hundred times: a network with dropout learns a sine from shuffled examples. */

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

interface Place {
  /** Of the generator before it shuffled this epoch. */
  readonly generator: GeneratorState;
  readonly position: number;
}

const EXAMPLES = 60;
const BATCH = 8;

/** Every example once an epoch, in an order of its own; batches run on into the next epoch. */
class Shuffled implements DataSource<Batch, Place> {
  readonly #generator = new Generator(7);
  #epochStart: GeneratorState;
  #order: number[] = [];
  #position = 0;

  constructor() {
    this.#epochStart = this.#generator.state;
    this.#shuffle();
  }

  #shuffle(): void {
    this.#epochStart = this.#generator.state;
    this.#order = this.#generator.shuffle(Array.from({ length: EXAMPLES }, (_, i) => i));
    this.#position = 0;
  }

  next(): Batch {
    const xs: number[][] = [];
    while (xs.length < BATCH) {
      if (this.#position === EXAMPLES) this.#shuffle();
      const i = this.#order[this.#position++];
      xs.push([Math.sin(i), Math.cos(i), Math.sin(2 * i), i / EXAMPLES]);
    }
    return { x: tensor(xs), y: tensor(xs.map(([a, b]) => [Math.sin(a + 2 * b)])) };
  }

  get state(): Place {
    return { generator: this.#epochStart, position: this.#position };
  }

  restore({ generator, position }: Place): void {
    this.#generator.state = generator;
    this.#shuffle();
    this.#position = position;
  }
}

export type TinyOptions = Pick<TrainerOptions<Batch>, 'checkpoint' | 'resume' | 'reporter' | 'signal'> & { readonly steps: number; readonly seed: number };

/** What must be the same bit for bit: every number of the curve but the times, and the weights. */
export type Outcome = Readonly<Record<string, string>>;

export async function trainTiny({ seed, ...options }: TinyOptions): Promise<Outcome> {
  manualSeed(seed);
  const model = new Net();
  const weights = [model.hidden.weight, model.output.weight];
  const biases = [model.hidden.bias, model.output.bias].filter((bias) => bias !== null);
  const trainer = new Trainer<Batch>({
    model, data: new Shuffled(), schedule: linearSchedule(), clipNorm: 0.5,
    optimizer: new AdamW([{ parameters: weights }, { parameters: biases, settings: { weightDecay: 0 } }], { lr: 0.01 }),
    step({ x, y }) {
      const error = model.forward(x).sub(y);
      return { loss: error.square().mean(), tokens: BATCH, metrics: { worst: Number(error.abs().max().item()) } };
    },
    evaluate: () => ({ size: Number(model.output.weight.square().sum().item()) }), evaluateEvery: 7,
    ...options,
  });
  const { curve } = await trainer.run();
  return outcomeOf(curve, model);
}

function outcomeOf({ loss, learningRate, gradientNorm, tokens, metrics, evaluations }: Curve, model: Module): Outcome {
  const numbers = { loss, learningRate, gradientNorm, tokens, worst: metrics['worst'], evaluated: evaluations.step, size: evaluations.metrics['size'] };
  const weights = Array.from(model.stateDict(), ([name, values]): [string, string] => [name, bits(values.toTypedArray())]);
  return Object.fromEntries([...Object.entries(numbers).map(([name, values]): [string, string] => [name, bits(Float64Array.from(values))]), ...weights]);
}

function bits(values: ArrayBufferView): string {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('hex');
}
