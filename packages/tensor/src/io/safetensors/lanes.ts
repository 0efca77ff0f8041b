/**
 * Does `work` for all items, `count` at a time: each lane takes the next item when it is done with one. Resolves when no
 * work is left at hand, also after a failure, which stops all lanes.
 *
 * @throws What the work for the earliest item threw.
 */
export async function inLanes<T>(count: number, items: readonly T[], work: (item: T, lane: number) => Promise<void>): Promise<void> {
  let next = 0;
  const failures: { readonly index: number; readonly error: unknown }[] = [];
  const run = async (lane: number): Promise<void> => {
    while (next < items.length && failures.length === 0) {
      const index = next++;
      try {
        await work(items[index], lane);
      } catch (error) {
        failures.push({ index, error });
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(count, items.length) }, (_, lane) => run(lane)));
  if (failures.length > 0) throw failures.reduce((first, each) => (each.index < first.index ? each : first)).error;
}
