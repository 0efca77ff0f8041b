import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadSafetensors, type Tensor } from '@strided/tensor';
import { onnxModel, type OnnxNode, type OnnxTensor } from './model.ts';

/** What of a BERT's config.json its graph needs. */
interface Config {
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly hidden_size: number;
  readonly layer_norm_eps: number;
}

const int64 = (...values: number[]): OnnxTensor => ({ values: BigInt64Array.from(values, BigInt), shape: [values.length] });
const scalar = (value: number): OnnxTensor => ({ values: Float32Array.of(value), shape: [] });

/**
 * BERT's encoder (Devlin et al., arXiv 1810.04805) from a checkpoint's folder, as exporters write it: in B, S and the names
 * of its inputs and output. For hosts without PyTorch.
 *
 * input_ids, attention_mask, token_type_ids   int64 [B, S]
 * last_hidden_state                           [B, S, hidden]
 */
export async function onnxBert(folder: string): Promise<Uint8Array> {
  const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as Config;
  const { num_hidden_layers: layers, num_attention_heads: heads, hidden_size: hidden, layer_norm_eps: epsilon } = config;
  const weights = await loadSafetensors(join(folder, 'model.safetensors'));
  const size = hidden / heads;
  const constants: Record<string, OnnxTensor> = {
    zero: int64(0), around: int64(1, 2), split: int64(0, 0, heads, size), join: int64(0, 0, hidden),
    one: scalar(1), lowest: scalar(-3.4028234663852886e38), scale: scalar(1 / Math.sqrt(size)),
  };
  const nodes: OnnxNode[] = [];
  const weight = (name: string, turned = false): string => {
    const tensor = weights.get(name);
    if (tensor === undefined) throw new Error(`${folder} has no ${name}`);
    const value: Tensor = turned ? tensor.transpose(0, 1).contiguous() : tensor;
    constants[name] = { values: value.toTypedArray() as Float32Array, shape: value.shape };
    return name;
  };
  const add = (op: string, inputs: readonly string[], attributes: OnnxNode['attributes'] = {}): string => {
    const output = `${op}_${nodes.length}`;
    nodes.push({ op, inputs, output, attributes });
    return output;
  };
  const norm = (x: string, name: string): string =>
    add('LayerNormalization', [x, weight(`${name}.LayerNorm.weight`), weight(`${name}.LayerNorm.bias`)], { axis: 2, epsilon: { float: epsilon } });
  const linear = (x: string, name: string): string => add('Add', [add('MatMul', [x, weight(`${name}.weight`, true)]), weight(`${name}.bias`)]);

  const length = add('Shape', ['input_ids'], { start: 1, end: 2 });
  const positions = add('Slice', [weight('embeddings.position_embeddings.weight'), 'zero', length]);
  const words = add('Gather', [weight('embeddings.word_embeddings.weight'), 'input_ids']);
  const types = add('Gather', [weight('embeddings.token_type_embeddings.weight'), 'token_type_ids']);
  let x = norm(add('Add', [add('Add', [words, types]), positions]), 'embeddings');
  const hides = add('Mul', [add('Sub', ['one', add('Cast', [add('Unsqueeze', ['attention_mask', 'around'])], { to: 1 })]), 'lowest']);
  for (let i = 0; i < layers; i++) {
    const at = `encoder.layer.${i}`;
    const part = (name: string, perm: readonly number[]): string => add('Transpose', [add('Reshape', [linear(x, `${at}.attention.self.${name}`), 'split'])], { perm });
    const [q, k, v] = [part('query', [0, 2, 1, 3]), part('key', [0, 2, 3, 1]), part('value', [0, 2, 1, 3])];
    const scores = add('Add', [add('Mul', [add('MatMul', [q, k]), 'scale']), hides]);
    const mixed = add('Transpose', [add('MatMul', [add('Softmax', [scores], { axis: 3 }), v])], { perm: [0, 2, 1, 3] });
    x = norm(add('Add', [linear(add('Reshape', [mixed, 'join']), `${at}.attention.output.dense`), x]), `${at}.attention.output`);
    const wide = add('Gelu', [linear(x, `${at}.intermediate.dense`)]);
    x = norm(add('Add', [linear(wide, `${at}.output.dense`), x]), `${at}.output`);
  }
  nodes.push({ op: 'Identity', inputs: [x], output: 'last_hidden_state' });
  const tokens = { dtype: 'int64', shape: ['batch', 'sequence'] } as const;
  return onnxModel({
    nodes, constants, inputs: { input_ids: tokens, attention_mask: tokens, token_type_ids: tokens }, outputs: { last_hidden_state: ['batch', 'sequence', hidden] },
  });
}
