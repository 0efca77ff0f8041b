#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { terminalReporter } from '@strided/nn/terminal';
import { StridedError } from '@strided/tensor';
import { pathInFolder } from '@strided/tensor/files';
import { readText, writeText } from './files.ts';
import { SeedBertForPreTraining } from './models.ts';
import { sentencesOf, type CorpusKind } from './pretraining/corpus/corpus.ts';
import { openTextFile, type NodeTextFile } from './pretraining/corpus/open.node.ts';
import { FileCorpus } from './pretraining/corpus/file.ts';
import { fillMask } from './pretraining/fillMask.ts';
import { savePretraining } from './pretraining/folder.ts';
import { learnLexicon, lexiconOf, type LexiconKind } from './pretraining/vocabulary/lexicon.ts';
import { pretrain } from './pretraining/pretrain.ts';
import { Vocabulary } from './tokenizer/vocabulary.ts';

/** A number from the command line, in a range. */
function number(low: number, high: number, whole: boolean) {
  return (text: string): number => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= low && value <= high) || (whole && !Number.isInteger(value))) {
      throw new InvalidArgumentError(`It must be a ${whole ? 'whole ' : ''}number from ${low} to ${high}.`);
    }
    return value;
  };
}
const count = number(1, 2 ** 31 - 1, true);
const real = number(0, 1e9, false);

interface CorpusFlags {
  readonly corpus: string[];
  readonly pairs?: boolean;
}

interface VocabFlags extends CorpusFlags {
  readonly output: string;
  readonly size: number;
  readonly kind: LexiconKind;
}

interface PretrainFlags extends CorpusFlags {
  readonly output: string;
  readonly heldOut?: string[];
  readonly vocab?: string;
  readonly vocabSize: number;
  readonly kind: LexiconKind;
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly seqLen: number;
  readonly batchSize: number;
  readonly dropout: number;
  readonly lr?: number;
  readonly schedule: 'linear' | 'inverseRoot';
  readonly warmup?: number;
  readonly weightDecay: number;
  readonly steps?: number;
  readonly seconds?: number;
  readonly seed: number;
  readonly checkpointEvery: number;
  readonly evaluateEvery: number;
  readonly resume?: boolean;
}

const kindOf = ({ pairs }: CorpusFlags): CorpusKind => (pairs ? 'pairs' : 'documents');

type OpenCorpus = (paths: readonly string[]) => Promise<FileCorpus>;

/** A command that reads corpora: their files are closed however it ends. */
function reading<F extends CorpusFlags>(command: (flags: F, open: OpenCorpus) => Promise<void>): (flags: F) => Promise<void> {
  return async (flags) => {
    const files: NodeTextFile[] = [];
    const open: OpenCorpus = async (paths) => {
      const first = files.length;
      for (const path of paths) files.push(await openTextFile(path));
      return FileCorpus.open(files.slice(first), kindOf(flags));
    };
    try {
      await command(flags, open);
    } finally {
      await Promise.all(files.map((file) => file.close()));
    }
  };
}

async function vocab(flags: VocabFlags, open: OpenCorpus): Promise<void> {
  const corpus = await open(flags.corpus);
  const { vocabulary, size } = await learnLexicon(sentencesOf(corpus), flags.kind, flags.size);
  await writeText(flags.output, vocabulary.toText());
  console.log(`${flags.output}: ${size} tokens`);
}

async function runPretrain(flags: PretrainFlags, open: OpenCorpus): Promise<void> {
  const corpus = await open(flags.corpus);
  const heldOut = flags.heldOut === undefined ? undefined : await open(flags.heldOut);
  const lexicon = flags.vocab === undefined
    ? await learnLexicon(sentencesOf(corpus), flags.kind, flags.vocabSize)
    : lexiconOf(Vocabulary.parse(await readText(flags.vocab), flags.vocab), flags.vocab);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  const result = await pretrain({
    ...flags, corpus, heldOut, lexicon, signal: stop.signal, reporter: [terminalReporter()],
    ...(flags.steps === undefined && flags.seconds === undefined ? { steps: 10_000 } : {}),
    checkpoint: { folder: pathInFolder(flags.output, 'checkpoints'), every: flags.checkpointEvery },
    resume: flags.resume ? 'auto' : false,
  });
  const sentences: string[] = [];
  for await (const sentence of sentencesOf(heldOut ?? corpus)) if (sentences.push(sentence) === 8) break;
  const { report } = await savePretraining(flags.output, result, { title: `BERT on ${corpus.name}`, lexicon, sentences, settings: [['Seed', String(flags.seed)]] });
  console.log(`saved in ${flags.output}; open ${report}`);
}

async function runFillMask(sentence: string, { model: folder }: { readonly model: string }): Promise<void> {
  const path = pathInFolder(folder, 'vocab.txt');
  const lexicon = lexiconOf(Vocabulary.parse(await readText(path), path), path);
  const model = await SeedBertForPreTraining.fromPretrained(folder);
  const mask = lexicon.token(lexicon.specialIds.mask);
  const ids = Array.from(lexicon.tokenizer.encodeIds(sentence));
  const position = ids.indexOf(lexicon.specialIds.mask);
  if (position < 0) throw new InvalidArgumentError(`fill-mask: the sentence has no ${mask}; put one where a word is missing`);
  for (const { token, probability } of fillMask(model, lexicon, sentence, position).candidates) console.log(`${(100 * probability).toFixed(2).padStart(6)}%  ${token}`);
}

const corpusOption = () => new Option('-c, --corpus <files...>', 'text, one sentence a line, blank lines between documents').makeOptionMandatory();
const pairsOption = () => new Option('--pairs', 'the corpus has pairs instead: two sentences with a tab between them a line');
const kindOption = () => new Option('--kind <kind>', 'pieces of words, or whole words').choices(['wordpiece', 'whitespace']).default('wordpiece');

function program(): Command {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  const cli = new Command('strided-bert').description('Pretrains BERT and fills masks, in plain JavaScript.').version(version);
  cli.command('vocab').description('learn a vocabulary from a corpus')
    .addOption(corpusOption()).addOption(pairsOption()).addOption(kindOption())
    .requiredOption('-o, --output <file>', 'the vocabulary, one token a line')
    .option('-s, --size <tokens>', 'how many tokens', count, 8000)
    .action(reading(vocab));
  cli.command('pretrain').description('train masked words and next sentences')
    .addOption(corpusOption()).addOption(pairsOption()).addOption(kindOption())
    .requiredOption('-o, --output <folder>', 'model, vocabulary, report and checkpoints')
    .option('-t, --held-out <files...>', 'text to measure on')
    .option('-v, --vocab <file>', 'a vocabulary; default: learn one')
    .option('--vocab-size <tokens>', 'how many tokens to learn', count, 8000)
    .option('--hidden <units>', 'width of the model', count, 256)
    .option('-l, --layers <layers>', 'number of layers', count, 8)
    .option('-a, --heads <heads>', 'number of attention heads', count, 8)
    .option('-s, --seq-len <tokens>', 'tokens an example is cut to', count, 20)
    .option('-b, --batch-size <examples>', 'examples a step', count, 64)
    .option('--dropout <probability>', 'of every dropout', number(0, 0.99, false), 0.1)
    .option('--lr <rate>', 'learning rate', real)
    .addOption(new Option('--schedule <schedule>', 'how the learning rate rises and falls').choices(['linear', 'inverseRoot']).default('linear'))
    .option('--warmup <amount>', 'a share of training (linear) or steps (inverseRoot)', real)
    .option('--weight-decay <decay>', 'on all but biases and norms', real, 0.01)
    .option('--steps <steps>', 'how many steps (10000 unless --seconds)', count)
    .option('--seconds <seconds>', 'how long', real)
    .option('--seed <seed>', 'the same seed and steps give the same model', number(0, 2 ** 53 - 1, true), 0)
    .option('--checkpoint-every <steps>', 'steps between checkpoints', count, 500)
    .option('--evaluate-every <steps>', 'steps between evaluations', count, 500)
    .option('--resume', 'go on from the newest checkpoint in the folder')
    .action(reading(runPretrain));
  cli.command('fill-mask').description('the most probable words for a mask')
    .argument('<sentence>', 'text with one mask token')
    .requiredOption('-m, --model <folder>', 'what pretrain made')
    .action(runFillMask);
  return cli;
}

try {
  await program().parseAsync();
} catch (error) {
  // What a user can mend is told in one line; anything else is a fault of ours and keeps its trace.
  if (!(error instanceof StridedError || error instanceof InvalidArgumentError)) throw error;
  console.error(`strided-bert: ${error.message}`);
  process.exitCode = 1;
}
