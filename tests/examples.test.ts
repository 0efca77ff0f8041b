import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const folder = resolve(import.meta.dirname, '../examples');
const scratch = mkdtempSync(join(tmpdir(), 'strided-examples-'));

function run(file: string, ...args: string[]) {
  return spawnSync(process.execPath, ['--conditions=strided-source', join(folder, file), ...args], { encoding: 'utf8', cwd: join(folder, '..') });
}

/** How each example is run here; the others are imported by these. */
const runs: Readonly<Record<string, readonly string[]>> = {
  'demo.ts': ['--steps', '2', '--seed', '1', '--output', join(scratch, 'first'), '--json'],
  'party.ts': [join(scratch, 'party')],
  'property-test-your-op.ts': [],
  // A model of random weights finds anything; the trained one is 91 MB.
  'search.ts': ['--model', resolve(import.meta.dirname, 'golden/sentences/model'), '--last', '1', 'taxes'],
};
/** What they must say: the classifier beats the larger party's 53.4% by far, on years that it has not seen. */
const outputs: Readonly<Record<string, RegExp>> = { 'party.ts': /: (6[5-9]|7\d)\.\d% right \(the larger party: 53\.4%\)/ };
const parts = new Set(['stateOfTheUnion.ts']);

describe('examples', () => {
  it('are at most 60 lines, and each is run here', () => {
    const files = readdirSync(folder).filter((file) => file.endsWith('.ts'));
    expect(files.filter((file) => readFileSync(join(folder, file), 'utf8').trimEnd().split('\n').length > 60)).toEqual([]);
    expect(files.filter((file) => !parts.has(file)).sort()).toEqual(Object.keys(runs).sort());
  });

  it.each(Object.entries(runs))('%s runs', (file, args) => {
    const { status, stderr, stdout } = run(file, ...args);
    expect(status, stderr + stdout).toBe(0);
    expect(stdout).toMatch(outputs[file] ?? /\S/);
  });

  it('the demo gives the same model and the same numbers for the same seed and steps, bit for bit', () => {
    const second = run('demo.ts', '--steps', '2', '--seed', '1', '--output', join(scratch, 'second'), '--json');
    const result = JSON.parse(second.stdout.trim().split('\n').at(-1) ?? '') as Record<string, number>;
    expect(Object.keys(result)).toEqual(['steps', 'tokensPerSecond', 'heldOutLoss', 'unigramLoss', 'heldOutAccuracy', 'parameters']);
    expect(result).toMatchObject({ steps: 2 });
    const bytes = (name: string): Buffer => readFileSync(join(scratch, name, 'model.safetensors'));
    expect(bytes('second').equals(bytes('first'))).toBe(true);
    run('demo.ts', '--steps', '2', '--seed', '2', '--output', join(scratch, 'other'));
    expect(bytes('other').equals(bytes('first'))).toBe(false);
  });

  it.each([[['--steps', 'many'], /--steps.*many/], [['--seconds', '-1'], /seconds/], [['--fast'], /--fast/]])('the demo refuses %j in one line', (args, message) => {
    const { status, stderr, stdout } = run('demo.ts', ...args, '--output', join(scratch, 'refused'));
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(existsSync(join(scratch, 'refused'))).toBe(false);
  });
});
