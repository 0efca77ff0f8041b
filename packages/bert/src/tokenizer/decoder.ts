/** Whether, and where, clean-up takes the spaces before punctuation and in contractions out of decoded text. */
export type CleanUp = 'none' | 'token' | 'text';

const REPLACEMENTS = [
  [' .', '.'],
  [' ?', '?'],
  [' !', '!'],
  [' ,', ','],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [' do not', " don't"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
] as const;

function cleanUp(text: string): string {
  return REPLACEMENTS.reduce((cleaned, [from, to]) => cleaned.replaceAll(from, to), text);
}

/**
 * Pieces back to a text: those with the prefix join the one before, all others get a space.
 *
 * @param clean `token` cleans piece by piece, as the reference does (" ' " can then never match); `text` once more the
 * whole text, as transformers does on request
 */
export function decodeWordPieces(tokens: readonly string[], prefix: string, clean: CleanUp): string {
  const parts = tokens.map((token, i) => {
    let part = token;
    if (i > 0) part = token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
    return clean === 'none' ? part : cleanUp(part);
  });
  const text = parts.join('');
  return clean === 'text' ? cleanUp(text) : text;
}
