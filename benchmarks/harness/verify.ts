import type { Case, Contestant } from './bench.ts';

async function numbersOf(name: string, contestant: Contestant): Promise<Float64Array> {
  try {
    const result = await contestant.run();
    // A copy: libraries hand out views of memory that the next contestant may reuse.
    const numbers = Float64Array.from(await contestant.read(result));
    contestant.release?.(result);
    return numbers;
  } catch (error) {
    throw new Error(`${name}: ${contestant.name} failed: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** Refuses contestants that compute other numbers than the first: a race between different functions says nothing. */
export async function verify({ name, tolerance }: Case, contestants: readonly Contestant[]): Promise<void> {
  const [first, ...others] = contestants;
  const expected = await numbersOf(name, first);
  for (const other of others) {
    const found = await numbersOf(name, other);
    const refuse = (what: string): Error => new Error(`${name}: ${other.name} computes something else than ${first.name}: ${what}`);
    if (found.length !== expected.length) throw refuse(`${found.length} values instead of ${expected.length}`);
    const at = found.findIndex((value, i) => !(Math.abs(value - expected[i]) <= tolerance * (1 + Math.abs(expected[i])) || Object.is(value, expected[i])));
    if (at >= 0) throw refuse(`value ${at} is ${found[at]} instead of ${expected[at]} (tolerance ${tolerance})`);
  }
}
