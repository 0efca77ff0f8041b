/** Whether a callback that must be synchronous gave a promise. How that one ends is nobody's business any more. */
export function abandonsPromise(result: unknown): boolean {
  if (typeof result !== 'object' || result === null || !('then' in result) || typeof result.then !== 'function') return false;
  result.then(undefined, () => {});
  return true;
}
