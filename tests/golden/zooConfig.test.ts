import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as zoo from '@strided/bert';
import { ArgumentError, CheckpointError, loadSafetensors, manualSeed, Tensor } from '@strided/tensor';
import { describe, expect, it } from 'vitest';

/**
 * No field of config.json is read in vain: each one that a family asks for, given another value, must be refused, or the
 * model must have other parameters, start otherwise, or compute something else (values or gradients, in training, with all
 * dropouts on).
 */

type Json = Record<string, unknown>;
type Model = zoo.PretrainedModel & { forward(inputs: Json): Json };
const classes = zoo as unknown as Record<string, zoo.ModelClass<Model>>;

const cases = join(import.meta.dirname, 'cases');
const camel = (name: string): string => name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Fields that are checked, but change no number by themselves. */
const quiet = new Set(['label2id', 'output_hidden_states', 'output_attentions', 'sparse_pred_ignore_index', 'use_cache', 'bos_token_id', 'eos_token_id']);
/** Rotary positions have no end: what the config says of the longest text changes nothing. */
const endless = new Set(['modernbert', 'nomic_bert', 'eurobert']);

const dropouts = { hidden_dropout_prob: 0.3, attention_probs_dropout_prob: 0.2, dropout: 0.3, attention_dropout: 0.2, embedding_dropout: 0.1, mlp_dropout: 0.25 };

/** Other values for a field; the first that makes a difference is enough. */
function others(name: string, value: unknown): unknown[] {
  const words: Readonly<Record<string, readonly unknown[]>> = {
    problem_type: ['multi_label_classification'], classifier_pooling: ['mean'], summary_type: ['mean'], norm_rel_ebd: ['none'], pos_att_type: [['c2p']], position_embedding_type: ['relative_key'],
    layer_types: [['full_attention', 'full_attention', 'full_attention', 'full_attention']], rope_parameters: [{ rope_type: 'default', rope_theta: 50 }, { full_attention: { rope_theta: 50 }, sliding_attention: { rope_theta: 7 } }],
    id2label: [{ 0: 'a', 1: 'b', 2: 'c', 3: 'd', 4: 'e' }], global_rope_theta: [50], local_rope_theta: [50], rope_theta: [50], rope_scaling: [{ rope_type: 'yarn', factor: 2 }],
    quantization_config: [{ bits: 4 }], pruned_heads: [{ 0: [1] }], conv_kernel_size: [3],
  };
  if (name in words) return [...words[name]];
  if (typeof value === 'boolean') return [!value];
  if (/act$|activation$/.test(name)) return ['quick_gelu'];
  if (/dropout/.test(name)) return [0.45];
  if (/(eps|epsilon)$/.test(name)) return [0.3];
  if (typeof value === 'number') return Number.isInteger(value) ? [value + 1, value * 2] : [value * 3];
  return [true, 1, 0.45, 'quick_gelu'];
}

interface Trace {
  readonly shapes: string;
  readonly values: readonly number[];
}

/** What a config makes of the weights of a case; without them, of random ones. */
async function traceOf(spec: { readonly model_class: string }, json: Json, name: string, random: boolean): Promise<Trace> {
  const model = classes[spec.model_class];
  manualSeed(7);
  let made: Model;
  if (random) {
    const { family } = model;
    made = new model(zoo.ModelConfig.fromJson(family, json, 'config.json'));
    return { shapes: [...made.parametersByKey()].map(([key, { shape }]) => `${key} ${shape.join()}`).join(), values: [...made.parameters()].flatMap((each) => [...each.toTypedArray()]) };
  }
  const files = { 'config.json': new TextEncoder().encode(JSON.stringify(json)), 'model.safetensors': new Uint8Array(readFileSync(join(cases, name, 'model.safetensors'))) };
  made = (await (model as unknown as { fromPretrained(source: unknown): Promise<Model> }).fromPretrained(files)).train();
  const tensors = await loadSafetensors(join(cases, name, 'case.safetensors'));
  const inputs = Object.fromEntries([...tensors].filter(([key]) => key.startsWith('in.')).map(([key, tensor]) => [camel(key.slice(3)), tensor]));
  manualSeed(11);
  const output = made.forward(inputs);
  const loss = output['loss'];
  if (loss instanceof Tensor) loss.backward();
  const seen = Object.values(output).filter((value) => value instanceof Tensor);
  return { shapes: [...made.parametersByKey()].map(([key, { shape }]) => `${key} ${shape.join()}`).join(), values: [...seen, ...made.gradientsByKey().values()].flatMap((tensor) => [...tensor.toTypedArray()]) };
}

const same = (a: Trace, b: Trace): boolean => a.shapes === b.shapes && a.values.length === b.values.length && a.values.every((value, i) => Object.is(value, b.values[i]));

/** For each family a few heads, which together have all its fields; two families are RoBERTa under another name. */
const names: Readonly<Record<string, string>> = { 'xlm-roberta': 'XLMRoberta', camembert: 'Camembert' };
const subjects = ['albert', 'bert', 'deberta-v2', 'distilbert', 'electra', 'ernie', 'eurobert', 'megatron-bert', 'modernbert', 'mpnet', 'nomic_bert', 'roberta', 'roberta-prelayernorm', 'roformer', 'xlm-roberta', 'camembert'];
const heads = ['Model', 'Model.tasks', 'ForMaskedLM', 'ForSequenceClassification', 'ForQuestionAnswering', 'ForMultipleChoice'];

describe.each(subjects)('%s', (family) => {
  it('asks for no field in vain', async () => {
    const vain = new Map<string, string>();
    const effective = new Set<string>();
    for (const head of heads) {
      const name = `${family in names ? 'roberta' : family}.${head}`;
      if (!existsSync(join(cases, name))) continue;
      const spec = JSON.parse(readFileSync(join(cases, name, 'case.json'), 'utf8')) as { model_class: string };
      const given = JSON.parse(readFileSync(join(cases, name, 'config.json'), 'utf8')) as Json;
      if (family in names) {
        spec.model_class = spec.model_class.replace('Roberta', names[family]);
        given['model_type'] = family;
      }
      const asked = zoo.ModelConfig.fromJson(classes[spec.model_class].family, given, 'config.json').fields;
      const json = { ...given, ...Object.fromEntries(Object.entries(dropouts).filter(([field]) => asked.asked.has(field))) };
      for (const random of [false, true]) {
        const before = await traceOf(spec, json, name, random);
        for (const field of asked.asked) {
          if (effective.has(field) || quiet.has(field) || (field === 'max_position_embeddings' && endless.has(family))) continue;
          const value = json[field] ?? asked.resolved.get(field);
          for (const other of others(field, value)) {
            let differs: boolean;
            try {
              differs = !same(before, await traceOf(spec, { ...json, [field]: other }, name, random));
            } catch (error) {
              expect(error instanceof CheckpointError || error instanceof ArgumentError || /^(embeddings|embedding|labels|crossEntropy|reshape)/.test((error as Error).message), `${field}: ${String(error)}`).toBe(true);
              differs = true;
            }
            if (differs) effective.add(field);
            else vain.set(field, JSON.stringify(other));
          }
        }
      }
    }
    expect([...vain].filter(([field]) => !effective.has(field))).toEqual([]);
    expect(effective.size).toBeGreaterThan(12);
  });
});
