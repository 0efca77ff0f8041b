/**
 * Writes the elementwise loops of kernels/js: `node scripts/loops.ts`. Each function has its own loops for each float
 * dtype, because V8 compiles a loop for the kinds of array that it has met: one that has met float64 takes twice as long
 * for float32 from then on, and one that calls the function instead of containing it, several times as long. Libraries
 * that make such loops at run time need `new Function`, which a strict content security policy forbids.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ActivationName, BinaryName, UnaryName } from '../packages/tensor/src/kernels/contract.ts';

const folder = resolve(import.meta.dirname, '../packages/tensor/src/kernels/js');

/** f(v) */
const unary: Record<UnaryName, string> = {
  neg: '-v', abs: 'Math.abs(v)', sign: 'Math.sign(v)', square: 'v * v', sqrt: 'Math.sqrt(v)', rsqrt: '1 / Math.sqrt(v)', reciprocal: '1 / v',
  exp: 'exp(v)', expm1: 'Math.expm1(v)', log: 'Math.log(v)', log2: 'Math.log2(v)', log10: 'Math.log10(v)', log1p: 'Math.log1p(v)',
  sin: 'Math.sin(v)', cos: 'Math.cos(v)', tan: 'Math.tan(v)', asin: 'Math.asin(v)', acos: 'Math.acos(v)', atan: 'Math.atan(v)', tanh: 'Math.tanh(v)',
  sigmoid: 'sigmoid(v)', erf: 'erf(v)', softplus: 'softplus(v)', relu: 'v <= 0 ? 0 : v', gelu: 'gelu(v)', geluTanh: 'geluTanh(v)', silu: 'v * sigmoid(v)',
  floor: 'Math.floor(v)', trunc: 'Math.trunc(v)', ceil: 'Math.ceil(v)', round: 'roundHalfEven(v)',
  isNaN: 'v !== v ? 1 : 0', isInf: 'v === Infinity || v === -Infinity ? 1 : 0', isFinite: 'v - v === 0 ? 1 : 0', logicalNot: 'v === 0 ? 1 : 0',
};

/** f(v, w) */
const binary: Record<BinaryName, string> = {
  add: 'v + w', sub: 'v - w', mul: 'v * w', div: 'v / w', pow: 'pow(v, w)', mod: 'remainder(v, w)', floorDivide: 'floorDivide(v, w)',
  atan2: 'Math.atan2(v, w)', minimum: 'Math.min(v, w)', maximum: 'Math.max(v, w)',
  eq: 'v === w ? 1 : 0', ne: 'v !== w ? 1 : 0', lt: 'v < w ? 1 : 0', le: 'v <= w ? 1 : 0', gt: 'v > w ? 1 : 0', ge: 'v >= w ? 1 : 0',
  logicalAnd: 'v !== 0 && w !== 0 ? 1 : 0', logicalOr: 'v !== 0 || w !== 0 ? 1 : 0', logicalXor: '(v !== 0) !== (w !== 0) ? 1 : 0',
};

/** w·f′, from v as `activationBackward` says. */
const activation: Record<ActivationName, string> = {
  gelu: 'w * geluSlope(v)', geluTanh: 'w * geluTanhSlope(v)', silu: 'w * siluSlope(v)', tanh: 'w * (1 - v * v)', sigmoid: 'w * v * (1 - v)',
};

/** Both loops of y = f(…operands), as the property `name` of a table. */
function loop(name: string, operands: Record<string, string>, f: string): string {
  const arrays = Object.keys(operands);
  const values = (index: (array: string) => string): string => arrays.map((array) => `const ${operands[array]} = ${array}[${index(array)}];`).join(' ');
  const places = [...arrays, 'y'];
  // Known to be 32-bit numbers that wrap, places need no watch for overflow; counting down to 0 saves a register.
  const whole = ['n', ...places.flatMap((array) => [`i${array}`, `s${array}`])].map((number) => `${number} |= 0;`).join(' ');
  const back = places.map((array) => `d${array} = (m${array} - n * s${array}) | 0`).join(', ');
  const move = (by: string): string => places.map((array) => `i${array} = (i${array} + ${by}${array}) | 0;`).join(' ');
  return `  ${name}: {
    dense(y, ${arrays.join(', ')}) { for (let j = 0; j < y.length; j++) { ${values(() => 'j')} y[j] = ${f}; } },
    plane(m, n, ${places.map((array) => `${array}, i${array}, m${array}, s${array}`).join(', ')}) {
      ${whole} const ${back};
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { ${values((array) => `i${array}`)} y[iy] = ${f}; ${move('s')} } ${move('d')} }
    },
  },
`;
}

function table(name: string, type: string, operands: Record<string, string>, functions: Record<string, string>): string {
  return `export const ${name}: ${type} = {\n${Object.entries(functions).map(([key, f]) => loop(key, operands, f)).join('')}};\n`;
}

/** The module of a float dtype; both say the same, and meet other arrays. */
export function moduleOf(dtype: 'float32' | 'float64'): string {
  const two = { a: 'v', b: 'w' };
  const tables = [
    table('unary', 'Record<UnaryName, UnaryLoop>', { x: 'v' }, unary),
    table('binary', 'Record<BinaryName, BinaryLoop>', two, binary),
    table('activation', 'Record<ActivationName, BinaryLoop>', two, activation),
    table('moves', "{ readonly copy: UnaryLoop }", { x: 'v' }, { copy: 'v' }),
  ].join('\n');
  const used = ['erf', 'exp', 'floorDivide', 'gelu', 'geluSlope', 'geluTanh', 'geluTanhSlope', 'pow', 'remainder', 'roundHalfEven', 'sigmoid', 'siluSlope', 'softplus'];
  return `// Written by scripts/loops.ts, which says why: edit that. These loops meet ${dtype === 'float32' ? 'Float32Array' : 'Float64Array'}s only, and write bools to Uint8Arrays.
import type { ActivationName, BinaryName, UnaryName } from '../../contract.ts';
import { ${used.join(', ')} } from '../math.ts';
import type { BinaryLoop, UnaryLoop } from './types.ts';

${tables}`;
}

export const modules = (['float32', 'float64'] as const).map((dtype) => ({ path: resolve(folder, `loops/${dtype}.ts`), code: moduleOf(dtype) }));

/** Whether the modules are what this script writes. */
export function isUpToDate(): boolean {
  return modules.every(({ path, code }) => readFileSync(path, 'utf8') === code);
}

if (process.argv[1] === import.meta.filename) for (const { path, code } of modules) writeFileSync(path, code);
