/**
 * Writes the elementwise loops of kernels/js: `node scripts/loops.ts`. Each cheap function has its own loops for each
 * float dtype, because V8 compiles a loop for the kinds of array that it has met: one that has met float64 takes twice as long
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

/**
 * What both float dtypes go through together: here the function itself takes most of the time, and the loop that has met
 * both dtypes hardly more than one that has not.
 */
const shared: ReadonlySet<string> = new Set<UnaryName | BinaryName>([
  'expm1', 'log', 'log2', 'log10', 'log1p', 'tan', 'asin', 'acos', 'atan', 'tanh', 'erf', 'softplus', 'pow', 'mod', 'floorDivide', 'atan2',
]);

/** What a loop over planes takes. */
function places(operands: Record<string, string>): string {
  return `m, n, ${[...Object.keys(operands), 'y'].map((array) => `${array}, i${array}, m${array}, s${array}`).join(', ')}`;
}

/** What it does: y = f(…operands). */
function walk(operands: Record<string, string>, f: string, indent: string): string {
  const arrays = [...Object.keys(operands), 'y'];
  // Known to be 32-bit numbers that wrap, places need no watch for overflow; counting down to 0 saves a register.
  const whole = ['n', ...arrays.flatMap((array) => [`i${array}`, `s${array}`])].map((number) => `${number} |= 0;`).join(' ');
  const back = arrays.map((array) => `d${array} = (m${array} - n * s${array}) | 0`).join(', ');
  const move = (by: string): string => arrays.map((array) => `i${array} = (i${array} + ${by}${array}) | 0;`).join(' ');
  return `${whole} const ${back};
${indent}for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { ${valuesAt(operands, (array) => `i${array}`)} y[iy] = ${f}; ${move('s')} } ${move('d')} }`;
}

function valuesAt(operands: Record<string, string>, index: (array: string) => string): string {
  return Object.entries(operands).map(([array, value]) => `const ${value} = ${array}[${index(array)}];`).join(' ');
}

/** Both loops, as the property `name` of a table. */
function both(name: string, operands: Record<string, string>, f: string): string {
  return `  ${name}: {
    dense(y, ${Object.keys(operands).join(', ')}) { for (let j = 0; j < y.length; j++) { ${valuesAt(operands, () => 'j')} y[j] = ${f}; } },
    plane(${places(operands)}) {
      ${walk(operands, f, '      ')}
    },
  },
`;
}

/** The one loop, likewise. */
function planeAlone(name: string, operands: Record<string, string>, f: string): string {
  return `  ${name}: ${'b' in operands ? 'binaryByPlanes' : 'unaryByPlanes'}((${places(operands)}) => {
    ${walk(operands, f, '    ')}
  }),
`;
}

/** What the names of a table take. */
const one = { x: 'v' }, two = { a: 'v', b: 'w' };
const used = ['erf', 'exp', 'floorDivide', 'gelu', 'geluSlope', 'geluTanh', 'geluTanhSlope', 'pow', 'remainder', 'roundHalfEven', 'sigmoid', 'siluSlope', 'softplus'];

/** The head of a module: what it says of itself, and the imports that its tables use. */
function head(says: string, types: string, tables: string): string {
  const functions = used.filter((name) => new RegExp(`[^.\\w]${name}\\(`).test(tables));
  return `// Written by scripts/loops.ts, which says why: edit that. ${says}
import type { ${types} } from '../../contract.ts';
import { ${functions.join(', ')} } from '../math.ts';
`;
}

/** The module of both float dtypes. */
function sharedModule(): string {
  const table = (name: string, type: string, operands: Record<string, string>, functions: Record<string, string>): string => {
    const entries = Object.entries(functions).filter(([key]) => shared.has(key));
    return `export const ${name} = {\n${entries.map(([key, f]) => planeAlone(key, operands, f)).join('')}} satisfies Partial<Record<${type}>>;\n`;
  };
  const tables = [table('unary', 'UnaryName, UnaryLoop', one, unary), table('binary', 'BinaryName, BinaryLoop', two, binary)].join('\n');
  return `${head('These loops meet Float32Arrays and Float64Arrays.', 'BinaryName, UnaryName', tables)}import { binaryByPlanes, unaryByPlanes } from './byPlanes.ts';
import type { BinaryLoop, UnaryLoop } from './types.ts';

${tables}`;
}

/** The module of a float dtype; both say the same, and meet other arrays. */
export function moduleOf(dtype: 'float32' | 'float64'): string {
  const table = (name: string, type: string, operands: Record<string, string>, functions: Record<string, string>): string => {
    const entries = Object.entries(functions);
    const sharing = name === 'unary' || name === 'binary';
    const own = sharing ? entries.filter(([key]) => !shared.has(key)) : entries;
    const rest = sharing ? `  ...shared.${name},\n` : '';
    return `export const ${name}: ${type} = {\n${rest}${own.map(([key, f]) => both(key, operands, f)).join('')}};\n`;
  };
  const tables = [
    table('unary', 'Record<UnaryName, UnaryLoop>', one, unary),
    table('binary', 'Record<BinaryName, BinaryLoop>', two, binary),
    table('activation', 'Record<ActivationName, BinaryLoop>', two, activation),
    table('moves', '{ readonly copy: UnaryLoop }', one, { copy: 'v' }),
  ].join('\n');
  const says = `These loops meet ${dtype === 'float32' ? 'Float32Array' : 'Float64Array'}s only, and write bools to Uint8Arrays.`;
  return `${head(says, 'ActivationName, BinaryName, UnaryName', tables)}import * as shared from './shared.ts';
import type { BinaryLoop, UnaryLoop } from './types.ts';

${tables}`;
}

export const modules = [
  { path: resolve(folder, 'loops/shared.ts'), code: sharedModule() },
  ...(['float32', 'float64'] as const).map((dtype) => ({ path: resolve(folder, `loops/${dtype}.ts`), code: moduleOf(dtype) })),
];

/** Whether the modules are what this script writes. */
export function isUpToDate(): boolean {
  return modules.every(({ path, code }) => readFileSync(path, 'utf8') === code);
}

if (process.argv[1] === import.meta.filename) for (const { path, code } of modules) writeFileSync(path, code);
