// Run by `npx -y pnpm@12 test --only package` beside the packed and installed packages, on the host's own Node.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';

for (const name of ['@strided/tensor', '@strided/nn', '@strided/bert']) {
  test(`${name} loads as an ES module from its build`, async () => {
    const module = await import(name);
    assert.equal(Object.prototype.toString.call(module), '[object Module]');
    assert.match(import.meta.resolve(name), new RegExp(`/node_modules/${name}/dist/index\\.js$`));
  });

  test(`${name} names no condition of the workspace`, async () => {
    const manifest = new URL('../package.json', import.meta.resolve(name));
    const { exports, imports = {} } = JSON.parse(await readFile(fileURLToPath(manifest), 'utf8'));
    const leaves = (value) => (typeof value === 'string' ? [value] : Object.values(value).flatMap(leaves));
    for (const target of [...leaves(exports), ...leaves(imports)]) assert.match(target, /^\.\/(dist\/|package\.json$)/);
    const conditions = (value) => (typeof value === 'string' ? [] : Object.entries(value).flatMap(([key, inner]) => [key, ...conditions(inner)]));
    const known = /^(\.|#|types$|node$|import$|default$)/;
    assert.deepEqual(conditions({ ...exports, ...imports }).filter((key) => !known.test(key)), []);
  });
}
