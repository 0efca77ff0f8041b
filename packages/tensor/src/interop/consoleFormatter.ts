import { formatLabel, formatTensor } from '../print.ts';
import { Tensor } from '../tensor.ts';

/** Chromium's and Firefox's custom formatters: what `console.log(object)` shows, as JsonML; null leaves it to the browser. */
interface Formatter {
  header(object: unknown): readonly unknown[] | null;
  hasBody(object: unknown): boolean;
  body(object: unknown): readonly unknown[] | null;
}

const formatter: Formatter = {
  header: (object) => (object instanceof Tensor ? ['span', {}, `Tensor ${formatLabel(object)}`] : null),
  hasBody: (object) => object instanceof Tensor,
  body: (object) => (object instanceof Tensor ? ['pre', {}, formatTensor(object)] : null),
};

/**
 * Lets a browser's console show tensors as text: a line with shape and dtype that opens to the values. The browser
 * asks formatters only if custom formatters are switched on in its developer tools; `console.log(String(x))` always works.
 */
export function enableConsoleFormatter(): void {
  const host = globalThis as { devtoolsFormatters?: Formatter[] };
  host.devtoolsFormatters ??= [];
  if (!host.devtoolsFormatters.includes(formatter)) host.devtoolsFormatters.push(formatter);
}
