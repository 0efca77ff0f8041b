import { blobSource, CheckpointError, memorySource, openSafetensors, type ByteSource, type TensorReader } from '@strided/tensor';
import { openFile } from '@strided/tensor/files';
import { leastParameters, type EncoderConfig } from '../config.ts';
import { openRequired, type FileContent, type ModelFiles } from '../modelFiles/modelFiles.ts';

const single = 'model.safetensors';
const index = 'model.safetensors.index.json';

async function sourceOf(content: FileContent, label: string): Promise<ByteSource> {
  if (typeof content === 'string') return openFile(content);
  return content instanceof Blob ? blobSource(content, label) : memorySource(content, label);
}

/** The weights of a model, in one file or in several with an index. The caller closes them. */
export async function openWeights(files: ModelFiles): Promise<TensorReader> {
  const label = (name: string): string => `${files.name}/${name}`;
  const whole = await files.open(single);
  if (whole !== null) return openSafetensors(await sourceOf(whole, label(single)), { listUnknown: true });
  const parts = await files.open(index);
  if (parts === null) throw new CheckpointError(`${files.name}: has no ${single}; files of other formats (pytorch_model.bin, tf_model.h5) are saved as safetensors in Python by model.save_pretrained(folder)`);
  const resolve = async (name: string): Promise<ByteSource> => sourceOf(await openRequired(files, name), label(name));
  return openSafetensors(await sourceOf(parts, label(index)), { listUnknown: true, resolve });
}

/**
 * Refuses a config.json that describes a model far larger than its file, before anything is allocated; `head`: how many
 * numbers a head has. Where missing weights are drawn, a file may lack cross-attention and heads.
 */
export function checkSizeOfFile(reader: TensorReader, config: EncoderConfig, file: string, { head = 0, initializeMissing = false } = {}): void {
  const held = reader.names.reduce((sum, name) => sum + reader.info(name).shape.reduce((product, length) => product * length, 1), 0);
  const least = initializeMissing ? leastParameters({ ...config, crossAttention: false }) : leastParameters(config) + head;
  if (least > held) {
    const problem = `${file}: describes a model of at least ${least.toLocaleString('en')} parameters, but ${reader.name} holds ${held.toLocaleString('en')} numbers`;
    throw new CheckpointError(`${problem}: the checkpoint does not fit its config.json (tensors are missing or mis-shaped)`);
  }
}
