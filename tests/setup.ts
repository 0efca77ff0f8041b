import fc from 'fast-check';

/**
 * Every property test obeys these without a word of its own: STRIDED_RUNS is the number of cases of each property,
 * STRIDED_SEED their seed (without it each run has a new one; fast-check prints the seed of a failure).
 */
const { STRIDED_RUNS, STRIDED_SEED } = process.env;

fc.configureGlobal({
  numRuns: Number(STRIDED_RUNS ?? 50),
  ...(STRIDED_SEED === undefined ? {} : { seed: Number(STRIDED_SEED) }),
});
