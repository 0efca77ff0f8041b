import { ArgumentError, CheckpointError, defaultGenerator, noGrad, type Tensor } from '@strided/tensor';
import { TrainingError } from '../errors.ts';
import type { Module } from '../module.ts';
import { clipGradNorm } from '../optim/clip.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import { constantSchedule, type Schedule } from '../optim/schedule.ts';
import type { Checkpoint } from './checkpointFile.ts';
import { CheckpointFolder, type CheckpointOptions } from './checkpointFolder.ts';
import type { Metrics } from './curve.ts';
import type { DataSource } from './dataSource.ts';
import { Plan, type PlanOptions } from './plan.ts';
import { allReporters, historyReporter, type EndReport, type Reporter } from './reporter.ts';
import { RunningMean } from './runningMean.ts';

/** What one step computed. */
export interface StepResult {
  /** One number that requires grad. */
  readonly loss: Tensor;
  /** How many tokens (or whatever is counted) the batch held. Default 0. */
  readonly tokens?: number;
  readonly metrics?: Metrics;
}

export interface TrainerOptions<B> extends PlanOptions {
  readonly model: Module;
  /** Of parameters of the model, all of them or some. */
  readonly optimizer: Optimizer;
  readonly data: DataSource<B>;
  /** The forward pass on a batch, with the model in training mode; the trainer does the rest of the step. */
  readonly step: (batch: B) => StepResult;
  /** What the learning rate is multiplied by. Default: 1 throughout. */
  readonly schedule?: Schedule;
  /** All gradients together are scaled down to this norm. Default: not. */
  readonly clipNorm?: number;
  /**
   * Measures the model, in evaluation mode and without recording (an asynchronous one uses noGrad itself after its
   * first await). It may draw random numbers: the default generator is put back after it.
   */
  readonly evaluate?: () => Metrics | Promise<Metrics>;
  /** After every so many steps; besides, always at the end. */
  readonly evaluateEvery?: number;
  readonly checkpoint?: CheckpointOptions;
  /**
   * Whether to go on from the newest checkpoint: true: there must be one; 'auto': if there is one; false (the default):
   * start anew, in a folder without checkpoints.
   */
  readonly resume?: boolean | 'auto';
  readonly reporter?: Reporter | readonly Reporter[];
  /** Aborting it ends training after the step at hand, with a checkpoint. */
  readonly signal?: AbortSignal;
}

/** How long, in milliseconds, training may keep timers and signals of the host waiting. */
const PATIENCE = 50;

/**
 * Trains a model: steps, schedule, clipping, evaluation, checkpoints, resume. Everything random comes from the default
 * generator and the data source, so that with the same seed and a plan in steps a run is the same bit for bit, also when
 * it was killed at any moment and resumed.
 *
 * @throws ArgumentError for options that make no sense; `run` throws TrainingError and CheckpointError.
 * @example
 * manualSeed(1);
 * const model = new Classifier();
 * const trainer = new Trainer({
 *   model, optimizer: new AdamW(model.parameters()), data,
 *   step: ({ x, labels }) => ({ loss: crossEntropy(model.forward(x), labels), tokens: x.size }),
 *   steps: 1000, schedule: linearSchedule(), clipNorm: 1,
 *   checkpoint: { folder: 'run', every: 100 }, resume: 'auto', reporter: terminalReporter(),
 * });
 * const { smoothedLoss } = await trainer.run();
 */
export class Trainer<B> {
  readonly #options: TrainerOptions<B>;
  readonly #plan: Plan;
  readonly #schedule: Schedule;
  readonly #checkpoints: CheckpointFolder | null;
  readonly #history = historyReporter();
  readonly #report: Required<Reporter>;
  readonly #smoothedLoss = new RunningMean();
  readonly #throughput = { tokens: new RunningMean(), seconds: new RunningMean(), allTokens: 0, allSeconds: 0 };
  #started = false;
  /** Steps made. */
  #step = 0;

  constructor(options: TrainerOptions<B>) {
    const { model, optimizer, clipNorm, evaluateEvery, evaluate, checkpoint, resume = false, reporter = [], schedule } = options;
    if (clipNorm !== undefined && !(clipNorm > 0)) throw new ArgumentError(`Trainer: clipNorm must be above 0, not ${clipNorm}`);
    if (evaluateEvery !== undefined && !(Number.isInteger(evaluateEvery) && evaluateEvery >= 1)) throw new ArgumentError(`Trainer: evaluateEvery must be a whole number of steps from 1, not ${evaluateEvery}`);
    if (evaluateEvery !== undefined && evaluate === undefined) throw new ArgumentError('Trainer: evaluateEvery needs evaluate, which says what to measure');
    if (resume !== false && checkpoint === undefined) throw new ArgumentError('Trainer: resume needs checkpoint.folder, which says from where');
    const own = new Set(model.parameters());
    for (const parameter of optimizer.parameters) {
      if (!own.has(parameter)) throw new ArgumentError(`Trainer: the optimizer has a parameter of shape [${parameter.shape.join(', ')}] that is not in the model; make it an attribute of the model, or checkpoints would lose it`);
    }
    this.#options = options;
    this.#plan = new Plan(options);
    this.#schedule = schedule ?? constantSchedule();
    this.#checkpoints = checkpoint === undefined ? null : new CheckpointFolder(checkpoint);
    this.#report = allReporters([this.#history, ...('length' in reporter ? reporter : [reporter])]);
  }

  /**
   * Trains to the end of the plan.
   *
   * @throws TrainingError when the loss or the gradients are not finite (before the model changes) or a checkpoint cannot
   * be written; CheckpointError, before anything changes, when there is none to resume from or it does not fit.
   */
  async run(): Promise<EndReport> {
    if (this.#started) throw new ArgumentError('Trainer.run: it was called before; make a new Trainer, with resume to go on');
    this.#started = true;
    const { model, optimizer } = this.#options;
    const found = (await this.#checkpoints?.open(this.#options.resume ?? false, (message) => this.#report.onWarning(message))) ?? null;
    if (found !== null) this.#restore(found.path, found.checkpoint);
    const { steps, seconds } = this.#plan;
    this.#plan.start(this.#step, found?.checkpoint.elapsed ?? 0);
    const curve = found?.checkpoint.curve ?? this.#history.curve;
    this.#report.onStart({ step: this.#step, steps, seconds, elapsed: this.#plan.elapsed, parameters: model.parameterCount(), resumedFrom: found?.path ?? null, curve });
    for (const loss of curve.loss) this.#smoothedLoss.add(loss);
    const wasTraining = model.training;
    let end: EndReport | null = null;
    try {
      model.train();
      const reason = await this.#train();
      end = this.#end(reason, undefined);
      return end;
    } catch (error) {
      end = this.#end('failed', error);
      throw error;
    } finally {
      optimizer.zeroGrad();
      model.train(wasTraining);
      if (end !== null) this.#report.onEnd(end);
    }
  }

  async #train(): Promise<'steps' | 'seconds' | 'aborted'> {
    const { data, evaluate, evaluateEvery = Infinity, signal } = this.#options;
    const { clock } = this.#plan;
    const stop = (): 'steps' | 'seconds' | 'aborted' | null => this.#plan.reached(this.#step) ?? (signal?.aborted ? 'aborted' : null);
    let yielded = clock();
    let reason = stop();
    while (reason === null) {
      const began = clock();
      this.#makeStep(await data.next(), () => (clock() - began) / 1000);
      if (clock() - yielded > PATIENCE) {
        await hostsTurn();
        yielded = clock();
      }
      reason = stop();
      const complete = reason === 'steps' || reason === 'seconds';
      if (evaluate !== undefined && (complete || this.#step % evaluateEvery === 0)) await this.#evaluate(evaluate);
      // After the evaluation, so that who resumes from it does not repeat or miss one.
      if (this.#checkpoints !== null && (reason !== null || this.#checkpoints.isDue(this.#step, this.#plan.elapsed))) await this.#save(this.#checkpoints);
    }
    // A run that was complete when it was resumed has nothing to train, but may not have been measured.
    if (reason !== 'aborted' && evaluate !== undefined && this.#history.curve.evaluations.step.at(-1) !== this.#step) await this.#evaluate(evaluate);
    return reason;
  }

  #makeStep(batch: B, seconds: () => number): void {
    const { optimizer, clipNorm = Infinity } = this.#options;
    const number = this.#step + 1;
    const before = `the model is as it was after step ${this.#step}`;
    const factor = this.#schedule({ step: this.#step, share: this.#plan.share(this.#step) });
    if (!(factor >= 0 && factor < Infinity)) throw new TrainingError(`Trainer: the schedule gave ${factor} for step ${number}; it must give a finite number from 0`, number);
    optimizer.scaleLr(factor);
    optimizer.zeroGrad();
    const { loss, tokens = 0, metrics = {} } = this.#options.step(batch);
    const value = Number(loss.item());
    if (!Number.isFinite(value)) {
      throw new TrainingError(`Trainer: the loss of step ${number} is ${value}; ${before}: lower the learning rate, set clipNorm, or call step inside detectAnomaly to learn which op made it`, number);
    }
    loss.backward();
    const gradientNorm = clipGradNorm(optimizer.parameters, clipNorm);
    if (!Number.isFinite(gradientNorm)) {
      throw new TrainingError(`Trainer: the gradients of step ${number} have the norm ${gradientNorm} (the loss is ${value}); ${before}: lower the learning rate, or run backward inside detectAnomaly to learn which op made it`, number);
    }
    optimizer.step();
    optimizer.zeroGrad();
    this.#step = number;
    this.#reportStep({ loss: value, learningRate: optimizer.groups[0].lr, gradientNorm, tokens, metrics }, seconds());
  }

  #reportStep(made: { readonly loss: number; readonly learningRate: number; readonly gradientNorm: number; readonly tokens: number; readonly metrics: Metrics }, seconds: number): void {
    this.#smoothedLoss.add(made.loss);
    const rate = this.#throughput;
    rate.tokens.add(made.tokens);
    rate.seconds.add(seconds);
    rate.allTokens += made.tokens;
    rate.allSeconds += seconds;
    this.#report.onStep({
      ...made, step: this.#step, smoothedLoss: this.#smoothedLoss.value,
      tokensPerSecond: seconds > 0 ? rate.tokens.value / rate.seconds.value : 0,
      elapsed: this.#plan.elapsed, timeLeft: this.#plan.timeLeft(this.#step), share: this.#plan.share(this.#step),
    });
  }

  /** Leaves no trace in the run: neither mode nor random numbers. */
  async #evaluate(evaluate: () => Metrics | Promise<Metrics>): Promise<void> {
    const { model } = this.#options;
    const generator = defaultGenerator.state;
    model.eval();
    try {
      const { result } = noGrad(() => ({ result: evaluate() }));
      const metrics = await result;
      this.#report.onEvaluate({ step: this.#step, elapsed: this.#plan.elapsed, metrics });
    } finally {
      defaultGenerator.state = generator;
      model.train();
    }
  }

  async #save(checkpoints: CheckpointFolder): Promise<void> {
    const { model, optimizer, data } = this.#options;
    const { elapsed } = this.#plan;
    try {
      const path = await checkpoints.save({
        step: this.#step, elapsed, share: this.#plan.share(this.#step), generator: defaultGenerator.state, data: data.state,
        model: model.stateDict(), optimizer: optimizer.state(), parameters: this.#parameterNames(), curve: this.#history.curve,
      });
      this.#report.onCheckpoint({ step: this.#step, elapsed, path });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new TrainingError(`Trainer: the checkpoint of step ${this.#step} could not be written (${why}); put that right and resume: training goes on from the checkpoint before`, this.#step, { cause: error });
    }
  }

  /** Of the optimiser's parameters, in its order. */
  #parameterNames(): string[] {
    const names = new Map(Array.from(this.#options.model.namedParameters(), ([name, parameter]) => [parameter, name]));
    return this.#options.optimizer.parameters.map((parameter) => names.get(parameter) ?? '');
  }

  /** Takes everything over, or, when it does not fit, nothing. */
  #restore(path: string, { step, generator, data: place, model: tensors, optimizer: moments, parameters }: Checkpoint): void {
    const { model, optimizer, data } = this.#options;
    const misfit = firstMisfit(model.stateDict(), tensors);
    if (misfit !== null) throw new CheckpointError(`${path}: belongs to another model: ${misfit}; resume with the model that wrote it, or start anew in another folder`);
    const order = this.#parameterNames();
    if (order.join('\n') !== parameters.join('\n')) {
      const at = order.findIndex((name, i) => name !== parameters[i]);
      const [was, is] = at < 0 ? [`${parameters.length} parameters`, order.length] : [`${parameters[at] ?? 'no parameter'} in place ${at}`, order[at]];
      throw new CheckpointError(`${path}: belongs to another optimiser: it had ${was}, this one has ${is}; give it the same parameters in the same groups, or start anew in another folder`);
    }
    const before = data.state;
    try {
      data.restore(place);
      optimizer.loadState(moments);
    } catch (error) {
      data.restore(before);
      const why = error instanceof Error ? error.message : String(error);
      throw new CheckpointError(`${path}: belongs to another run: ${why}; resume with the data and optimiser that wrote it, or start anew in another folder`, { cause: error });
    }
    model.loadStateDict(tensors);
    defaultGenerator.state = generator;
    this.#step = step;
  }

  #end(reason: EndReport['reason'], error: unknown): EndReport {
    const { curve } = this.#history;
    const { allTokens, allSeconds } = this.#throughput;
    const evaluated = curve.evaluations.step.length - 1;
    const metrics = Object.entries(curve.evaluations.metrics).map(([name, values]): [string, number] => [name, values[evaluated]]);
    return {
      reason, error, curve, step: this.#step, elapsed: this.#plan.elapsed, smoothedLoss: this.#smoothedLoss.value,
      tokens: curve.tokens.reduce((sum, tokens) => sum + tokens, 0),
      tokensPerSecond: allSeconds > 0 ? allTokens / allSeconds : 0,
      evaluation: evaluated < 0 ? null : Object.fromEntries(metrics),
    };
  }
}

/** The first tensor of a model that a state dict lacks or has otherwise, or that it has beside the model's; null if it fits. */
function firstMisfit(own: ReadonlyMap<string, Tensor>, given: ReadonlyMap<string, Tensor>): string | null {
  const describe = ({ dtype, shape }: Tensor): string => `${dtype} [${shape.join(', ')}]`;
  for (const [name, tensor] of own) {
    const other = given.get(name);
    if (other === undefined) return `it lacks ${name}`;
    if (describe(other) !== describe(tensor)) return `its ${name} is ${describe(other)}, the model's is ${describe(tensor)}`;
  }
  const extra = [...given.keys()].find((name) => !own.has(name));
  return extra === undefined ? null : `it has ${extra}, the model has not`;
}

/** Lets timers, signals and, in a browser, the page have their turn. */
function hostsTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
