import { type Curve } from '@strided/nn';
import { makeFolder, pathInFolder } from '@strided/tensor/files';
import { writeText } from '../files.ts';
import { attentionMaps, fillMask, type FilledMask } from './fillMask.ts';
import type { Lexicon } from './vocabulary/lexicon.ts';
import type { PretrainResult } from './pretrain.ts';
import { pretrainingReport } from './report/report.ts';

export interface FolderOptions {
  readonly title: string;
  readonly lexicon: Lexicon;
  /** Rows of the report's table beside those that every run has. */
  readonly settings?: readonly (readonly [label: string, value: string])[];
  /** Sentences whose masks are filled; a word in the middle of each is masked. The first one's attention is drawn. */
  readonly sentences?: readonly string[];
}

/** The masks of sentences that have something to mask, each filled once. */
export function fillSentences({ model }: PretrainResult, lexicon: Lexicon, sentences: readonly string[]): FilledMask[] {
  return sentences.flatMap((sentence) => {
    const ids = Array.from(lexicon.tokenizer.encodeIds(sentence));
    const middle = Math.floor(ids.length / 2);
    // A whole word says more than a piece of one.
    const position = [...ids.keys()].sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle)).find((i) => isWord(lexicon, ids, i));
    return position === undefined || position + 2 >= model.config.maxLength ? [] : [fillMask(model, lexicon, sentence, position)];
  });
}

function isWord(lexicon: Lexicon, ids: readonly number[], i: number): boolean {
  const next = i + 1 < ids.length ? lexicon.token(ids[i + 1]) : '';
  return ids[i] !== lexicon.specialIds.unk && /^\p{L}{4,}$/u.test(lexicon.token(ids[i])) && !next.startsWith('##');
}

/** Saves model, vocabulary and report into a folder, each file whole or not at all; returns what the masks were filled with. */
export async function savePretraining(folder: string, result: PretrainResult, options: FolderOptions): Promise<{ readonly fills: readonly FilledMask[]; readonly report: string }> {
  const { model, curve, heldOut, end } = result;
  const { lexicon, sentences = [], title } = options;
  await makeFolder(folder);
  await model.savePretrained(folder);
  await writeText(pathInFolder(folder, 'vocab.txt'), lexicon.vocabulary.toText());
  const fills = fillSentences(result, lexicon, sentences);
  const { hidden, layers, heads, vocabSize } = model.config;
  const report = pathInFolder(folder, 'report.html');
  await writeText(report, pretrainingReport({
    title,
    settings: [
      ['Model', `${layers} layers, ${hidden} hidden, ${heads} heads`],
      ['Parameters', model.parameterCount().toLocaleString('en')],
      ['Vocabulary', `${vocabSize.toLocaleString('en')} tokens (${lexicon.kind})`],
      ['Steps', end.step.toLocaleString('en')],
      ['Tokens seen', end.tokens.toLocaleString('en')],
      ['Tokens a second', Math.round(end.tokensPerSecond).toLocaleString('en')],
      ['Seconds', end.elapsed.toFixed(1)],
      ...(options.settings ?? []),
    ],
    curve: curveRows(curve),
    evaluations: curve.evaluations.step.map((step, i) => ({ step, loss: curve.evaluations.metrics['loss'][i], accuracy: curve.evaluations.metrics['accuracy'][i] })),
    result: {
      heldOutLoss: heldOut?.loss ?? NaN, unigramLoss: heldOut?.unigramLoss ?? NaN, heldOutAccuracy: heldOut?.accuracy ?? NaN,
      unigramAccuracy: heldOut?.unigramAccuracy ?? NaN, nextSentenceAccuracy: heldOut?.nextSentenceAccuracy ?? NaN,
    },
    fills,
    attention: sentences.length === 0 ? null : attentionMaps(model, lexicon, sentences[0]),
  }));
  return { fills, report };
}

function curveRows(curve: Curve) {
  return curve.loss.map((loss, i) => ({
    step: i + 1, loss, maskedLmLoss: curve.metrics['maskedLm'][i], nextSentenceLoss: curve.metrics['nextSentence'][i], lr: curve.learningRate[i], seconds: curve.elapsed[i],
  }));
}
