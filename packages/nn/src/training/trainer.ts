import { ArgumentError, CheckpointError, defaultGenerator, noGrad, type Tensor } from '@strided/tensor';
import { TrainingError } from '../errors.ts';
import type { Module } from '../module.ts';
import type { ExponentialMovingAverage } from '../optim/average.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import { constantSchedule, type Schedule } from '../optim/schedule.ts';
import type { Checkpoint } from './checkpointFile.ts';
import { CheckpointFolder, type CheckpointOptions } from './checkpointFolder.ts';
import type { Metrics } from './curve.ts';
import type { DataSource } from './dataSource.ts';
import { bestEvaluation, checkGoal, isExhausted, type EarlyStopping } from './goal.ts';
import { misfitOf } from './misfit.ts';
import { Plan, type PlanOptions } from './plan.ts';
import { allReporters, historyReporter, type EndReport, type Reporter } from './reporter.ts';
import { RunningMean } from './runningMean.ts';
import { Stepper, type MadeStep } from './stepper.ts';

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
  /** Batches a step: their gradients are averaged, as if they were one batch. Default 1. */
  readonly accumulate?: number;
  /**
   * What to do about a loss or gradients that are not finite. 'stop' (default): throw, naming the step, the batch and the
   * first op that made one. 'skip': warn with the same words, count, and try the next batch. Either calls `step` again
   * to find the op.
   */
  readonly nonFinite?: 'stop' | 'skip';
  /** Updated after every step, used in evaluations, kept in checkpoints. */
  readonly average?: ExponentialMovingAverage;
  /**
   * Measures the model, in evaluation mode and without recording (an asynchronous one uses noGrad itself after its
   * first await). It may draw random numbers: the default generator is put back after it.
   */
  readonly evaluate?: () => Metrics | Promise<Metrics>;
  /** After every so many steps; besides, always at the end. */
  readonly evaluateEvery?: number;
  /** Ends training when evaluations no longer get better. Needs `evaluateEvery`. */
  readonly earlyStopping?: EarlyStopping;
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

type Reason = Exclude<EndReport['reason'], 'failed'>;

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
  readonly #stepper: Stepper<B>;
  readonly #throughput = { tokens: new RunningMean(), seconds: new RunningMean(), allTokens: 0, allSeconds: 0 };
  #started = false;
  /** Steps made. */
  #step = 0;

  constructor(options: TrainerOptions<B>) {
    const { model, optimizer, clipNorm, accumulate = 1, evaluateEvery, evaluate, earlyStopping, checkpoint, resume = false, reporter = [], schedule } = options;
    if (clipNorm !== undefined && !(clipNorm > 0)) throw new ArgumentError(`Trainer: clipNorm must be above 0, not ${clipNorm}`);
    if (evaluateEvery !== undefined && !(Number.isInteger(evaluateEvery) && evaluateEvery >= 1)) throw new ArgumentError(`Trainer: evaluateEvery must be a whole number of steps from 1, not ${evaluateEvery}`);
    if (evaluateEvery !== undefined && evaluate === undefined) throw new ArgumentError('Trainer: evaluateEvery needs evaluate, which says what to measure');
    if (!(Number.isInteger(accumulate) && accumulate >= 1)) throw new ArgumentError(`Trainer: accumulate must be a whole number of batches from 1, not ${accumulate}`);
    if (earlyStopping !== undefined) {
      checkGoal('earlyStopping', earlyStopping);
      if (!(Number.isInteger(earlyStopping.patience) && earlyStopping.patience >= 1)) throw new ArgumentError(`Trainer: earlyStopping.patience must be a whole number of evaluations from 1, not ${earlyStopping.patience}`);
      if (evaluateEvery === undefined) throw new ArgumentError('Trainer: earlyStopping needs evaluateEvery, which says when to measure');
    }
    if (checkpoint?.best !== undefined && evaluate === undefined) throw new ArgumentError('Trainer: checkpoint.best needs evaluate, which says what to measure');
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
    this.#stepper = new Stepper(options, (message) => this.#report.onWarning(message));
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

  async #train(): Promise<Reason> {
    const { evaluate, evaluateEvery = Infinity } = this.#options;
    const { clock } = this.#plan;
    const folder = this.#checkpoints;
    let yielded = clock();
    let reason = this.#reasonToStop();
    while (reason === null) {
      const began = clock();
      const made = await this.#stepper.make(this.#step + 1, this.#rate());
      if (clock() - yielded > PATIENCE) {
        await hostsTurn();
        yielded = clock();
      }
      if (made === null) {
        reason = this.#reasonToStop();
        continue;
      }
      this.#step++;
      this.#options.average?.update();
      this.#reportStep(made, (clock() - began) / 1000);
      reason = this.#reasonToStop();
      const complete = reason === 'steps' || reason === 'seconds';
      if (evaluate !== undefined && (complete || this.#step % evaluateEvery === 0)) {
        await this.#evaluate(evaluate);
        reason ??= this.#reasonToStop();
      }
      // After the evaluation, so that who resumes from it does not repeat or miss one.
      if (folder !== null && (reason !== null || folder.isDue(this.#step, this.#plan.elapsed))) await this.#save((checkpoint) => folder.save(checkpoint));
    }
    // A run that was complete when it was resumed has nothing to train, but may not have been measured.
    if (reason !== 'aborted' && evaluate !== undefined && this.#history.curve.evaluations.step.at(-1) !== this.#step) await this.#evaluate(evaluate);
    return reason;
  }

  #reasonToStop(): Reason | null {
    const { signal, earlyStopping } = this.#options;
    const reached = this.#plan.reached(this.#step);
    if (reached !== null) return reached;
    if (signal?.aborted) return 'aborted';
    return earlyStopping !== undefined && isExhausted(this.#history.curve.evaluations, earlyStopping) ? 'earlyStopping' : null;
  }

  /** What the learning rate is multiplied by now. */
  #rate(): number {
    const factor = this.#schedule({ step: this.#step, share: this.#plan.share(this.#step) });
    if (!(factor >= 0 && factor < Infinity)) throw new TrainingError(`Trainer: the schedule gave ${factor} for step ${this.#step + 1}; it must give a finite number from 0`, this.#step + 1);
    return factor;
  }

  #reportStep(made: MadeStep, seconds: number): void {
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
    const { model, average } = this.#options;
    const generator = defaultGenerator.state;
    model.eval();
    try {
      const { result } = noGrad(() => ({ result: average === undefined ? evaluate() : average.with(evaluate) }));
      const metrics = await result;
      this.#report.onEvaluate({ step: this.#step, elapsed: this.#plan.elapsed, metrics });
    } finally {
      defaultGenerator.state = generator;
      model.train();
    }
    const folder = this.#checkpoints;
    const { evaluations } = this.#history.curve;
    if (folder?.best && bestEvaluation(evaluations, folder.best) === evaluations.step.length - 1) await this.#save((checkpoint) => folder.saveBest(checkpoint));
  }

  async #save(write: (checkpoint: Checkpoint) => Promise<string>): Promise<void> {
    const { model, optimizer, data, average } = this.#options;
    const { elapsed } = this.#plan;
    try {
      const path = await write({
        step: this.#step, elapsed, share: this.#plan.share(this.#step), generator: defaultGenerator.state, data: data.state,
        model: model.stateDict(), optimizer: optimizer.state(), parameters: this.#parameterNames(), curve: this.#history.curve,
        batches: this.#stepper.batches, skipped: this.#stepper.skipped,
        average: average === undefined ? null : { tensors: average.stateDict(), updates: average.updates },
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
  #restore(path: string, checkpoint: Checkpoint): void {
    const { model, optimizer, data, average } = this.#options;
    const misfit = misfitOf(checkpoint, model.stateDict(), this.#parameterNames(), average?.stateDict() ?? null);
    if (misfit !== null) throw new CheckpointError(`${path}: belongs to another ${misfit}, or start anew in another folder`);
    const { step, generator, data: place, model: tensors, optimizer: moments, batches, skipped } = checkpoint;
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
    if (checkpoint.average !== null) average?.loadStateDict(checkpoint.average.tensors, checkpoint.average.updates);
    this.#stepper.batches = batches;
    this.#stepper.skipped = skipped;
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
      evaluation: evaluated < 0 ? null : Object.fromEntries(metrics), skipped: this.#stepper.skipped,
    };
  }
}

/** Lets timers, signals and, in a browser, the page have their turn. */
function hostsTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
