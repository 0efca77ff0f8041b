/** Markup that is safe to put in a page: only {@link html} and {@link trusted} make it, so text can never become markup by accident. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

/** What a hole of {@link html} takes: text and numbers are escaped, markup stays, lists are joined, null is nothing. */
export type Content = string | number | Markup | null | readonly Content[];

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text as HTML, in content and in quoted attributes; control characters, which HTML forbids, become U+FFFD. */
export function escapeHtml(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what this removes
  return text.replace(/[&<>"']/g, (char) => entities[char]).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, '\ufffd');
}

function render(content: Content): string {
  if (content === null) return '';
  if (content instanceof Markup) return content.text;
  if (typeof content === 'object') return content.map(render).join('');
  return escapeHtml(String(content));
}

/** A template whose holes are escaped unless they are markup: `` html`<b>${token}</b>` ``. */
export function html(strings: TemplateStringsArray, ...holes: readonly Content[]): Markup {
  return new Markup(strings.reduce((text, string, index) => text + render(holes[index - 1]) + string));
}

/** Our own constant style or script, put in a page as it is. Never for text that comes from outside. */
export function trusted(text: string): Markup {
  return new Markup(text);
}
