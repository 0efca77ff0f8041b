import { describe, expect, it } from 'vitest';
import { CurveRecorder } from './curve.ts';
import type { EndReport, Reporter, StartReport, StepReport } from './reporter.ts';
import { terminalReporter, type TerminalStream } from './terminal.node.ts';

const start: StartReport = { step: 0, steps: 1200, seconds: null, elapsed: 0, parameters: 1234567, resumedFrom: null, curve: new CurveRecorder() };
const end: EndReport = { reason: 'steps', step: 1200, elapsed: 3725, smoothedLoss: 1.23456, tokens: 1, tokensPerSecond: 1234.5, evaluation: null, skipped: 0, curve: new CurveRecorder(), error: undefined };

function step(number: number, more: Partial<StepReport> = {}): StepReport {
  return {
    step: number, loss: 2, smoothedLoss: 2.34567, learningRate: 1, gradientNorm: 1, tokens: 1, metrics: {},
    tokensPerSecond: 12345.6, elapsed: number, timeLeft: 200, share: number / 1200, ...more,
  };
}

/** Plays a whole training to a reporter. */
function play(reporter: Reporter): void {
  reporter.onWarning?.('a.safetensors: is damaged');
  reporter.onStart?.(start);
  for (let i = 1; i <= 12; i++) reporter.onStep?.(step(i));
  reporter.onEvaluate?.({ step: 12, elapsed: 12, metrics: { heldOutLoss: 3.45678, accuracy: 0.5, count: 12345 } });
  reporter.onStep?.(step(13, { metrics: { accuracy: 0.25 }, timeLeft: Infinity, tokensPerSecond: 0 }));
  reporter.onStep?.(step(1200, { share: 1 }));
  reporter.onEnd?.(end);
}

describe('terminalReporter', () => {
  it('writes a plain line every few seconds where there is no terminal', () => {
    let text = '';
    play(terminalReporter({ stream: { write: (part) => (text += part) }, everySeconds: 6 }));
    expect(text).toBe([
      'warning: a.safetensors: is damaged',
      'training 1,234,567 parameters for 1,200 steps',
      'step 6/1,200 · loss 2.346 · 12,346 tokens/s · 3m 20s left',
      'step 12/1,200 · loss 2.346 · 12,346 tokens/s · 3m 20s left',
      'step 12 · evaluation: heldOutLoss 3.457, accuracy 0.5000, count 12,345',
      'done after 1,200 steps in 1h 2m · loss 1.235 · 1,235 tokens/s',
      '',
    ].join('\n'));
  });

  it('says what is known where something is not', () => {
    let text = '';
    const reporter = terminalReporter({ stream: { write: (part) => (text += part) }, everySeconds: 1 });
    reporter.onStart?.({ ...start, steps: 10, seconds: 90, step: 4, resumedFrom: 'run/step-00000004.safetensors' });
    reporter.onStep?.(step(5, { metrics: { accuracy: 0.25 }, timeLeft: Infinity, tokensPerSecond: 0 }));
    reporter.onEnd?.({ ...end, reason: 'failed', smoothedLoss: NaN, tokensPerSecond: 0, step: 5, elapsed: 59.6 });
    expect(text).toBe([
      'training 1,234,567 parameters for 10 steps or 1m 30s, resumed from step 4 (run/step-00000004.safetensors)',
      'step 5/10 · loss 2.346 · accuracy 0.2500 · ? left',
      'failed after 5 steps in 1m 0s',
      '',
    ].join('\n'));
  });

  it('draws a bar on a terminal, below the messages, and takes it away at the end', () => {
    const screen = new Screen();
    const reporter = terminalReporter({ stream: screen });
    reporter.onStart?.(start);
    expect(screen.lines[0]).toBe('training 1,234,567 parameters for 1,200 steps');
    expect(screen.lines[1]).toMatch(/^░+ 0% · starting$/);
    reporter.onStep?.(step(600));
    reporter.onEvaluate?.({ step: 600, elapsed: 1, metrics: { accuracy: 0.5 } });
    expect(screen.lines[1]).toBe('step 600 · evaluation: accuracy 0.5000');
    expect(screen.lines[2]).toMatch(/^█+░+ 50% · step 600\/1,200 · loss 2\.346/);
    reporter.onEnd?.(end);
    expect(screen.lines).toEqual([
      'training 1,234,567 parameters for 1,200 steps', 'step 600 · evaluation: accuracy 0.5000',
      'done after 1,200 steps in 1h 2m · loss 1.235 · 1,235 tokens/s', '',
    ]);
  });

  it('leaves nothing that would keep the process alive', () => {
    const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    play(terminalReporter({ stream: new Screen() }));
    expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length).toBe(before);
  });
});

/** As much of a terminal as a bar needs: it keeps lines and knows carriage returns and a few escape sequences (␛ for escape). */
class Screen implements TerminalStream {
  readonly isTTY = true;
  readonly columns = 120;
  readonly lines = [''];
  #row = 0;
  #column = 0;
  #saved: readonly [number, number] = [0, 0];

  write(text: string): boolean {
    for (const [token] of text.replaceAll('\u001B', '␛').matchAll(/␛\[[?\d;]*[a-zA-Z]|␛[78]|[^]/g)) this.#put(token);
    return true;
  }

  #put(token: string): void {
    const line = this.lines[this.#row];
    if (token === '\n') {
      this.#row++;
      this.#column = 0;
      if (this.lines.length === this.#row) this.lines.push('');
    } else if (token === '\r' || token === '␛[1G') this.#column = 0;
    else if (token === '␛7') this.#saved = [this.#row, this.#column];
    else if (token === '␛8') [this.#row, this.#column] = this.#saved;
    else if (token === '␛[0K') this.lines[this.#row] = line.slice(0, this.#column);
    else if (token === '␛[2K') this.lines[this.#row] = '';
    else if (/^␛\[\?(?:7|25)[hl]$/.test(token)) return;
    else if (token.startsWith('␛')) throw new Error(`unknown sequence ${JSON.stringify(token)}`);
    else {
      this.lines[this.#row] = line.slice(0, this.#column).padEnd(this.#column) + token + line.slice(this.#column + 1);
      this.#column++;
    }
  }
}
