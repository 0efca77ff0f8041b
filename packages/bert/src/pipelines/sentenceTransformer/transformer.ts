import { FormatError, type Tensor } from '@strided/tensor';
import type { Module } from '@strided/nn';
import { AutoConfig } from '../../auto.ts';
import { longestText } from '../../config.ts';
import { filesWithin, readJsonIfAny, type ModelFiles } from '../../modelFiles/modelFiles.ts';
import type { ModelConfig } from '../../models/modelConfig.ts';
import { AutoTokenizer } from '../../tokenizer/autoTokenizer.ts';
import type { BertTokenizer } from '../../tokenizer/bertTokenizer.ts';
import { readPretrainedTokenizer, type PretrainedTokenizerFiles } from '../../tokenizer/pretrained.ts';

/** Any encoder of the zoo. */
export interface SentenceEncoder extends Module {
  forward(inputs: { readonly inputIds: Tensor; readonly attentionMask: Tensor }): { readonly lastHiddenState: Tensor };
}

/** What sentence-transformers has called the file, by the kind of encoder. */
const CONFIGS = ['bert', 'roberta', 'distilbert', 'camembert', 'albert', 'xlm-roberta', 'xlnet'].map((kind) => `sentence_${kind}_config.json`);

/** The tokenizer of a sentence model and the length that it cuts at. */
export async function readTransformer(root: ModelFiles, path: string): Promise<{ readonly tokenizer: BertTokenizer; readonly maxLength: number; readonly files: ModelFiles }> {
  const files = filesWithin(root, path);
  const { config, file } = await readSentenceConfig(files);
  const task = config['transformer_task'] ?? 'feature-extraction';
  if (task !== 'feature-extraction') throw new FormatError(`${file}: transformer_task ${JSON.stringify(task)} is not supported, only feature-extraction`);
  const given = await readPretrainedTokenizer(files);
  const tokenizer = AutoTokenizer.fromFiles(config['do_lower_case'] === true ? lowerCased(given) : given);
  const said = config['max_seq_length'] ?? null;
  if (said !== null && (typeof said !== 'number' || !Number.isInteger(said) || said < 1)) throw new FormatError(`${file}: max_seq_length must be a whole number from 1, not ${JSON.stringify(said)}`);
  const longest = positionsOf(await AutoConfig.fromPretrained(files));
  return { tokenizer, maxLength: Math.min(said ?? tokenizer.modelMaxLength, longest), files };
}

async function readSentenceConfig(files: ModelFiles): Promise<{ readonly config: Readonly<Record<string, unknown>>; readonly file: string }> {
  for (const name of CONFIGS) {
    const config = await readJsonIfAny(files, name);
    const file = `${files.name}/${name}`;
    if (config === null) continue;
    if (typeof config !== 'object' || Array.isArray(config)) throw new FormatError(`${file}: must be an object`);
    return { config: config as Readonly<Record<string, unknown>>, file };
  }
  return { config: {}, file: `${files.name}/${CONFIGS[0]}` };
}

/** The longest text that the encoder has positions for; rotary ones have no end, but config.json has. */
function positionsOf({ encoder, fields }: ModelConfig): number {
  const said = fields.resolved.get('max_position_embeddings');
  return Math.min(longestText(encoder), typeof said === 'number' ? said : Infinity);
}

/** Lower case before all else, which (other than the normaliser's own) leaves accents as they were. */
function lowerCased(files: PretrainedTokenizerFiles): PretrainedTokenizerFiles {
  const config = (files['tokenizer_config.json'] ?? {}) as Readonly<Record<string, unknown>>;
  const { normalizer } = (files['tokenizer.json'] ?? {}) as { readonly normalizer?: { readonly lowercase?: boolean; readonly strip_accents?: boolean | null } | null };
  if ((config['do_lower_case'] ?? normalizer?.lowercase ?? true) === true) return files;
  const strip = config['strip_accents'] ?? normalizer?.strip_accents ?? false;
  return { ...files, 'tokenizer_config.json': { ...config, do_lower_case: true, strip_accents: strip } };
}
