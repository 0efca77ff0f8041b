import { fromTypedArray, type Tensor } from '@strided/tensor';

/** Numbers by name, such as `{ accuracy: 0.7 }`. */
export type Metrics = Readonly<Record<string, number>>;

/** Metrics of successive moments, an array for each name; NaN where a moment did not have it. */
export type MetricColumns = Readonly<Record<string, readonly number[]>>;

/** What training was like at every step: entry i of each array belongs to step i + 1. */
export interface Curve {
  readonly loss: readonly number[];
  readonly learningRate: readonly number[];
  /** The norm of all gradients together, before clipping. */
  readonly gradientNorm: readonly number[];
  readonly tokens: readonly number[];
  /** Seconds of training until the step's end. */
  readonly elapsed: readonly number[];
  readonly metrics: MetricColumns;
  readonly evaluations: Evaluations;
}

/** The evaluations so far: entry i of each array belongs to the i-th. */
export interface Evaluations {
  /** The steps after which they were made. */
  readonly step: readonly number[];
  readonly elapsed: readonly number[];
  readonly metrics: MetricColumns;
}

type Column = keyof Omit<Curve, 'metrics' | 'evaluations'>;
const columns: readonly Column[] = ['loss', 'learningRate', 'gradientNorm', 'tokens', 'elapsed'];

/** Grows a curve step by step. */
export class CurveRecorder implements Curve {
  readonly loss: number[] = [];
  readonly learningRate: number[] = [];
  readonly gradientNorm: number[] = [];
  readonly tokens: number[] = [];
  readonly elapsed: number[] = [];
  readonly metrics: Record<string, number[]> = {};
  readonly evaluations: { readonly step: number[]; readonly elapsed: number[]; readonly metrics: Record<string, number[]> } = {
    step: [], elapsed: [], metrics: {},
  };

  /** Starts with a copy of `past`. */
  constructor(past?: Curve) {
    if (past === undefined) return;
    for (const column of columns) for (const value of past[column]) this[column].push(value);
    copyColumns(past.metrics, this.metrics);
    for (const column of ['step', 'elapsed'] as const) this.evaluations[column].push(...past.evaluations[column]);
    copyColumns(past.evaluations.metrics, this.evaluations.metrics);
  }

  addStep(step: Readonly<Record<Column, number>> & { readonly metrics: Metrics }): void {
    addRow(this.metrics, step.metrics, this.loss.length);
    for (const column of columns) this[column].push(step[column]);
  }

  addEvaluation({ step, elapsed, metrics }: { readonly step: number; readonly elapsed: number; readonly metrics: Metrics }): void {
    addRow(this.evaluations.metrics, metrics, this.evaluations.step.length);
    this.evaluations.step.push(step);
    this.evaluations.elapsed.push(elapsed);
  }
}

function copyColumns(from: MetricColumns, to: Record<string, number[]>): void {
  for (const [name, values] of Object.entries(from)) to[name] = [...values];
}

function addRow(table: Record<string, number[]>, row: Metrics, rows: number): void {
  for (const name of Object.keys(row)) if (!Object.hasOwn(table, name)) table[name] = new Array<number>(rows).fill(NaN);
  for (const [name, values] of Object.entries(table)) values.push(Object.hasOwn(row, name) ? row[name] : NaN);
}

/** The curve as float64 tensors, which keep every bit and every NaN, in a tenth of the room of JSON. */
export function curveTensors(curve: Curve): Map<string, Tensor> {
  const arrays: [string, readonly number[]][] = [
    ...columns.map((column): [string, readonly number[]] => [column, curve[column]]),
    ...Object.entries(curve.metrics).map(([name, values]): [string, readonly number[]] => [`metrics.${name}`, values]),
    ['evaluations.step', curve.evaluations.step],
    ['evaluations.elapsed', curve.evaluations.elapsed],
    ...Object.entries(curve.evaluations.metrics).map(([name, values]): [string, readonly number[]] => [`evaluations.metrics.${name}`, values]),
  ];
  return new Map(arrays.map(([name, values]) => [name, fromTypedArray(Float64Array.from(values))]));
}

/** What `curveTensors` made, read again. */
export function curveFromTensors(tensors: ReadonlyMap<string, Tensor>): Curve {
  const column = (name: string): number[] => Array.from(tensors.get(name)?.toTypedArray() ?? []);
  const table = (prefix: string): MetricColumns =>
    Object.fromEntries([...tensors.keys()].filter((name) => name.startsWith(prefix)).map((name) => [name.slice(prefix.length), column(name)]));
  return {
    loss: column('loss'), learningRate: column('learningRate'), gradientNorm: column('gradientNorm'), tokens: column('tokens'), elapsed: column('elapsed'),
    metrics: table('metrics.'),
    evaluations: { step: column('evaluations.step'), elapsed: column('evaluations.elapsed'), metrics: table('evaluations.metrics.') },
  };
}
