import { expect, it } from 'vitest';
import { isUpToDate } from '../scripts/loops.ts';

it('the elementwise loops of kernels/js are what scripts/loops.ts writes', () => {
  expect(isUpToDate(), 'run `node scripts/loops.ts`').toBe(true);
});
