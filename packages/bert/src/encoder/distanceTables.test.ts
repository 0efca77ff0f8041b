import { arange, type Tensor } from '@strided/tensor';
import { describe, expect, it } from 'vitest';
import { DistanceTables } from './distanceTables.ts';

const distances = (length: number): { readonly table: Tensor } => ({ table: arange(length).unsqueeze(0).sub(arange(length).unsqueeze(1)) });

describe('tables of distances', () => {
  it('are made a few times only while lengths grow one by one, and are right for each', () => {
    const tables = new DistanceTables<'table'>();
    let [made, values] = [0, 0];
    for (let length = 1; length <= 300; length++) {
      const { table } = tables.upTo(length, (most) => {
        made++;
        values += most * most;
        return distances(most);
      });
      expect(table.shape).toEqual([length, length]);
      if (length % 37 === 1) expect(table.toArray()).toEqual(distances(length).table.toArray());
    }
    expect(made).toBeLessThan(30);
    // All that were ever made, in those of the longest.
    expect(values).toBeLessThan(5 * 300 * 300);
    expect(tables.upTo(4, distances).table.toArray()).toEqual(distances(4).table.toArray());
  });
});
