import fc from 'fast-check';

/**
 * The number of cases for a property that costs more (or less) than others: `fraction` of the usual number, at least 1.
 * The usual number is the environment variable STRIDED_RUNS, else fast-check's global `numRuns`, else 100.
 *
 * @example
 * fc.assert(property, { numRuns: runs(1 / 5) });
 */
export function runs(fraction = 1): number {
  // Browsers have no `process`.
  const { process } = globalThis as { process?: { readonly env: Record<string, string | undefined> } };
  const usual = Number(process?.env['STRIDED_RUNS'] ?? fc.readConfigureGlobal().numRuns ?? 100);
  return Math.max(1, Math.ceil(usual * fraction));
}
