/** The zoo: every model, a file for each family. */
export * from './families/bert.ts';
export * from './families/seed.ts';
