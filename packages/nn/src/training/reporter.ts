import { CurveRecorder, type Curve, type Metrics } from './curve.ts';

/** How long training takes and how far it has come. Seconds count from the first start, across resumes. */
export interface StartReport {
  /** Steps already made: 0, or what the checkpoint says. */
  readonly step: number;
  /** The planned number of steps, null when only time bounds it. */
  readonly steps: number | null;
  /** The planned seconds, null when only steps bound it. */
  readonly seconds: number | null;
  readonly elapsed: number;
  /** How many numbers the model's parameters hold. */
  readonly parameters: number;
  /** The file that training goes on from. */
  readonly resumedFrom: string | null;
  /** What was recorded before. */
  readonly curve: Curve;
}

export interface StepReport {
  /** Steps made, this one included. */
  readonly step: number;
  readonly loss: number;
  /** A running mean of the loss over about the last 50 steps. */
  readonly smoothedLoss: number;
  readonly learningRate: number;
  /** The norm of all gradients together, before clipping. */
  readonly gradientNorm: number;
  /** Of this step. */
  readonly tokens: number;
  readonly metrics: Metrics;
  /** Over about the last 50 steps; evaluation and checkpoints do not count. */
  readonly tokensPerSecond: number;
  readonly elapsed: number;
  /** An estimate, in seconds. */
  readonly timeLeft: number;
  /** The share of the plan that is done, 0 to 1. */
  readonly share: number;
}

export interface EvaluateReport {
  /** Steps made before it. */
  readonly step: number;
  readonly elapsed: number;
  readonly metrics: Metrics;
}

export interface CheckpointReport {
  readonly step: number;
  readonly elapsed: number;
  readonly path: string;
}

/** How training ended; `run` returns it. */
export interface EndReport {
  /** Why: the planned steps or seconds were reached, evaluations got no better, the signal was aborted, or an error was thrown. */
  readonly reason: 'steps' | 'seconds' | 'earlyStopping' | 'aborted' | 'failed';
  readonly step: number;
  readonly elapsed: number;
  /** The running mean of the loss; NaN without a step. */
  readonly smoothedLoss: number;
  /** In all, across resumes. */
  readonly tokens: number;
  /** Of this run without evaluation and checkpoints; 0 without a step. */
  readonly tokensPerSecond: number;
  /** What the last evaluation said, null without one. */
  readonly evaluation: Metrics | null;
  /** Steps that were skipped because a number was not finite, across resumes. */
  readonly skipped: number;
  readonly curve: Curve;
  /** What was thrown, when it failed. */
  readonly error: unknown;
}

/**
 * Told what training does; every method is optional. `onEnd` is called for every `onStart`, also when training fails.
 *
 * @example
 * const printing: Reporter = { onStep: ({ step, loss }) => console.log(step, loss) };
 */
export interface Reporter {
  onStart?(report: StartReport): void;
  onStep?(report: StepReport): void;
  onEvaluate?(report: EvaluateReport): void;
  onCheckpoint?(report: CheckpointReport): void;
  /** Something is wrong that training can go on from, such as a damaged checkpoint that was passed over. */
  onWarning?(message: string): void;
  onEnd?(report: EndReport): void;
}

/** Every reporter in turn as one. Warnings that nobody takes go to the console: they must not be lost. */
export function allReporters(reporters: readonly Reporter[]): Required<Reporter> {
  const heard = reporters.some((each) => each.onWarning !== undefined);
  return {
    onStart: (report) => reporters.forEach((each) => each.onStart?.(report)),
    onStep: (report) => reporters.forEach((each) => each.onStep?.(report)),
    onEvaluate: (report) => reporters.forEach((each) => each.onEvaluate?.(report)),
    onCheckpoint: (report) => reporters.forEach((each) => each.onCheckpoint?.(report)),
    onWarning(message) {
      // oxlint-disable-next-line no-console -- nobody else would tell
      if (!heard) console.warn(message);
      for (const each of reporters) each.onWarning?.(message);
    },
    onEnd: (report) => reporters.forEach((each) => each.onEnd?.(report)),
  };
}

/** Collects the curve in memory, whole also after a resume. */
export interface HistoryReporter extends Reporter {
  readonly curve: Curve;
}

/**
 * A reporter that keeps what it hears as arrays.
 *
 * @example
 * const history = historyReporter();
 * await new Trainer({ ...options, reporter: [history, terminalReporter()] }).run();
 * history.curve.loss;                 // one number a step
 */
export function historyReporter(): HistoryReporter {
  let recorder = new CurveRecorder();
  return {
    get curve() {
      return recorder;
    },
    onStart({ curve }) {
      recorder = new CurveRecorder(curve);
    },
    onStep(report) {
      recorder.addStep(report);
    },
    onEvaluate(report) {
      recorder.addEvaluation(report);
    },
  };
}
