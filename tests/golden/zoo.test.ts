import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as zoo from '@strided/bert';
import { Tensor, loadSafetensors } from '@strided/tensor';
import { afterAll, describe, expect, it } from 'vitest';

/**
 * Every model against transformers: outputs, hidden states and attention maps at real positions, losses and every
 * gradient, within each case's own tolerance. The cases are of random weights; zoo/generate.py makes those with a tag.
 */

interface Case {
  readonly family: string;
  readonly model_class: string;
  readonly atol: number;
  readonly rtol: number;
}

type Model = zoo.PretrainedModel & { forward(inputs: Record<string, unknown>): Record<string, unknown> };
const classes = zoo as unknown as Record<string, zoo.ModelClass<Model> & { fromPretrained(source: string): Promise<Model> }>;

const committed = join(import.meta.dirname, 'cases');
/** Where some cases come from: more heads of the same families. */
const shared = resolve(import.meta.dirname, '../../../shared/goldens/cases');
/** STRIDED_GOLDENS: another folder of such cases. */
const roots = process.env['STRIDED_GOLDENS'] === undefined ? [committed, ...(existsSync(shared) ? [shared] : [])] : [process.env['STRIDED_GOLDENS']];
const camel = (name: string): string => name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** By family and head, the largest errors of outputs and of gradients, as shares of what is allowed. */
const table = new Map<string, Map<string, readonly [output: number, gradient: number]>>();

/** max |a − b|, and max of that over what is allowed, where `counts` says so. */
function compare(actual: Tensor, expected: Tensor, { atol, rtol }: Case, counts: (i: number) => boolean = () => true): { readonly error: number; readonly excess: number } {
  expect(actual.shape).toEqual(expected.shape);
  const [a, b] = [actual.toTypedArray(), expected.toTypedArray()];
  let [error, excess] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    if (!counts(i)) continue;
    const off = Math.abs(a[i] - b[i]);
    error = Math.max(error, off);
    excess = Number.isNaN(off) ? Infinity : Math.max(excess, off / (atol + rtol * Math.abs(b[i])));
  }
  return { error, excess };
}

/** Which values of an output stand at real positions: what belongs to padding is not compared. */
function atRealPositions(name: string, { shape }: Tensor, mask: Tensor | undefined): (i: number) => boolean {
  const perToken = /^(hidden_states|last_hidden_state|attentions|cross_attentions|prediction_logits|start_logits|end_logits)/.test(name) || (name === 'logits' && shape.length >= 2);
  if (mask === undefined || !perToken) return () => true;
  const seen = mask.toTypedArray();
  const length = mask.shape[mask.rank - 1];
  const rows = seen.length / length;
  const isMap = /attentions/.test(name);
  if (shape[0] !== rows || shape[isMap ? 2 : 1] !== length) return () => true;
  const inner = shape.slice(isMap ? 3 : 2).reduce((product, n) => product * n, 1);
  const outer = inner * length * (isMap ? shape[1] : 1);
  return (i) => seen[Math.floor(i / outer) * length + (Math.floor(i / inner) % length)] !== 0;
}

const folders = new Map(roots.toReversed().flatMap((root) => readdirSync(root).filter((name) => !name.startsWith('seed.')).map((name) => [name, join(root, name)] as const)));

describe.each([...folders].sort())('%s', (name, folder) => {
  it('equals transformers in outputs, losses and gradients', async () => {
    const spec = JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8')) as Case;
    const tensors = await loadSafetensors(join(folder, 'case.safetensors'));
    const part = (prefix: string): Map<string, Tensor> => new Map([...tensors].filter(([key]) => key.startsWith(prefix)).map(([key, tensor]) => [key.slice(prefix.length), tensor]));
    const model = (await classes[spec.model_class].fromPretrained(folder)).train();
    const given = part('in.');
    const inputs = Object.fromEntries([...given].map(([key, tensor]) => [camel(key), tensor]));
    const wanted = part('out.');

    // Without hidden states and maps attention runs as one op: losses and gradients are those of training.
    const fused = model.forward(inputs);
    const full = model.forward({ ...inputs, outputHiddenStates: true, outputAttentions: true });
    const worst = { output: 0, gradient: 0, excess: 0, where: '' };
    const note = (kind: 'output' | 'gradient', what: string, { error, excess }: { readonly error: number; readonly excess: number }): void => {
      worst[kind] = Math.max(worst[kind], error);
      if (excess > worst.excess) Object.assign(worst, { excess, where: what });
    };
    for (const [key, expected] of wanted) {
      const [field, index] = key.split('.');
      const counts = atRealPositions(key, expected, given.get('attention_mask'));
      const value = full[camel(field)];
      const actual = index === undefined ? value : (value as readonly Tensor[])[Number(index)];
      expect(actual, `${name} returns no ${key}`).toBeInstanceOf(Tensor);
      note('output', key, compare(actual as Tensor, expected, spec, counts));
      if (index === undefined) note('output', `${key} (fused)`, compare(fused[camel(field)] as Tensor, expected, spec, counts));
    }
    for (const list of ['hidden_states', 'attentions', 'cross_attentions']) {
      const count = [...wanted.keys()].filter((key) => key.startsWith(`${list}.`)).length;
      if (count > 0) expect((full[camel(list)] as readonly Tensor[]).length, list).toBe(count);
    }

    const gradients = part('grad.');
    if (gradients.size > 0) (fused['loss'] as Tensor).backward();
    const own = model.gradientsByKey();
    expect([...gradients.keys()].filter((key) => !own.has(key)), 'gradients that the model does not have').toEqual([]);
    for (const [key, expected] of gradients) note('gradient', `grad ${key}`, compare(own.get(key) as Tensor, expected, spec));

    const heads = table.get(spec.family) ?? new Map<string, readonly [number, number]>();
    table.set(spec.family, heads.set(name.slice(spec.family.length + 1), [worst.output, gradients.size > 0 ? worst.gradient : NaN]));
    expect(worst.excess, `${name}: the worst is ${worst.where}, as a share of what is allowed`).toBeLessThanOrEqual(1);
  });
});

afterAll(() => {
  const show = (error: number): string => (Number.isNaN(error) ? '–' : error.toExponential(1));
  const rows = [...table].flatMap(([family, heads]) => [...heads].map(([head, [output, gradient]]) => [family, head, show(output), show(gradient)]));
  const widths = [0, 1, 2, 3].map((column) => Math.max(...[['family', 'head', 'outputs', 'gradients'], ...rows].map((row) => row[column].length)));
  const line = (row: readonly string[]): string => row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ');
  console.log(['Largest difference from transformers', line(['family', 'head', 'outputs', 'gradients']), ...rows.map(line)].join('\n'));
});
