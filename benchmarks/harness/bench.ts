/** What a benchmark is made of: a bench is cases × contestants. */

export type Unit = 'GFLOP/s' | 'GB/s' | 'tokens/s' | 'sentences/s' | 'starts/s' | 'MiB';

/** One library's way to do what a case asks, in this process. */
export interface Contestant<R = unknown> {
  readonly name: string;
  /** How many threads it computes on. Default 1. */
  readonly threads?: number;
  /** Before each of its turns, and no part of the time: what it needs set, as others may have set otherwise. */
  enter?(): void | Promise<void>;
  run(): R | Promise<R>;
  /** The numbers of a result, in row-major order: what all contestants must agree on. A limit computes none. */
  read?(result: R): ArrayLike<number> | Promise<ArrayLike<number>>;
  /** What a user of the library owes a result that is done with. It is part of the time. */
  release?(result: R): void;
  /** When the case is done. */
  close?(): void | Promise<void>;
}

/** A contestant as the race sees it: in this process or in another, which then measures itself. */
export interface Racer {
  readonly name: string;
  readonly threads: number;
  /** The numbers of one run, or null for a limit. */
  numbers(): Promise<ArrayLike<number> | null>;
  /** The times of runs in a row that took about so long together; all in nanoseconds. */
  round(duration: number): Promise<readonly number[]>;
  /** The most bytes that its process has had in memory, where it has one of its own. */
  peakMemory?(): Promise<number>;
  close?(): void | Promise<void>;
}

export interface Case {
  readonly name: string;
  /** What one run does: floating-point operations, bytes read and written once each, tokens …; `MiB`: the rate is the peak memory. */
  readonly work: { readonly amount: number; readonly unit: Unit };
  /** How far numbers may be from the first contestant's: |x − reference| ≤ tolerance·(1 + |reference|). */
  readonly tolerance: number;
  /** A contestant that takes longer, in milliseconds, is timed once. Default 500. */
  readonly patience?: number;
  /** How often each contestant has its turn if nothing else is asked. Default 12. */
  readonly rounds?: number;
  /** How long a turn is, in milliseconds: of few runs the first, for which others have left the caches, would be most. Default 15. */
  readonly turn?: number;
  readonly bars?: readonly Bar[];
  /** Report the peak memory of contestants that have a process of their own. */
  readonly memory?: boolean;
  /** Makes operands and contestants when the case's turn has come; the first is the reference, Strided. */
  prepare(): readonly (Contestant | Racer)[] | Promise<readonly (Contestant | Racer)[]>;
  /** Lines that say more, once the case is measured. */
  notes?(): Promise<readonly string[]>;
}

/** A contestant of a case, by name and threads. */
export interface Entrant {
  readonly name: string;
  readonly threads: number;
}

/** What a case asks of Strided: at least so many times the speed of the fastest of others in the same run, or that they take so many times its memory. */
export interface Bar {
  readonly ours: Entrant;
  readonly against: readonly Entrant[];
  readonly atLeast: number;
  /** Default time. */
  readonly of?: 'time' | 'memory';
}

export interface BenchOptions {
  /** The numbers of threads to race at; a bench may know which of them make sense for a case. */
  readonly threads: readonly number[];
  /** Only cases whose name contains this. */
  readonly filter: string;
  /** The peers that may take part, by name. Default all. */
  readonly peers?: readonly string[];
  /** How often each contestant has its turn. Default 12. */
  readonly rounds?: number;
}

export interface Bench {
  readonly name: string;
  /** The numbers of threads that it races at if nothing else is asked; the last is the most that it can. */
  readonly threads: readonly number[];
  cases(options: BenchOptions): readonly Case[] | Promise<readonly Case[]>;
  /** Ends what `cases` opened. */
  close?(): void | Promise<void>;
}

/** How long one run of a contestant took, in milliseconds. */
export interface Timing {
  readonly contestant: string;
  readonly threads: number;
  readonly best: number;
  readonly median: number;
  /** Bytes. */
  readonly peakMemory?: number;
}

export interface CaseResult {
  readonly bench: string;
  readonly case: string;
  readonly work: Case['work'];
  readonly timings: readonly Timing[];
  readonly bars: readonly Bar[];
  readonly notes: readonly string[];
}
