import { defaultGenerator, noGrad, Tensor } from '@strided/tensor';
import { forwardOf, replaceForward } from './forward.ts';
import type { Module } from './module.ts';

/** What one module of a model did in a forward pass. */
export interface SummaryRow {
  /** Dotted; the model itself has the name ''. */
  readonly name: string;
  /** The class. */
  readonly kind: string;
  /** Shapes that its (last) forward gave, such as `[2, 16]` or `{ output: [2, 16], weights: null }`; '' when it did not run. */
  readonly output: string;
  /** How often its forward ran. */
  readonly calls: number;
  /** Numbers in the parameters of it and all below it. */
  readonly parameters: number;
  /** Of those, the ones that training changes. */
  readonly trained: number;
}

/** A table of a model's modules; printing it as text aligns the columns. */
export class Summary {
  readonly rows: readonly SummaryRow[];

  constructor(rows: readonly SummaryRow[]) {
    this.rows = rows;
  }

  toString(): string {
    const cells = this.rows.map(({ name, kind, output, parameters, trained }) => {
      const depth = name === '' ? 0 : name.split('.').length;
      const count = parameters === 0 ? '' : parameters.toLocaleString('en-US');
      return [`${'  '.repeat(depth)}${name === '' ? kind : `${name}: ${kind}`}`, output, count, trained === parameters ? '' : trained.toLocaleString('en-US')];
    });
    const table = [['module', 'output', 'parameters', cells.some(([, , , trained]) => trained !== '') ? 'trained' : ''], ...cells];
    const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => row[column].length)));
    return table.map((row) => row.map((cell, column) => (column < 2 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join('  ').trimEnd()).join('\n');
  }
}

/**
 * Runs a forward pass and tells what each module gave. Nothing is recorded, and random numbers are put back.
 *
 * @example
 * console.log(String(summarize(model, () => model.forward(zeros([2, 8])))));
 * // module               output   parameters
 * // Classifier           [2, 2]          178
 * //   hidden: Linear     [2, 16]         144
 * //   output: Linear     [2, 2]           34
 */
export function summarize(model: Module, run: () => unknown): Summary {
  const seen = new Map<Module, { output: string; calls: number }>();
  const generator = defaultGenerator.state;
  const undo = [...model.modules()].flatMap((module) => {
    const forward = forwardOf(module);
    if (forward === null) return [];
    return replaceForward(module, (...inputs) => {
      const result = forward.apply(module, inputs);
      seen.set(module, { output: shapesOf(result), calls: (seen.get(module)?.calls ?? 0) + 1 });
      return result;
    });
  });
  try {
    noGrad(() => void run());
  } finally {
    for (const putBack of undo) putBack();
    defaultGenerator.state = generator;
  }
  return new Summary(Array.from(model.namedModules(), ([name, module]) => ({
    name, kind: module.constructor.name, output: seen.get(module)?.output ?? '', calls: seen.get(module)?.calls ?? 0,
    parameters: module.parameterCount(), trained: module.parameterCount({ trained: true }),
  })));
}

function shapesOf(value: unknown): string {
  if (value instanceof Tensor) return `[${value.shape.join(', ')}]`;
  if (Array.isArray(value)) return `[${value.map(shapesOf).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  return `{ ${Object.entries(value).map(([key, each]) => `${key}: ${shapesOf(each)}`).join(', ')} }`;
}
