/** What a benchmark is made of: a bench is cases × contestants. */

export type Unit = 'GFLOP/s' | 'GB/s' | 'tokens/s' | 'starts/s';

/** One library's way to do what a case asks. */
export interface Contestant<R = unknown> {
  readonly name: string;
  run(): R | Promise<R>;
  /** The numbers of a result, in row-major order: what all contestants must agree on. */
  read(result: R): ArrayLike<number> | Promise<ArrayLike<number>>;
  /** What a user of the library owes a result that is done with. It is part of the time. */
  release?(result: R): void;
}

export interface Case {
  readonly name: string;
  /** What one run does: floating-point operations, bytes read and written once each, or tokens. */
  readonly work: { readonly amount: number; readonly unit: Unit };
  /** How far numbers may be from the first contestant's: |x − reference| ≤ tolerance·(1 + |reference|). */
  readonly tolerance: number;
  /** Makes operands and contestants when the case's turn has come; the first is the reference, Strided. */
  prepare(): readonly Contestant[] | Promise<readonly Contestant[]>;
}

export interface BenchOptions {
  readonly threads: number;
  /** Only cases whose name contains this. */
  readonly filter: string;
  /** How often each contestant has its turn. Default 12. */
  readonly rounds?: number;
}

export interface Bench {
  readonly name: string;
  /** The most threads that its contestants can use. */
  readonly maxThreads: number;
  cases(options: BenchOptions): readonly Case[] | Promise<readonly Case[]>;
}

/** How long one run of a contestant took, in milliseconds. */
export interface Timing {
  readonly contestant: string;
  readonly best: number;
  readonly median: number;
}

export interface CaseResult {
  readonly bench: string;
  readonly case: string;
  readonly threads: number;
  readonly work: Case['work'];
  readonly timings: readonly Timing[];
}
