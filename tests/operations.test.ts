import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { operationsPage } from '../scripts/operations.ts';

it('docs/operations.md is what scripts/operations.ts makes of the code today', () => {
  expect(readFileSync(resolve(import.meta.dirname, '../docs/operations.md'), 'utf8')).toBe(operationsPage());
});
