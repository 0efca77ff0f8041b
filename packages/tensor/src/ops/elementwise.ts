/** Functions value by value, by family. */
export * from './operands.ts';
export * from './unary.ts';
export * from './binary.ts';
export * from './comparison.ts';
export * from './choice.ts';
