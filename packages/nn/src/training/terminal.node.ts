import { SingleBar } from 'cli-progress';
import type { Metrics } from './curve.ts';
import type { EndReport, Reporter, StartReport, StepReport } from './reporter.ts';

export interface TerminalOptions {
  /** Where to write. Default standard error, which leaves standard output to results. */
  readonly stream?: TerminalStream;
  /** Where there is no terminal: seconds between lines. Default 5. */
  readonly everySeconds?: number;
}

/** What is used of a Node stream; on a terminal (`isTTY`) a bar is drawn, elsewhere lines are written. */
export interface TerminalStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

/**
 * Shows training on a terminal as a progress bar, elsewhere as a line every few seconds: step, loss, tokens a second,
 * time left.
 *
 * @example
 * import { terminalReporter } from '@strided/nn/terminal';
 * await new Trainer({ ...options, reporter: terminalReporter() }).run();
 */
export function terminalReporter({ stream = process.stderr, everySeconds = 5 }: TerminalOptions = {}): Reporter {
  const show = stream.isTTY ? bar(stream) : lines(stream, everySeconds);
  let total = '';
  return {
    onStart(start) {
      total = start.steps === null ? '' : `/${count(start.steps)}`;
      show.message(startLine(start));
      show.begin(start);
    },
    onStep: (step) => show.step(step, `step ${count(step.step)}${total} · ${stepLine(step)}`),
    onEvaluate: ({ step, metrics }) => show.message(`step ${count(step)} · evaluation: ${metricsText(metrics)}`),
    onWarning: (message) => show.message(`warning: ${message}`),
    onEnd(end) {
      show.end();
      show.message(endLine(end));
    },
  };
}

interface Display {
  begin(start: StartReport): void;
  step(step: StepReport, text: string): void;
  message(text: string): void;
  end(): void;
}

function lines(stream: TerminalStream, everySeconds: number): Display {
  let shown = -Infinity;
  const message = (text: string): void => void stream.write(`${text}\n`);
  return {
    begin: ({ elapsed }) => (shown = elapsed),
    step({ elapsed, share }, text) {
      // The last step is told by the end.
      if (share >= 1 || elapsed - shown < everySeconds) return;
      shown = elapsed;
      message(text);
    },
    message,
    end: () => {},
  };
}

/** The bar shows the share of the plan, in steps or in time; its text is ours. */
function bar(stream: TerminalStream): Display {
  const drawn = new SingleBar({
    format: '{bar} {percentage}% · {text}',
    stream: stream as NodeJS.WriteStream,
    barsize: 24, barCompleteChar: '█', barIncompleteChar: '░',
    // Messages take the bar's line, and the bar is drawn anew below.
    clearOnComplete: true,
    // Its own handler would swallow Ctrl-C.
    gracefulExit: false,
    linewrap: false,
  });
  let at: { share: number; text: string } | null = null;
  return {
    begin() {
      at = { share: 0, text: 'starting' };
      drawn.start(1, 0, at);
    },
    step({ share }, text) {
      at = { share, text };
      drawn.update(share, at);
    },
    message(text) {
      drawn.stop();
      stream.write(`${text}\n`);
      if (at !== null) drawn.start(1, at.share, at);
    },
    end() {
      at = null;
      drawn.stop();
    },
  };
}

function startLine({ step, steps, seconds, parameters, resumedFrom }: StartReport): string {
  const plan = [...(steps === null ? [] : [`${count(steps)} steps`]), ...(seconds === null ? [] : [time(seconds)])].join(' or ');
  return `training ${count(parameters)} parameters for ${plan}${resumedFrom === null ? '' : `, resumed from step ${count(step)} (${resumedFrom})`}`;
}

function stepLine({ smoothedLoss, metrics, tokensPerSecond, timeLeft }: StepReport): string {
  const parts = [`loss ${number(smoothedLoss)}`];
  if (Object.keys(metrics).length > 0) parts.push(metricsText(metrics));
  if (tokensPerSecond > 0) parts.push(`${count(Math.round(tokensPerSecond))} tokens/s`);
  return [...parts, `${time(timeLeft)} left`].join(' · ');
}

function endLine({ reason, step, smoothedLoss, elapsed, tokensPerSecond, skipped }: EndReport): string {
  const how = { steps: 'done', seconds: 'done', earlyStopping: 'no better: stopped', aborted: 'stopped', failed: 'failed' }[reason];
  const rate = tokensPerSecond > 0 ? ` · ${count(Math.round(tokensPerSecond))} tokens/s` : '';
  return `${how} after ${count(step)} steps in ${time(elapsed)}${Number.isNaN(smoothedLoss) ? '' : ` · loss ${number(smoothedLoss)}`}${rate}${skipped > 0 ? ` · ${count(skipped)} skipped` : ''}`;
}

function metricsText(metrics: Metrics): string {
  return Object.entries(metrics).map(([name, value]) => `${name} ${number(value)}`).join(', ');
}

function number(value: number): string {
  return Number.isInteger(value) ? count(value) : value.toPrecision(4);
}

/** 12345678 as 12,345,678, wherever it runs. */
function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** Seconds as 45s, 3m 20s or 2h 5m. */
function time(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes}m ${whole % 60}s` : `${Math.floor(minutes / 60)}h ${minutes % 60}m`;
}
