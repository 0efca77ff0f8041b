/**
 * Which party? Trains a classifier on passages of the State of the Union addresses since 1857, with every fifth year held
 * out, and draws its curve.
 *   node examples/party.ts [folder]
 */
import { mkdir } from 'node:fs/promises';
import { stateOfTheUnion } from './stateOfTheUnion.ts';
import { AdamW, crossEntropy, DataLoader, Dropout, Embedding, Linear, linearSchedule, Module, padSequences, Trainer } from '@strided/nn';
import { curveReporter } from '@strided/nn/files';
import { terminalReporter } from '@strided/nn/terminal';
import { manualSeed, tensor, type Tensor } from '@strided/tensor';

interface Passage {
  readonly year: number;
  readonly party: number;
  readonly words: readonly string[];
}
const parties = ['d', 'r'];
const addresses = (await stateOfTheUnion()).map(({ name, sentences }) => ({ year: Number(name.slice(0, 4)), party: parties.indexOf(name.split('_').at(-1) ?? ''), sentences }));
const passages = addresses.filter(({ year, party }) => year >= 1857 && party >= 0).flatMap(({ year, party, sentences }): Passage[] =>
  Array.from({ length: Math.ceil(sentences.length / 5) }, (_, i) => ({ year, party, words: sentences.slice(5 * i, 5 * i + 5).join(' ').toLowerCase().match(/[a-z]+/g) ?? [] })));
const [train, held] = [passages.filter(({ year }) => year % 5 !== 0), passages.filter(({ year }) => year % 5 === 0)];

const counts = new Map<string, number>();
for (const word of train.flatMap(({ words }) => words)) counts.set(word, (counts.get(word) ?? 0) + 1);
const ids = new Map([...counts].filter(([, count]) => count >= 5).map(([word], i) => [word, i + 1]));

/** The mean of the words' vectors, then a line between the parties. */
class Classifier extends Module {
  readonly embedding = new Embedding(ids.size + 1, 32, { paddingIndex: 0 });
  readonly dropout = new Dropout(0.5);
  readonly output = new Linear(32, 2);

  forward(words: Tensor, padding: Tensor): Tensor {
    const length = padding.logicalNot().sum(1, { keepDims: true }).clamp({ min: 1 });
    return this.output.forward(this.dropout.forward(this.embedding.forward(words).sum(1).div(length)));
  }
}
const loaderOf = (examples: readonly Passage[]) => new DataLoader(examples, {
  batchSize: 32, lengthOf: ({ words }) => words.length,
  collate: (batch) => ({ ...padSequences(batch.map(({ words }) => words.flatMap((word) => ids.get(word) ?? []))), parties: tensor(batch.map(({ party }) => party), { dtype: 'int32' }) }),
});

manualSeed(0);
const model = new Classifier();
const [data, test] = [loaderOf(train), loaderOf(held)];
const correct = () => [...test.inOrder()].reduce((sum, batch) => sum + Number(model.forward(batch.ids, batch.padding).argmax(1).eq(batch.parties).sum().item()), 0);
const majority = Math.max(...parties.map((_, party) => held.filter((passage) => passage.party === party).length)) / held.length;
const folder = process.argv[2] ?? 'runs/party';
await mkdir(folder, { recursive: true });
const { evaluation } = await new Trainer({
  model, data, optimizer: new AdamW(model.parameters(), { lr: 0.01, weightDecay: 0.1 }), steps: 3 * data.length, schedule: linearSchedule(), clipNorm: 1,
  step: (batch) => ({ loss: crossEntropy(model.forward(batch.ids, batch.padding), batch.parties), tokens: batch.ids.size }),
  evaluate: () => ({ accuracy: correct() / held.length }), evaluateEvery: data.length,
  reporter: [terminalReporter(), curveReporter(`${folder}/training.html`, { title: 'Which party?', baselines: { accuracy: [{ name: 'majority', value: majority }] } })],
}).run();
const percent = (share = NaN): string => `${(100 * share).toFixed(1)}%`;
console.log(`${train.length} passages to train on, ${held.length} held out: ${percent(evaluation?.['accuracy'])} right (the larger party: ${percent(majority)}); open ${folder}/training.html`);
