import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { detectAnomaly } from '../anomaly.ts';
import { arange, full, zeros } from '../creation.ts';
import { AutogradError } from '../errors.ts';
import { Generator } from '../random.ts';
import { randn } from '../randomCreation.ts';
import { Storage } from '../storage.ts';
import { Tensor } from '../tensor.ts';
import { checkGradients, runs } from '../testing/index.ts';

const writers = {
  add: (target: Tensor, other: Tensor) => target.addInPlace(other),
  sub: (target: Tensor, other: Tensor) => target.subInPlace(other),
  mul: (target: Tensor, other: Tensor) => target.mulInPlace(other),
  div: (target: Tensor, other: Tensor) => target.divInPlace(other),
} as const;
type Writer = keyof typeof writers;
const flat = (x: Tensor): number[] => Array.from(x.toTypedArray());

/**
 * Random programs of views and writes, run twice: on tensors, and on an oracle that knows neither tensors nor graphs.
 * The oracle's memory is a list of cells, each a number with its derivatives by every input value (forward mode); a
 * write replaces cells, a view is a list of cell numbers.
 */
interface Cell {
  readonly value: number;
  readonly slopes: readonly number[];
}
interface Variable {
  readonly shown: Tensor;
  readonly cells: Tensor<'int32'>;
  /** Whether it is an input that requires grad, or a view of one. */
  readonly input: boolean;
}

const views: readonly ((x: Tensor, n: number) => Tensor)[] = [
  (x, n) => (x.rank === 0 ? x : x.slice(n % x.rank, n % 3, undefined, (n % 2) + 1)),
  (x, n) => (x.rank === 0 ? x : x.slice(n % x.rank, undefined, undefined, -1 - (n % 2))),
  (x, n) => (x.rank === 0 || x.shape[n % x.rank] === 0 ? x : x.select(n % x.rank, (n % (2 * x.shape[n % x.rank])) - x.shape[n % x.rank])),
  (x) => (x.rank < 2 ? x : x.transpose()),
  (x, n) => (x.rank < 2 ? x : x.diagonal((n % 3) - 1)),
  (x, n) => (x.rank > 3 ? x : x.unsqueeze(n % (x.rank + 1))),
  (x) => x.flip(),
  (x) => (x.isContiguous ? x.view([-1]) : x.flip(x.rank === 0 ? [] : 0)),
  (x) => (x.rank > 3 ? x : x.expand([2, ...x.shape])),
  (x) => (x.size > 12 ? x : x.expand([2, ...x.shape])),
  (x) => x.squeeze(),
];

interface Statement {
  readonly kind: 'constant' | 'fresh' | 'view' | 'write' | 'copy' | 'fill' | 'use' | 'detach';
  readonly n: readonly [number, number, number, number];
}
const statement: fc.Arbitrary<Statement> = fc.record({
  kind: fc.constantFrom<Statement['kind']>('constant', 'fresh', 'view', 'view', 'view', 'write', 'write', 'copy', 'fill', 'use', 'detach'),
  n: fc.tuple(fc.nat(30), fc.nat(30), fc.nat(30), fc.nat(30)),
});

/** Runs a program; with an oracle where the derivatives by its inputs are to be followed. */
class Machine {
  readonly variables: Variable[] = [];
  readonly cells: Cell[] = [];
  total: Tensor<'float64'> = zeros([], { dtype: 'float64' });
  oracle: Cell;
  readonly #weights = new Generator(5);
  readonly #width: number;

  constructor(inputs: readonly Tensor[]) {
    this.#width = inputs.reduce((sum, { size }) => sum + size, 0);
    this.oracle = { value: 0, slopes: new Array<number>(this.#width).fill(0) };
    let at = 0;
    for (const input of inputs) {
      const values = flat(input).map((value) => ({ value, slopes: Array.from({ length: this.#width }, (_, i) => (i === at ? 1 : 0)), place: at++ }));
      this.#add(input, values, true);
    }
  }

  #add(shown: Tensor, cells: readonly Cell[], input = false): void {
    const first = this.cells.length;
    this.cells.push(...cells);
    this.variables.push({ shown, cells: arange(first, first + shown.size).reshape(shown.shape), input });
  }

  #read(cells: Tensor): Cell[] {
    return flat(cells).map((id) => this.cells[id]);
  }

  #combine(a: Cell, b: Cell, name: Writer): Cell {
    const [x, y] = [a.value, b.value];
    const byA = { add: 1, sub: 1, mul: y, div: 1 / y }[name];
    const byB = { add: 1, sub: -1, mul: x, div: -x / (y * y) }[name];
    const value = { add: x + y, sub: x - y, mul: x * y, div: x / y }[name];
    return { value, slopes: a.slopes.map((slope, i) => (byA === 0 ? 0 : byA * slope) + (byB === 0 ? 0 : byB * b.slopes[i])) };
  }

  #constant(value: number): Cell {
    return { value, slopes: new Array<number>(this.#width).fill(0) };
  }

  /** What `tensor.square()` weighed at random adds to the total. */
  use({ shown, cells }: Variable): void {
    const weights = Array.from({ length: shown.size }, () => this.#weights.uniform() + 0.5);
    const weight = new Tensor({ storage: new Storage('float64', Float64Array.from(weights)), layout: arange(shown.size).reshape(shown.shape).layout });
    // A copy, because what is saved here may be written to later.
    this.total = this.total.add(shown.clone().square().mul(weight).sum()) as Tensor<'float64'>;
    this.#read(cells).forEach((cell, i) => {
      const term = this.#combine(this.#combine(cell, cell, 'mul'), this.#constant(weights[i]), 'mul');
      this.oracle = this.#combine(this.oracle, term, 'add');
    });
  }

  run({ kind, n: [n0, n1, n2, n3] }: Statement): void {
    const variable = this.variables[n0 % this.variables.length];
    const { shown, cells, input } = variable;
    if (kind === 'constant') {
      const made = full([2, (n1 % 3) + 1], n2 / 10, { dtype: 'float64' });
      this.#add(made, flat(made).map((value) => this.#constant(value)));
    } else if (kind === 'fresh') {
      this.#add(shown.mul(0.5), this.#read(cells).map((cell) => this.#combine(cell, this.#constant(0.5), 'mul')));
    } else if (kind === 'view') {
      const view = views[n1 % views.length];
      this.variables.push({ shown: view(shown, n2), cells: view(cells, n2) as Tensor<'int32'>, input });
    } else if (kind === 'use') {
      this.use(variable);
    } else if (kind === 'detach') {
      this.#add(shown.detach().clone(), this.#read(cells).map(({ value }) => this.#constant(value)));
    } else {
      if (input || new Set(flat(cells)).size < shown.size) return;
      const ids = flat(cells);
      if (kind === 'fill') {
        shown.fill(n1 / 10);
        for (const id of ids) this.cells[id] = this.#constant(n1 / 10);
        return;
      }
      const source = this.variables[n1 % this.variables.length];
      let [operand, operandCells]: [Tensor, Tensor] = [source.shown, source.cells];
      while (operand.rank > shown.rank || operand.shape.some((length, i) => length !== 1 && length !== shown.shape[i + shown.rank - operand.rank])) {
        if (operand.rank === 0 || operand.shape[0] === 0) return;
        [operand, operandCells] = [operand.select(0, 0), operandCells.select(0, 0)];
      }
      if (kind === 'copy') {
        const values = this.#read(operandCells.expand(shown.shape));
        shown.copyFrom(operand);
        ids.forEach((id, i) => { this.cells[id] = values[i]; });
        return;
      }
      const name: Writer = (['add', 'sub', 'mul', 'div'] as const)[n2 % 4];
      // A divisor is kept away from 0; a factor is copied unless it is allowed that backward refuses.
      const safe = name === 'div' ? operand.square().add(1) : name === 'mul' && n3 % 2 === 0 ? operand.clone() : operand;
      const values = this.#read(operandCells.expand(shown.shape)).map((cell) => (name === 'div' ? this.#combine(this.#combine(cell, cell, 'mul'), this.#constant(1), 'add') : cell));
      const before = ids.map((id) => this.cells[id]);
      writers[name](shown, safe);
      ids.forEach((id, i) => { this.cells[id] = this.#combine(before[i], values[i], name); });
    }
  }

  finish(): Tensor {
    for (const variable of this.variables) this.use(variable);
    return this.total;
  }
}

const program = fc.array(statement, { maxLength: 14 });
/** As `program`, but nothing that backward needs is ever written to. */
const safeProgram = program.map((statements) => statements.map(({ kind, n }): Statement => ({ kind, n: [n[0], n[1], kind === 'write' && n[2] % 4 === 3 ? n[2] - 1 : n[2], n[3] & ~1] })));
const start = () => [randn([2, 3], { dtype: 'float64', generator: new Generator(1) }), randn([3], { dtype: 'float64', generator: new Generator(2) })];

function run(inputs: readonly Tensor[], statements: readonly Statement[]): Machine {
  const machine = new Machine(inputs);
  for (const each of statements) machine.run(each);
  machine.finish();
  return machine;
}

function expectOracle(machine: Machine, inputs: readonly Tensor[]): void {
  const { value, slopes } = machine.oracle;
  expect(Math.abs(machine.total.item() - value)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(value)));
  const gradients = inputs.flatMap((input) => (input.grad === null ? new Array<number>(input.size).fill(0) : flat(input.grad)));
  const scale = Math.max(1, ...slopes.map(Math.abs));
  gradients.forEach((gradient, i) => expect(Math.abs(gradient - slopes[i])).toBeLessThanOrEqual(1e-9 * scale));
}

describe('random programs of views and writes', () => {
  it('have the gradients that forward differentiation of every memory cell gives', () => {
    fc.assert(
      fc.property(safeProgram, (statements) => {
        const inputs = start();
        for (const input of inputs) input.requiresGrad = true;
        const machine = run(inputs, statements);
        machine.total.backward();
        expectOracle(machine, inputs);
      }),
      { numRuns: runs(4) },
    );
  });

  it('refuse backward or have the right gradients, never wrong ones', () => {
    fc.assert(
      fc.property(program, (statements) => {
        const inputs = start();
        for (const input of inputs) input.requiresGrad = true;
        const machine = run(inputs, statements);
        try {
          machine.total.backward();
        } catch (error) {
          expect(error).toBeInstanceOf(AutogradError);
          expect((error as Error).message).toMatch(/^backward of (mul|div|square): a value of shape .* was changed afterwards by (\w+InPlace|copyFrom|fill)/);
          return;
        }
        expectOracle(machine, inputs);
      }),
      { numRuns: runs(4) },
    );
  });

  it('have right second derivatives too', () => {
    fc.assert(
      fc.property(safeProgram.map((statements) => statements.filter(({ kind }) => kind !== 'detach').slice(0, 8)), (statements) => {
        checkGradients((...inputs) => run(inputs, statements).total, start(), { order: 2, rtol: 1e-4, atol: 1e-5 });
      }),
      { numRuns: runs(1 / 5) },
    );
  });

  it('are the same in anomaly mode, which takes no short cuts', () => {
    fc.assert(
      fc.property(safeProgram, (statements) => {
        const inputs = start();
        for (const input of inputs) input.requiresGrad = true;
        detectAnomaly(() => {
          const machine = run(inputs, statements);
          machine.total.backward();
          expectOracle(machine, inputs);
        });
      }),
      { numRuns: runs(1 / 2) },
    );
  });
});
