// In pages of the browser test, from the built packages: a small sentence model from everywhere a page can have one.
import { engineInfo, ready } from '@strided/tensor';
import { SentenceTransformer } from '@strided/bert';

const golden = new URL('/tests/golden/sentences/', location.href);
const names = ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json', 'modules.json', 'sentence_bert_config.json', '1_Pooling/config.json'];

/** The largest error of the model's embeddings, what computed them, and where else the model can come from. */
export async function run() {
  await ready();
  const { cases: [{ texts, embeddings }] } = await (await fetch(new URL('cases.json', golden))).json();
  const errorOf = async (source, options) => {
    const model = await SentenceTransformer.fromPretrained(source, { progress: false, ...options });
    const rows = model.encode(texts, { batchSize: 3 }).toArray();
    return Math.max(...rows.flatMap((row, i) => row.map((value, j) => Math.abs(value - embeddings[i][j]))));
  };
  const files = await Promise.all(names.map(async (name) => [name, await (await fetch(new URL(`model/${name}`, golden))).blob()]));
  const endpoint = location.origin;
  const errors = {
    url: await errorOf(new URL('model/', golden)),
    hub: await errorOf('strided/small', { endpoint }),
    // A second visit, without a network.
    kept: await errorOf('strided/small', { endpoint, offline: true }),
    memory: await errorOf(Object.fromEntries(files)),
  };
  return { errors, info: engineInfo() };
}
