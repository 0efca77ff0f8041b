/**
 * The main job: pretrains the seed's BERT on the State of the Union addresses and shows what it learned.
 *   npx -y pnpm@12 demo [--seconds N | --steps N] [--seed N] [--output folder] [--json]
 */
import { parseArgs } from 'node:util';
import { learnLexicon, MemoryCorpus, pretrain, savePretraining, sentencesOf } from '@strided/bert';
import { terminalReporter } from '@strided/nn/terminal';
import { stateOfTheUnion, type Address } from './stateOfTheUnion.ts';

function number(name: string, text: string, whole = true): number {
  const value = Number(text);
  if (!(value >= 0) || (whole && !Number.isInteger(value))) throw new Error(`--${name} must be a ${whole ? 'whole ' : ''}number from 0, not '${text}'`);
  return value;
}

const years = (addresses: readonly Address[]): string => [addresses[0], addresses[addresses.length - 1]].map(({ name }) => name.slice(0, 4)).join(' to ');

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { seconds: { type: 'string' }, steps: { type: 'string' }, seed: { type: 'string', default: '0' }, output: { type: 'string', default: 'runs/demo' }, json: { type: 'boolean', default: false } },
  });
  const seed = number('seed', values.seed);
  const length = values.steps === undefined ? { seconds: number('seconds', values.seconds ?? '90', false) } : { steps: number('steps', values.steps) };
  const addresses = await stateOfTheUnion();
  const [train, held] = [addresses.slice(0, -10), addresses.slice(-10)];
  const corpus = MemoryCorpus.fromDocuments(train.map(({ sentences }) => sentences), 'State of the Union');
  const heldOut = MemoryCorpus.fromDocuments(held.map(({ sentences }) => sentences), 'the last ten addresses');
  console.error(`${train.length} addresses to train on, ${corpus.sentenceCount} sentences; ${held.length} held out`);
  const lexicon = await learnLexicon(sentencesOf(corpus), 'wordpiece', 4000);

  const result = await pretrain({
    corpus, heldOut, lexicon, ...length, seed,
    hidden: 128, layers: 2, heads: 4, seqLen: 32, batchSize: 16, lr: 4e-3, embeddingStd: 0.2, dropout: 0,
    evaluateEvery: 500, reporter: [terminalReporter()],
  });
  const sentences = held.flatMap((address) => address.sentences.filter((text) => /^.{40,90}[.!]$/.test(text)).slice(0, 1));
  const { fills, report } = await savePretraining(values.output, result, {
    title: 'BERT on the State of the Union', lexicon, sentences,
    settings: [['Trained on', `${train.length} addresses, ${years(train)}`], ['Held out', `the last ten, ${years(held)}`], ['Seed', String(seed)]],
  });

  for (const { tokens, position, truth, candidates } of fills) {
    console.log(`\n${tokens.map((token, i) => (i === position ? '[MASK]' : token)).join(' ').replaceAll(' ##', '')}   (${truth})`);
    console.log(candidates.map(({ token, probability }) => `${token} ${(100 * probability).toFixed(1)}%`).join('   '));
  }
  const { model, end, heldOut: measured } = result;
  if (measured === null) return;
  console.log(`\nheld-out masked-LM loss ${measured.loss.toFixed(3)} (unigram baseline ${measured.unigramLoss.toFixed(3)}), accuracy ${(100 * measured.accuracy).toFixed(1)}% (${(100 * measured.unigramAccuracy).toFixed(1)}%)`);
  console.log(`saved in ${values.output}; open ${report}`);
  if (values.json) {
    console.log(JSON.stringify({ steps: end.step, tokensPerSecond: end.tokensPerSecond, heldOutLoss: measured.loss, unigramLoss: measured.unigramLoss, heldOutAccuracy: measured.accuracy, parameters: model.parameterCount() }));
  }
}

main().catch((error: unknown) => {
  console.error(`demo: ${error instanceof Error ? error.message.replaceAll('\n', ' ') : String(error)}`);
  process.exitCode = 1;
});
