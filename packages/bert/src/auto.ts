import { ArgumentError, CheckpointError } from '@strided/tensor';
import { Fields } from './fields.ts';
import { openModelFiles, readJson, type FilesOptions, type ModelFiles, type ModelSource } from './modelFiles/modelFiles.ts';
import * as zoo from './models.ts';
import type { Family, HeadKind, ModelOptions } from './models/family.ts';
import { ModelConfig } from './models/modelConfig.ts';
import type { ForCausalLM } from './models/causalLm.ts';
import type {
  BaseModel, ForMaskedLM, ForMultipleChoice, ForNextSentencePrediction, ForPairPreTraining, ForQuestionAnswering, ForReplacedTokens,
  ForSequenceClassification, ForTokenClassification,
} from './models/models.ts';
import { PretrainedModel, type LoadModelOptions, type MakeOptions, type ModelClass } from './models/pretrained.ts';

/** A class of the zoo with its way to load. */
type Loadable<T extends PretrainedModel> = ModelClass<T> & Pick<typeof PretrainedModel, 'fromPretrained'>;

const isModelClass = (value: unknown): value is Loadable<PretrainedModel> => typeof value === 'function' && value.prototype instanceof PretrainedModel;

/** All classes by the `model_type` of their family and their head. */
const classes = new Map<string, Map<HeadKind, Loadable<PretrainedModel>>>();
for (const value of Object.values(zoo)) {
  if (!isModelClass(value)) continue;
  const { modelType } = value.family;
  classes.set(modelType, (classes.get(modelType) ?? new Map<HeadKind, Loadable<PretrainedModel>>()).set(value.head, value));
}

/** The families, by the `model_type` that their config.json has. */
export const families: ReadonlyMap<string, Family> = new Map([...classes].map(([type, heads]) => [type, [...heads.values()][0].family]));

async function familyOf(files: ModelFiles): Promise<{ readonly family: Family; readonly json: unknown; readonly file: string }> {
  const file = `${files.name}/config.json`;
  const json = await readJson(files, 'config.json');
  const type = new Fields(json, file).raw('model_type');
  const family = typeof type === 'string' ? families.get(type) : undefined;
  if (family === undefined) throw new CheckpointError(`${file}: model_type ${JSON.stringify(type ?? null)} is not supported; there are ${[...families.keys()].sort().join(', ')}`);
  return { family, json, file };
}

/** Reads a config.json of any family. */
export const AutoConfig = {
  /**
   * @throws CheckpointError naming the field that is wrong or not supported, or a `model_type` that no family has.
   * @example
   * (await AutoConfig.fromPretrained('models/bert-base-uncased')).encoder.hiddenSize; // 768
   */
  async fromPretrained(source: ModelSource, options: FilesOptions & { readonly config?: ModelOptions } = {}): Promise<ModelConfig> {
    const { family, json, file } = await familyOf(await openModelFiles(source, options));
    return ModelConfig.fromJson(family, json, file, options.config);
  },
};

/** Loads a model with one head, of the family that config.json names. */
export interface AutoClass<T extends PretrainedModel> {
  /** As the `fromPretrained` of the class that is chosen. @throws CheckpointError for a family that has no such head. */
  fromPretrained(source: ModelSource, options?: LoadModelOptions): Promise<T>;
  /** A model with random weights. */
  fromConfig(config: ModelConfig, options?: MakeOptions): T;
}

function auto<T extends PretrainedModel>(name: string, head: HeadKind): AutoClass<T> {
  const choose = (family: Family, where: string): Loadable<T> => {
    const chosen = classes.get(family.modelType)?.get(head);
    if (chosen === undefined) {
      const able = [...classes].filter(([, heads]) => heads.has(head)).map(([type]) => type);
      throw new CheckpointError(`${where}: ${name} has no class for ${family.modelType}; it has ${able.sort().join(', ')}`);
    }
    return chosen as unknown as Loadable<T>;
  };
  return {
    async fromPretrained(source, options = {}) {
      const files = await openModelFiles(source, options);
      const { family, file } = await familyOf(files);
      return choose(family, file).fromPretrained(files, options) as Promise<T>;
    },
    fromConfig(config, options = {}) {
      if (!(config instanceof ModelConfig)) throw new ArgumentError(`${name}.fromConfig: give a ModelConfig, such as AutoConfig.fromPretrained gives`);
      return new (choose(config.family, config.fields.file))(config, options);
    },
  };
}

export const AutoModel: AutoClass<BaseModel> = auto('AutoModel', 'model');
export const AutoModelForMaskedLM: AutoClass<ForMaskedLM> = auto('AutoModelForMaskedLM', 'maskedLm');
export const AutoModelForCausalLM: AutoClass<ForCausalLM> = auto('AutoModelForCausalLM', 'causalLm');
export const AutoModelForPreTraining: AutoClass<ForPairPreTraining | ForReplacedTokens> = auto('AutoModelForPreTraining', 'pretraining');
export const AutoModelForNextSentencePrediction: AutoClass<ForNextSentencePrediction> = auto('AutoModelForNextSentencePrediction', 'nextSentence');
export const AutoModelForSequenceClassification: AutoClass<ForSequenceClassification> = auto('AutoModelForSequenceClassification', 'sequence');
export const AutoModelForMultipleChoice: AutoClass<ForMultipleChoice> = auto('AutoModelForMultipleChoice', 'choice');
export const AutoModelForTokenClassification: AutoClass<ForTokenClassification> = auto('AutoModelForTokenClassification', 'token');
export const AutoModelForQuestionAnswering: AutoClass<ForQuestionAnswering> = auto('AutoModelForQuestionAnswering', 'question');
