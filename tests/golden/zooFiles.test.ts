import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AutoConfig, AutoModel, AutoModelForMaskedLM, AutoModelForPreTraining, AutoModelForQuestionAnswering, BertForMaskedLM, BertForSequenceClassification, BertForTokenClassification,
  BertModel, DebertaV2Model, ElectraForPreTraining, ErnieModel, ModernBertModel, NomicBertForMaskedLM, NomicBertModel, RobertaModel, RoFormerModel, XLMRobertaForMaskedLM, type PretrainedModel,
} from '@strided/bert';
import { CheckpointError, encodeSafetensors, loadSafetensors, saveSafetensors, tensor, zeros, type Tensor } from '@strided/tensor';
import { expectClose } from '@strided/tensor/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** How checkpoints come and go: names, missing and stray tensors, ties, shards, half precision. */

const cases = join(import.meta.dirname, 'cases');
const at = (name: string): string => join(cases, name);

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strided-zoo-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** A folder with the config of a case and other weights. */
async function withWeights(name: string, change: (weights: Map<string, Tensor>) => Iterable<readonly [string, Tensor]>, options: { readonly storeAs?: 'float16' | 'bfloat16'; readonly config?: Record<string, unknown> } = {}): Promise<string> {
  const weights = await loadSafetensors(join(at(name), 'model.safetensors'));
  const config = JSON.parse(await readFile(join(at(name), 'config.json'), 'utf8')) as Record<string, unknown>;
  await writeFile(join(folder, 'config.json'), JSON.stringify({ ...config, ...options.config }));
  await saveSafetensors(join(folder, 'model.safetensors'), new Map(change(weights)), options.storeAs === undefined ? {} : { storeAs: options.storeAs });
  return folder;
}

const inputIds = tensor([[5, 6, 7, 8], [9, 10, 11, 0]], { dtype: 'int32' });
const attentionMask = tensor([[1, 1, 1, 1], [1, 1, 1, 0]], { dtype: 'int32' });
const inputs = { inputIds, attentionMask };
const hiddenOf = (model: BertModel): Tensor => model.forward(inputs).lastHiddenState;

async function message(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(() => null, (reason: unknown) => reason);
  expect(error).toBeInstanceOf(CheckpointError);
  return (error as Error).message;
}

describe('loading', () => {
  it('takes the body with or without its prefix, and leaves out heads of the family', async () => {
    const whole = await BertForMaskedLM.fromPretrained(at('bert.ForMaskedLM'));
    const body = await BertModel.fromPretrained(at('bert.ForMaskedLM'), { addPoolingLayer: false });
    expect(body.pooler).toBeNull();
    expect(body.loading?.unused).toContain('cls.predictions.bias');
    // The model computes real tokens alone and puts 0 at padding; the bare encoder computes padding too.
    expectClose(hiddenOf(body), whole.encoder.forward(inputs).lastHiddenState.mul(attentionMask.unsqueeze(-1)));
    const stripped = await withWeights('bert.ForMaskedLM', (weights) => [...weights].map(([key, value]) => [key.replace(/^bert\./, ''), value] as const));
    const again = await BertForMaskedLM.fromPretrained(stripped);
    expectClose(again.forward(inputs).logits, whole.forward(inputs).logits, { atol: 0 });
  });

  it('lists all that is missing, unexpected and mis-shaped in one error, and asks for a pooler too', async () => {
    const broken = await withWeights('bert.Model', (weights) => {
      weights.delete('encoder.layer.1.output.dense.bias');
      weights.set('encoder.layer.7.output.dense.bias', zeros([16]));
      weights.set('embeddings.LayerNorm.bias', zeros([17]));
      return weights;
    });
    const text = await message(BertModel.fromPretrained(broken));
    expect(text).toContain(`${join(broken, 'model.safetensors')}: the checkpoint does not fit its config.json`);
    expect(text).toContain('missing: encoder.layer.1.output.dense.bias |');
    expect(text).toContain('unexpected: encoder.layer.7.output.dense.bias |');
    expect(text).toContain('mis-shaped: embeddings.LayerNorm.bias is [17] but must be [16]');
    expect(await message(BertModel.fromPretrained(at('bert.ForMaskedLM')))).toContain('missing: pooler.dense.weight, pooler.dense.bias');
  });

  it('draws a head that the checkpoint lacks when asked to, and names it', async () => {
    expect(await message(BertForSequenceClassification.fromPretrained(at('bert.ForMaskedLM')))).toContain('missing: bert.pooler.dense.weight, bert.pooler.dense.bias, classifier.weight, classifier.bias');
    const model = await BertForSequenceClassification.fromPretrained(at('bert.ForMaskedLM'), { initializeMissing: true, config: { numLabels: 5 } });
    expect([...model.loading?.initialized ?? []].sort()).toEqual(['bert.pooler.dense.bias', 'bert.pooler.dense.weight', 'classifier.bias', 'classifier.weight']);
    expect(model.forward(inputs).logits.shape).toEqual([2, 5]);
    const parameters = new Map(model.parametersByKey());
    expect(parameters.get('classifier.weight')?.std().item()).toBeGreaterThan(0.005);
    expect(parameters.get('classifier.bias')?.toArray()).toEqual([0, 0, 0, 0, 0]);
    expectClose(parameters.get('bert.embeddings.word_embeddings.weight') as Tensor, (await loadSafetensors(join(at('bert.ForMaskedLM'), 'model.safetensors'))).get('bert.embeddings.word_embeddings.weight') as Tensor, { atol: 0 });
    const missing = await withWeights('bert.ForMaskedLM', (weights) => [...weights].filter(([key]) => !key.includes('layer.0.attention.self.query')));
    expect(await message(BertForSequenceClassification.fromPretrained(missing, { initializeMissing: true }))).toContain('missing: bert.encoder.layer.0.attention.self.query.weight');
  });

  it('reads legacy names, stray buffers and tied decoders', async () => {
    const expected = (await BertForMaskedLM.fromPretrained(at('bert.ForMaskedLM'))).forward(inputs).logits;
    const old = await withWeights('bert.ForMaskedLM', (weights) => {
      const renamed = [...weights].map(([key, value]) => [key.replace(/LayerNorm\.weight$/, 'LayerNorm.gamma').replace(/LayerNorm\.bias$/, 'LayerNorm.beta'), value] as const);
      return [
        ...renamed,
        ['bert.embeddings.position_ids', tensor([[0, 1, 2]], { dtype: 'int32' })],
        ['cls.predictions.decoder.weight', weights.get('bert.embeddings.word_embeddings.weight') as Tensor],
        ['cls.predictions.decoder.bias', weights.get('cls.predictions.bias') as Tensor],
      ];
    });
    expectClose((await BertForMaskedLM.fromPretrained(old)).forward(inputs).logits, expected, { atol: 0 });
    const other = await withWeights('bert.ForMaskedLM', (weights) => weights.set('cls.predictions.decoder.weight', zeros([41, 16])));
    expect(await message(BertForMaskedLM.fromPretrained(other))).toContain('cls.predictions.decoder.weight differs from bert.embeddings.word_embeddings.weight, to which config.json ties it');
  });

  it('finds a tied embedding that is saved under the decoder alone', async () => {
    const expected = (await XLMRobertaForMaskedLM.fromPretrained(at('xlm-roberta.ForMaskedLM'))).forward({ inputIds }).logits;
    const renamed = await withWeights('xlm-roberta.ForMaskedLM', (weights) => [...weights].map(([key, value]) => [key.replace('roberta.embeddings.word_embeddings', 'lm_head.decoder'), value] as const));
    expectClose((await XLMRobertaForMaskedLM.fromPretrained(renamed)).forward({ inputIds }).logits, expected, { atol: 0 });
  });

  it.each([['float16', 2 ** -11], ['bfloat16', 2 ** -8]] as const)('reads and writes %s', async (storeAs, rounding) => {
    const model = await BertModel.fromPretrained(at('bert.Model'));
    await model.savePretrained(folder, { storeAs });
    expect(JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'))).toMatchObject({ dtype: storeAs, architectures: ['BertModel'], model_type: 'bert' });
    const halved = await BertModel.fromPretrained(folder);
    const [before, after] = [model, halved].map((each) => [...each.parameters()]);
    after.forEach((parameter, i) => {
      expect(parameter.dtype).toBe('float32');
      expectClose(parameter, before[i], { rtol: rounding, atol: 1e-7 });
    });
  });

  it('reads and writes shards', async () => {
    const model = await BertModel.fromPretrained(at('bert.Model'));
    await model.savePretrained(folder, { maxShardSize: 4000 });
    expect(JSON.parse(await readFile(join(folder, 'model.safetensors.index.json'), 'utf8'))).toHaveProperty('weight_map');
    expectClose(hiddenOf(await BertModel.fromPretrained(folder)), hiddenOf(model), { atol: 0 });
  });

  it('takes files in memory', async () => {
    const read = async (name: string): Promise<Uint8Array> => readFile(join(at('bert.Model'), name));
    const files = { 'config.json': new Blob([new Uint8Array(await read('config.json'))]), 'model.safetensors': new Uint8Array(await read('model.safetensors')) };
    expectClose(hiddenOf(await BertModel.fromPretrained(files)), hiddenOf(await BertModel.fromPretrained(at('bert.Model'))), { atol: 0 });
  });

  it('refuses a config that describes far more than the file holds, before it allocates', async () => {
    const huge = await withWeights('bert.Model', (weights) => weights, { config: { hidden_size: 4096, num_hidden_layers: 24, intermediate_size: 16384, num_attention_heads: 32 } });
    expect(await message(BertModel.fromPretrained(huge))).toMatch(/describes a model of at least [\d,]+ parameters, but .*model.safetensors holds [\d,]+ numbers/);
    const larger: readonly (readonly [string, Record<string, unknown>, { fromPretrained(source: string): Promise<PretrainedModel> }])[] = [
      ['roformer.Model', { max_position_embeddings: 2 ** 20 }, RoFormerModel],
      ['deberta-v2.Model', { position_buckets: 2 ** 20 }, DebertaV2Model],
      ['deberta-v2.ForQuestionAnswering.conv', { conv_kernel_size: 255 }, DebertaV2Model],
      ['ernie.Model.tasks', { task_type_vocab_size: 2 ** 16 }, ErnieModel],
      ['bert.ForTokenClassification', { num_labels: 2 ** 20 }, BertForTokenClassification],
    ];
    for (const [name, config, model] of larger) {
      const large = await withWeights(name, (weights) => weights, { config });
      expect(await message(model.fromPretrained(large)), name).toMatch(/describes a model of at least [\d,]+ parameters, but .*model.safetensors holds [\d,]+ numbers/);
    }
    const absurd = { 'config.json': new TextEncoder().encode(JSON.stringify({ model_type: 'bert', vocab_size: 2 ** 24, hidden_size: 65536, num_attention_heads: 8 })), 'model.safetensors': encodeSafetensors({}) };
    expect(await message(BertModel.fromPretrained(absurd))).toContain('models of more than 8e+9 are refused');
  });

  it('names the family of a config that is another\'s', async () => {
    expect(await message(RobertaModel.fromPretrained(at('bert.Model')))).toContain('model_type is "bert", not roberta; use the classes of that family, or AutoModel');
    expect(await message(BertForMaskedLM.fromPretrained({ 'config.json': new TextEncoder().encode('{}') }))).toContain('has no model.safetensors');
  });
});

describe('parametersByKey', () => {
  it('has a tied parameter under each of its names, and counts it once', async () => {
    const model = await BertForMaskedLM.fromPretrained(at('bert.ForMaskedLM'));
    const parameters = new Map(model.parametersByKey());
    expect(parameters.get('cls.predictions.decoder.weight')).toBe(parameters.get('bert.embeddings.word_embeddings.weight'));
    expect(parameters.get('cls.predictions.decoder.bias')).toBe(parameters.get('cls.predictions.bias'));
    expect(model.parameterCount()).toBe([...new Set(parameters.values())].reduce((sum, { size }) => sum + size, 0));
  });

  it('has what NomicBERT\'s file joins under both names', async () => {
    const model = await NomicBertForMaskedLM.fromPretrained(at('nomic_bert.ForMaskedLM'));
    model.forward({ ...inputs, labels: inputIds }).loss?.backward();
    const gradients = model.gradientsByKey();
    const [q, k, v] = ['q', 'k', 'v'].map((name) => gradients.get(`nomic_bert.layers.0.self_attn.${name}_proj.weight`)?.toArray() as number[][]);
    expect(gradients.get('nomic_bert.encoder.layers.0.attn.Wqkv.weight')?.toArray()).toEqual([...q, ...k, ...v]);
  });
});

describe('savePretrained', () => {
  const every: readonly (readonly [string, { fromPretrained(source: string): Promise<PretrainedModel> }])[] = [
    ['bert.ForMaskedLM', BertForMaskedLM], ['bert.ForTokenClassification', BertForTokenClassification], ['nomic_bert.Model', NomicBertModel], ['modernbert.Model', ModernBertModel],
    ['electra.ForPreTraining', ElectraForPreTraining], ['xlm-roberta.ForMaskedLM', XLMRobertaForMaskedLM],
  ];
  it.each(every)('%s writes the names, shapes and values of transformers', async (name, model) => {
    await (await model.fromPretrained(at(name))).savePretrained(folder);
    const [saved, original] = await Promise.all([folder, at(name)].map((place) => loadSafetensors(join(place, 'model.safetensors'))));
    expect([...saved.keys()].sort()).toEqual([...original.keys()].sort());
    for (const [key, values] of saved) expect(values.toTypedArray(), key).toEqual(original.get(key)?.toTypedArray());
    const [own, theirs] = await Promise.all([folder, at(name)].map(async (place) => JSON.parse(await readFile(join(place, 'config.json'), 'utf8')) as Record<string, unknown>));
    for (const [field, value] of Object.entries(theirs)) if (field !== 'architectures') expect(own[field], field).toEqual(value);
  });
});

describe('AutoModel', () => {
  it('chooses the class by config.json', async () => {
    expect((await AutoModel.fromPretrained(at('mpnet.Model'))).constructor.name).toBe('MPNetModel');
    expect((await AutoModelForMaskedLM.fromPretrained(at('deberta-v2.ForMaskedLM'))).constructor.name).toBe('DebertaV2ForMaskedLM');
    expect((await AutoModelForPreTraining.fromPretrained(at('electra.ForPreTraining'))).constructor.name).toBe('ElectraForPreTraining');
    const config = await AutoConfig.fromPretrained(at('albert.Model'), { config: { numLabels: 7 } });
    expect([config.modelType, config.encoder.embeddingSize, config.heads.numLabels]).toEqual(['albert', 8, 7]);
    expect(AutoModelForMaskedLM.fromConfig(config).constructor.name).toBe('AlbertForMaskedLM');
  });

  it('names what it does not have', async () => {
    expect(await message(AutoModelForQuestionAnswering.fromPretrained(at('eurobert.Model')))).toMatch(/AutoModelForQuestionAnswering has no class for eurobert; it has albert, bert,/);
    expect(await message(AutoModel.fromPretrained({ 'config.json': new TextEncoder().encode('{"model_type":"gpt2"}') }))).toContain('model_type "gpt2" is not supported; there are albert, bert,');
  });
});
