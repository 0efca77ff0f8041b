import { FormatError } from '@strided/tensor';
import { BertModel } from '../../families/bert.ts';
import type { ModelFiles } from '../../modelFiles/modelFiles.ts';
import type { PretrainedModel } from '../../models/pretrained.ts';
import { readObject } from './modules.ts';
import type { SentenceEncoder } from './transformer.ts';

/** The families that sentence models are read in, by the model_type of config.json. */
const FAMILIES = new Map([BertModel].map((model) => [model.family.modelType, model]));

/** The encoder of a sentence model. Its pooler, which many of their files lack, is not used. */
export async function loadEncoder(files: ModelFiles): Promise<SentenceEncoder & PretrainedModel> {
  const { model_type: type } = await readObject(files, 'config.json');
  const model = FAMILIES.get(String(type));
  if (model === undefined) throw new FormatError(`${files.name}/config.json: sentence models of model_type ${JSON.stringify(type)} are not supported; ${[...FAMILIES.keys()].join(', ')} is`);
  return model.fromPretrained(files, { initializeMissing: true });
}
