import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as zoo from '@strided/bert';
import { fromTypedArray, Generator, noGrad, tensor, type Tensor } from '@strided/tensor';
import { expectClose, runs } from '@strided/tensor/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

/**
 * Every family and head on batches of mixed lengths: without recording only real tokens are computed. At real positions
 * that must equal what a recorded pass in training mode (without dropout) computes with the padding, and at padding it
 * must be 0, or for the ends of an answer the lowest float.
 */

type Model = zoo.PretrainedModel & { forward(inputs: Record<string, unknown>): Record<string, unknown> };
const classes = zoo as unknown as Record<string, { fromPretrained(source: string): Promise<Model> }>;
const root = join(import.meta.dirname, 'cases');
const cases = readdirSync(root).filter((name) => !name.startsWith('seed.'));
const families = [...new Set(cases.map((name) => name.slice(0, name.indexOf('.'))))];

const kinds = ['right', 'left', 'middle', 'random'] as const;
const drawn = fc.record({ seed: fc.nat(), padding: fc.constantFrom(...kinds), batch: fc.integer({ min: 1, max: 4 }), length: fc.integer({ min: 2, max: 12 }) });

/** Masks [batch][length] with padding of a kind; rows can be full, and one at least has a token. */
function masks(kind: (typeof kinds)[number], batch: number, length: number, generator: Generator): number[][] {
  const rows = Array.from({ length: batch }, () => {
    const real = 1 + generator.integer(length);
    if (kind === 'random') return Array.from({ length }, () => generator.integer(2));
    const start = kind === 'right' ? 0 : kind === 'left' ? length - real : generator.integer(length - real + 1);
    return Array.from({ length }, (_, i) => Number(kind === 'middle' ? i < start || i >= start + length - real || i === 0 : i >= start && i < start + real));
  });
  if (rows.every((row) => !row.includes(1))) rows[0][0] = 1;
  return rows;
}

/** Heads that look at each token, or at the first of each row. */
const perToken = new Set(['lastHiddenState', 'logits', 'predictionLogits', 'startLogits', 'endLogits']);

function check(name: string, model: Model, { seed, padding, batch, length }: { seed: number; padding: (typeof kinds)[number]; batch: number; length: number }): void {
  const generator = new Generator(seed);
  const choice = name.includes('MultipleChoice');
  const { vocabSize, paddingId, segments, tasks } = model.config.encoder;
  const mask = masks(padding, batch, length, generator);
  const shaped = (rows: number[][]): Tensor => tensor(choice ? [rows] : rows, { dtype: 'int32' });
  const real = (): number => {
    const id = generator.integer(vocabSize);
    return id === paddingId ? (id + 1) % vocabSize : id;
  };
  const inputs = {
    inputIds: shaped(mask.map((row) => row.map((one) => (one === 1 ? real() : (paddingId ?? 0))))), attentionMask: shaped(mask), outputHiddenStates: seed % 2 === 0,
    ...(segments > 1 && seed % 3 === 0 ? { tokenTypeIds: shaped(mask.map((row) => row.map(() => generator.integer(segments)))) } : {}),
    ...(tasks > 1 && seed % 3 === 1 ? { taskTypeIds: shaped(mask.map((row) => row.map(() => generator.integer(tasks)))) } : {}),
  };
  const padded = model.train().forward(inputs);
  const packed = noGrad(() => model.eval().forward(inputs));
  // Where the first column is real in all rows, every head but those that look elsewhere runs packed.
  const pooling = (model as { readonly classificationHead?: { readonly spec: { readonly pooling: string } } }).classificationHead?.spec.pooling ?? '';
  const leavesOut = mask.some((row) => row.includes(0)) && mask.every((row) => row[0] === 1) && pooling !== 'last' && pooling !== 'meanOfAll';
  for (const [key, wanted] of Object.entries(padded)) {
    const states = key === 'hiddenStates' ? (wanted as readonly Tensor[] | null) ?? [] : perToken.has(key) || key === 'poolerOutput' ? [wanted as Tensor | null] : [];
    states.forEach((one, i) => {
      if (one === null) return;
      const actual = (key === 'hiddenStates' ? (packed[key] as readonly Tensor[])[i] : packed[key]) as Tensor;
      expect(actual.shape, key).toEqual(one.shape);
      const [a, b] = [actual.toTypedArray(), one.toTypedArray()];
      const tokens = key !== 'poolerOutput' && one.shape[0] === batch && one.shape[1] === length && !(choice && key === 'logits') && !(/ForSequence|NextSentence/.test(name) && key === 'logits');
      const inner = tokens ? one.size / (batch * length) : 1;
      const empty = key === 'startLogits' || key === 'endLogits' ? Math.fround(-3.4028234663852886e38) : 0;
      for (let at = 0; at < a.length; at++) {
        const place = Math.floor(at / inner);
        if (!tokens || mask[Math.floor(place / length)][place % length] === 1) {
          const off = Math.abs(a[at] - b[at]);
          if (!(off <= 1e-5 + 1e-5 * Math.abs(b[at])) && !(Number.isNaN(a[at]) && Number.isNaN(b[at]))) expect.fail(`${name} ${key}[${at}]: ${a[at]} instead of ${b[at]}`);
        } else if (leavesOut && a[at] !== empty) expect.fail(`${name} ${key}[${at}] at padding: ${a[at]} instead of ${empty}`);
      }
    });
  }
}

describe.each(families)('%s', (family) => {
  const own = cases.filter((name) => name.startsWith(`${family}.`));
  it('computes real tokens alone, and what the padded batch gives there', async () => {
    const models = await Promise.all(own.map(async (name) => {
      const { model_class: type } = JSON.parse(readFileSync(join(root, name, 'case.json'), 'utf8')) as { readonly model_class: string };
      return [name, await classes[type].fromPretrained(join(root, name))] as const;
    }));
    fc.assert(fc.property(fc.constantFrom(...models), drawn, ([name, model], given) => check(name, model, given)));
  });

  it('takes a mask for each head with the padding: what it hides gets no weight, and the fused attention gives what its weights give', async () => {
    const name = own.find((each) => each.startsWith(`${family}.Model`)) ?? own[0];
    const { model_class: type } = JSON.parse(readFileSync(join(root, name, 'case.json'), 'utf8')) as { readonly model_class: string };
    const model = await classes[type].fromPretrained(join(root, name));
    const { heads, vocabSize } = model.config.encoder;
    fc.assert(fc.property(fc.nat(), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 9 }), fc.boolean(), (seed, batch, length, each) => {
      const generator = new Generator(seed);
      const shape = [batch, each ? heads : 1, length, length];
      const bits = Int32Array.from({ length: shape.reduce((a, b) => a * b) }, () => generator.integer(2));
      const inputs = { inputIds: fromTypedArray(Int32Array.from({ length: batch * length }, () => generator.integer(vocabSize)), [batch, length]), attentionMask: fromTypedArray(bits, shape) };
      const states = ({ lastHiddenState, logits }: Record<string, unknown>): Tensor => (lastHiddenState ?? logits) as Tensor;
      const [fused, weighed] = noGrad(() => [model.forward(inputs), model.forward({ ...inputs, outputAttentions: true })]);
      expectClose(states(fused), states(weighed), { atol: 1e-5, rtol: 1e-5 });
      // A query that may see nothing sees all keys equally.
      const hidden = inputs.attentionMask.eq(0).cast('float32');
      for (const weights of weighed.attentions as readonly Tensor[]) expect(weights.mul(weights.sub(1 / length).abs().gt(1e-6).cast('float32')).mul(hidden).max().item()).toBe(0);
    }), { numRuns: runs(1 / 5) });
  });
});
