import { Linear, Module } from '@strided/nn';
import { CheckpointError, FormatError, gelu, loadSafetensors, relu, sigmoid, silu, tanh, type Tensor } from '@strided/tensor';
import { readJson, readJsonIfAny, type ModelFiles } from '../../modelFiles/modelFiles.ts';
import { Pooling } from './pooling.ts';

/** What follows the encoder and the pooling: [B, in] → [B, out]. */
export abstract class EmbeddingModule extends Module {
  abstract forward(x: Tensor): Tensor;
}

/** x / max(‖x‖₂, 10⁻¹²) along the last axis. */
export class Normalize extends EmbeddingModule {
  forward(x: Tensor): Tensor {
    return normalize(x);
  }
}

export function normalize(x: Tensor): Tensor {
  return x.div(x.norm(-1, { keepDims: true }).clamp({ min: 1e-12 }));
}

/** By the last component of the names that torch gives them. */
const ACTIVATIONS: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  Identity: (x) => x, Tanh: tanh, ReLU: relu, Sigmoid: sigmoid, SiLU: silu, GELU: (x) => gelu(x),
};

/** f(x·Wᵀ + b), and with a residual the input (or a projection of it) added. */
export class Dense extends EmbeddingModule {
  readonly linear: Linear;
  readonly residual: Linear | null;
  readonly #activation: (x: Tensor) => Tensor;
  readonly #addsInput: boolean;

  constructor(config: Readonly<Record<string, unknown>>, file: string) {
    super();
    const width = (field: string): number => {
      const value = config[field];
      if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > 1e6) throw new FormatError(`${file}: ${field} must be a whole number from 1 to 1000000, not ${JSON.stringify(value)}`);
      return value;
    };
    refuseOtherInputs(config, file);
    const name = typeof config['activation_function'] === 'string' ? config['activation_function'] : 'torch.nn.Tanh';
    const activation = lastPart(name);
    if (!name.startsWith('torch.') || !Object.hasOwn(ACTIVATIONS, activation)) {
      throw new FormatError(`${file}: activation_function ${JSON.stringify(config['activation_function'])} is not supported; known are ${Object.keys(ACTIVATIONS).join(', ')} of torch.nn`);
    }
    const [inFeatures, outFeatures] = [width('in_features'), width('out_features')];
    this.linear = new Linear(inFeatures, outFeatures, { bias: config['bias'] !== false });
    this.#addsInput = config['use_residual'] === true;
    this.residual = this.#addsInput && inFeatures !== outFeatures ? new Linear(inFeatures, outFeatures, { bias: false }) : null;
    this.#activation = ACTIVATIONS[activation];
  }

  forward(x: Tensor): Tensor {
    const y = this.#activation(this.linear.forward(x));
    return this.#addsInput ? y.add(this.residual?.forward(x) ?? x) : y;
  }
}

/** One entry of modules.json. */
export interface ModuleEntry {
  /** The last component of its type: Transformer, Pooling, … */
  readonly kind: string;
  readonly path: string;
}

/** modules.json, or without one what sentence-transformers takes: the folder's model and the mean. */
export async function readModuleEntries(files: ModelFiles): Promise<readonly ModuleEntry[] | null> {
  const list = await readJsonIfAny(files, 'modules.json');
  if (list === null) return null;
  const file = `${files.name}/modules.json`;
  if (!Array.isArray(list) || list.length === 0) throw new FormatError(`${file}: must be a list of modules`);
  return list.map((entry: unknown, i) => {
    const { type, path } = (entry ?? {}) as { readonly type?: unknown; readonly path?: unknown };
    if (typeof type !== 'string' || typeof path !== 'string') throw new FormatError(`${file}: module ${i} must have a type and a path`);
    return { kind: lastPart(type), path };
  });
}

/** The modules after the encoder. */
export async function readEmbeddingModules(files: ModelFiles, entries: readonly ModuleEntry[]): Promise<{ readonly pooling: Pooling; readonly rest: readonly EmbeddingModule[] }> {
  const file = `${files.name}/modules.json`;
  const [pooled, ...rest] = entries;
  if (pooled?.kind !== 'Pooling') throw new FormatError(`${file}: after Transformer there must be Pooling, not ${pooled?.kind ?? 'nothing'}`);
  const at = `${pooled.path}/config.json`;
  const pooling = Pooling.fromJson(await readObject(files, at), `${files.name}/${at}`);
  return { pooling, rest: await Promise.all(rest.map((entry) => readModule(files, entry))) };
}

async function readModule(files: ModelFiles, { kind, path }: ModuleEntry): Promise<EmbeddingModule> {
  const file = `${path}/config.json`;
  const label = `${files.name}/${file}`;
  if (kind === 'Normalize') {
    // Older folders have none.
    refuseOtherInputs(((await readJsonIfAny(files, file)) ?? {}) as Record<string, unknown>, label);
    return new Normalize();
  }
  if (kind !== 'Dense') throw new FormatError(`${files.name}/modules.json: the module ${kind} is not supported; known are Transformer, Pooling, Dense and Normalize`);
  const dense = new Dense(await readObject(files, file), label);
  const weights = `${path}/model.safetensors`;
  const content = await files.open(weights);
  if (content === null) throw new CheckpointError(`${files.name}: has no file ${weights} (pytorch_model.bin is not read); save it as safetensors in Python by model.save(folder)`);
  dense.loadStateDict(await loadSafetensors(content));
  return dense;
}

export async function readObject(files: ModelFiles, file: string): Promise<Readonly<Record<string, unknown>>> {
  const json = await readJson(files, file);
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new FormatError(`${files.name}/${file}: must be an object`);
  return json as Readonly<Record<string, unknown>>;
}

function refuseOtherInputs(config: Readonly<Record<string, unknown>>, file: string): void {
  for (const field of ['module_input_name', 'module_output_name']) {
    const name = config[field] ?? 'sentence_embedding';
    if (name !== 'sentence_embedding') throw new FormatError(`${file}: ${field} ${JSON.stringify(name)} is not supported, only sentence_embedding`);
  }
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}
