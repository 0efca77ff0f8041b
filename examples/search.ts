import { parseArgs } from 'node:util';
import { SentenceTransformer } from '@strided/bert';
import { stateOfTheUnion } from './stateOfTheUnion.ts';

/*
 * Searches State of the Union passages by meaning:
 *   node --conditions=strided-source examples/search.ts [--model folder-or-hub-id] [--last addresses] [question …]
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: 'sentence-transformers/all-MiniLM-L6-v2' },
    last: { type: 'string', default: '4' },
  },
});
const questions = positionals.length > 0 ? positionals : ['How do we bring down the price of medicine?', 'threats from abroad', 'children and their schools'];

const model = await SentenceTransformer.fromPretrained(values.model);

const passages = (await stateOfTheUnion()).slice(-Number(values.last)).flatMap(({ name, sentences }) =>
  Array.from({ length: Math.ceil(sentences.length / 5) }, (_, i) => ({ name, text: sentences.slice(5 * i, 5 * i + 5).join(' ') })),
);
const started = performance.now();
const embeddings = model.encode(passages.map(({ text }) => text), { normalize: true }); // [passages, 384]
console.log(`${passages.length} passages in ${((performance.now() - started) / 1000).toFixed(1)} s`);

for (const question of questions) {
  // Of unit vectors the product is the cosine.
  const { values: scores, indices } = embeddings.matmul(model.encode(question, { normalize: true })).topK(3);
  console.log(`\n${question}`);
  (indices.toArray() as number[]).forEach((index, rank) => {
    const { name, text } = passages[index];
    console.log(`  ${(scores.toArray() as number[])[rank].toFixed(3)}  ${name}: ${text.slice(0, 160)}…`);
  });
}
