import { chartStyle, html, type Markup, themeStyle } from '@strided/nn/charts';
import { attentionSection } from './attention.ts';
import { curvesSection } from './curves.ts';
import { fillsSection } from './fills.ts';
import { resultCards } from './results.ts';
import { pageScript } from './script.ts';
import { sectionStyle } from './style.ts';

/** What a pretraining run has to tell. Any list may be empty and any number not finite: the page says so. */
export interface PretrainingReport {
  /** What was trained on what. */
  readonly title: string;
  /** Sizes, parameters, vocabulary, tokens, speed, seed, versions: as they are to be read. */
  readonly settings: readonly (readonly [label: string, value: string])[];
  /** One entry for each step of training that was recorded. */
  readonly curve: readonly {
    readonly step: number;
    readonly loss: number;
    readonly maskedLmLoss: number;
    /** NaN when there is no next-sentence objective. */
    readonly nextSentenceLoss: number;
    readonly lr: number;
    /** Since training began. */
    readonly seconds: number;
  }[];
  /** Masked-language-model loss in nats, and accuracy as a share, on held-out text. */
  readonly evaluations: readonly { readonly step: number; readonly loss: number; readonly accuracy: number }[];
  /** The outcome, beside the unigram baseline on the same masked tokens. */
  readonly result: {
    readonly heldOutLoss: number;
    readonly unigramLoss: number;
    readonly heldOutAccuracy: number;
    readonly unigramAccuracy: number;
    readonly nextSentenceAccuracy?: number;
  };
  /** Held-out sentences with the token at `position` hidden, and the candidates for it, the most probable first; five are shown. */
  readonly fills: readonly {
    readonly tokens: readonly string[];
    readonly position: number;
    readonly truth: string;
    readonly candidates: readonly { readonly token: string; readonly probability: number }[];
  }[];
  /** Attention weights over one sentence, as `layers[layer][head][query][key]`. */
  readonly attention: { readonly tokens: readonly string[]; readonly layers: readonly (readonly (readonly (readonly number[])[])[])[] } | null;
}

function header({ title, settings }: PretrainingReport): Markup {
  const list = html`<dl class="settings">${settings.map(([label, value]) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>`;
  return html`<header><h1>${title}</h1>${settings.length === 0 ? null : list}</header>`;
}

/**
 * A pretraining run as one HTML page that needs nothing but itself: it opens from a disk, loads nothing (its content
 * policy forbids it), follows the reader's light or dark theme, and can be read without its script. It stays below a
 * megabyte: long curves are thinned to what a screen can show, long attention maps are cropped, and it says so.
 *
 * @example
 * await writeFile('report.html', pretrainingReport({ title: 'BERT on the State of the Union addresses', settings, curve, evaluations, result, fills, attention }));
 */
export function pretrainingReport(data: PretrainingReport): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${data.title}</title>
<style>${themeStyle}${chartStyle}${sectionStyle}</style>
</head>
<body>
<main>
${header(data)}
${resultCards(data)}
${curvesSection(data)}
${fillsSection(data)}
${attentionSection(data)}
<footer>Losses are natural-log cross-entropies; the unigram baseline predicts each masked token from its frequency in the training text alone.</footer>
</main>
<script>${pageScript}</script>
</body>
</html>
`.text;
}
