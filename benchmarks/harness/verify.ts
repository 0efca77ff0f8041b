import type { Case, Racer } from './bench.ts';

async function numbersOf(name: string, racer: Racer): Promise<ArrayLike<number> | null> {
  try {
    return await racer.numbers();
  } catch (error) {
    throw new Error(`${name}: ${racer.name} failed: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** Refuses contestants that compute other numbers than the first: a race between different functions says nothing. */
export async function verify({ name, tolerance }: Pick<Case, 'name' | 'tolerance'>, racers: readonly Racer[]): Promise<void> {
  const [first, ...others] = racers;
  const expected = await numbersOf(name, first);
  if (expected === null) throw new Error(`${name}: ${first.name} computes nothing that others could be compared with`);
  for (const other of others) {
    const found = await numbersOf(name, other);
    if (found === null) continue;
    const refuse = (what: string): Error => new Error(`${name}: ${other.name} computes something else than ${first.name}: ${what}`);
    if (found.length !== expected.length) throw refuse(`${found.length} values instead of ${expected.length}`);
    for (let i = 0; i < found.length; i++) {
      const close = Math.abs(found[i] - expected[i]) <= tolerance * (1 + Math.abs(expected[i])) || Object.is(found[i], expected[i]);
      if (!close) throw refuse(`value ${i} is ${found[i]} instead of ${expected[i]} (tolerance ${tolerance})`);
    }
  }
}
