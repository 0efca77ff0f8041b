import { stripVTControlCharacters } from 'node:util';

/** What one check came to. */
export interface Outcome {
  readonly passed: number;
  readonly failed: number;
  /** A few words for the line of a check that passed. */
  readonly note?: string;
  /** Everything that explains a failure; printed only then. */
  readonly output?: string;
}

/** Prints a line for each check, everything for one that failed, and keeps the sum. */
export class Report {
  passed = 0;
  failed = 0;

  section(title: string): void {
    console.log(`\n${title}`);
  }

  /** Times one check; an exception in it is a failure. Answers whether all of it passed. */
  async check(name: string, body: () => Promise<Outcome>): Promise<boolean> {
    const start = performance.now();
    const outcome = await body().catch((error: unknown): Outcome => {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return { passed: 0, failed: 1, output: text };
    });
    this.passed += outcome.passed;
    this.failed += outcome.failed;
    const ok = outcome.failed === 0;
    const note = outcome.note === undefined ? '' : ` · ${outcome.note}`;
    console.log(`  ${ok ? '✓' : '✗'} ${name}${note} · ${((performance.now() - start) / 1000).toFixed(1)} s`);
    if (!ok) console.log(stripVTControlCharacters(outcome.output ?? '').trimEnd().replace(/^/gm, '    '));
    return ok;
  }

  /** Says that something was left out, and why. */
  skip(name: string, reason: string): void {
    console.log(`  – ${name}: skipped, ${reason}`);
  }

  /** The sum, alone on the last line, and the exit code that goes with it. */
  finish(): void {
    console.log(`\n${this.passed} passed, ${this.failed} failed`);
    process.exitCode = this.failed === 0 ? 0 : 1;
  }
}

/** A program's end as one check. */
export function asCheck(finished: { readonly code: number; readonly output: string }): Outcome {
  const ok = finished.code === 0;
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, output: finished.output };
}
