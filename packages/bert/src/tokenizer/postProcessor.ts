import { addedTokens, type Encoding, emptyEncoding, mapEncoding, mergeEncodings } from './encoding.ts';

/** One part of a template: a text, or a special token (which may stand for several ids). */
export type TemplatePiece =
  | { readonly kind: 'sequence'; readonly sequence: 0 | 1; readonly typeId: number }
  | { readonly kind: 'special'; readonly ids: readonly number[]; readonly tokens: readonly string[]; readonly typeId: number };

/** How special tokens go around one text and around two. */
export interface PostProcessor {
  readonly single: readonly TemplatePiece[];
  readonly pair: readonly TemplatePiece[];
  /**
   * Which type ids the windows that truncation cut off get. A template of the reference reaches the first window only,
   * so that the others keep 0 for the first text and 1 for the second; its `RobertaProcessing` reaches them all,
   * while it adds special tokens.
   */
  readonly overflowTypes: 'template' | 'sequence';
  /** Whether white space at either end of a token (an added token can have it) is left out of its offsets. */
  readonly trimOffsets: boolean;
  /** With `trimOffsets`: a leading space at the start of a text counts as the token's own. */
  readonly addPrefixSpace: boolean;
}

/** How many special tokens are added around one text, or two. */
export function countSpecialTokens(processor: PostProcessor, pair: boolean): number {
  let count = 0;
  for (const piece of pair ? processor.pair : processor.single) {
    if (piece.kind === 'special') count += piece.ids.length;
  }
  return count;
}

/** `[CLS] A [SEP]` and `[CLS] A [SEP] B [SEP]` with type ids 0 and 1; `doubled`: `… A </s> </s> B …`. */
export function bertTemplate(
  start: { readonly id: number; readonly token: string },
  end: { readonly id: number; readonly token: string },
  options: { readonly doubled?: boolean; readonly secondType?: 0 | 1 } = {},
): Pick<PostProcessor, 'single' | 'pair'> {
  const special = (of: { id: number; token: string }, typeId: number): TemplatePiece => ({ kind: 'special', ids: [of.id], tokens: [of.token], typeId });
  const second = options.secondType ?? 1;
  const single: TemplatePiece[] = [special(start, 0), { kind: 'sequence', sequence: 0, typeId: 0 }, special(end, 0)];
  const pair: TemplatePiece[] = [
    ...single,
    ...(options.doubled === true ? [special(end, 0)] : []),
    { kind: 'sequence', sequence: 1, typeId: second },
    special(end, second),
  ];
  return { single, pair };
}

/** Joins the texts' encodings with the special tokens of the template. */
export function postProcess(
  processor: PostProcessor,
  first: Encoding,
  second: Encoding | null,
  addSpecialTokens: boolean,
): Encoding {
  const trim = (encoding: Encoding): Encoding =>
    processor.trimOffsets ? mapEncoding(encoding, (one) => trimOffsets(one, processor.addPrefixSpace)) : encoding;
  const texts = [trim(first), second === null ? null : trim(second)];
  let result = emptyEncoding();
  for (const piece of second === null ? processor.single : processor.pair) {
    if (piece.kind === 'sequence') {
      const text = texts[piece.sequence];
      if (text !== null) result = mergeEncodings(result, withType(text, piece.typeId, addSpecialTokens && processor.overflowTypes === 'template'));
    } else if (addSpecialTokens) {
      piece.ids.forEach((id, i) => {
        result = mergeEncodings(result, addedTokens(id, piece.tokens[i], piece.typeId, 1));
      });
    }
  }
  return result;
}

function withType(encoding: Encoding, typeId: number, overflowToo: boolean): Encoding {
  const change = (one: Encoding): Encoding => ({ ...one, tokenTypeIds: one.inputIds.map(() => typeId) });
  return overflowToo ? mapEncoding(encoding, change) : change(encoding);
}

function trimOffsets(encoding: Encoding, addPrefixSpace: boolean): Encoding {
  const offsets = encoding.offsets.map(([start, end], i) => {
    const token = encoding.tokens[i];
    let leading = token.length - token.trimStart().length;
    const trailing = token.length - token.trimEnd().length;
    if (leading > 0 && addPrefixSpace && (i === 0 || start === 0)) leading--;
    const from = Math.min(start + leading, end);
    return [from, trailing > 0 && end >= trailing ? Math.max(end - trailing, from) : end] as const;
  });
  return { ...encoding, offsets };
}
