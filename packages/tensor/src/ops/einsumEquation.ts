import { ArgumentError, ShapeError } from '../errors.ts';
import { formatShape, type Shape } from '../layout.ts';

/**
 * The grammar of einsum: terms of letters separated by commas, then perhaps '->' and the result's; blanks mean nothing.
 * An axis that an ellipsis stands for gets the name '.n', n counting from the last: '.1', '.2', …
 */
export interface EinsumEquation {
  /** The name of each axis of each operand. */
  readonly inputs: readonly (readonly string[])[];
  readonly output: readonly string[];
}

const ellipsis = '...';

/** The letters before and after an ellipsis, if there is one. */
function split(equation: string, term: string): { readonly before: string[]; readonly after: string[]; readonly open: boolean } {
  const parts = term.split(ellipsis);
  const odd = /[^a-zA-Z]/.exec(parts.join(''));
  if (odd !== null) throw new ArgumentError(`einsum '${equation}': ${JSON.stringify(odd[0])} in '${term}' has no meaning; an equation holds letters, '...', ',' and one '->'`);
  if (parts.length > 2) throw new ArgumentError(`einsum '${equation}': '${term}' has more than one '...'; one stands for all axes without names`);
  return { before: [...parts[0]], after: [...(parts[1] ?? '')], open: parts.length === 2 };
}

/** '.count', …, '.1' */
function unnamed(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `.${count - i}`);
}

export function parseEinsum(equation: string, shapes: readonly Shape[]): EinsumEquation {
  const [left, right, ...more] = equation.replaceAll(/\s/g, '').split('->');
  if (more.length > 0) throw new ArgumentError(`einsum '${equation}': '->' occurs more than once`);
  const terms = left.split(',');
  if (terms.length !== shapes.length) throw new ArgumentError(`einsum '${equation}': it names ${terms.length} ${terms.length === 1 ? 'operand' : 'operands'}, but ${shapes.length} ${shapes.length === 1 ? 'is' : 'are'} given`);
  let widest = 0;
  const inputs = terms.map((term, i) => {
    const { before, after, open } = split(equation, term);
    const [rank, named] = [shapes[i].length, before.length + after.length];
    if (open ? rank < named : rank !== named) {
      throw new ShapeError(`einsum '${equation}': '${term}' names ${open ? 'at least ' : ''}${named} ${named === 1 ? 'axis' : 'axes'}, but operand ${i} ${formatShape(shapes[i])} has ${rank}${!open && rank > named ? "; add '...' for the others" : ''}`);
    }
    widest = Math.max(widest, rank - named);
    return [...before, ...unnamed(rank - named), ...after];
  });
  const all = inputs.flat();
  if (right === undefined) {
    const once = all.filter((label, i) => !label.startsWith('.') && all.indexOf(label) === i && all.lastIndexOf(label) === i);
    return { inputs, output: [...unnamed(widest), ...once.sort()] };
  }
  const { before, after, open } = split(equation, right);
  for (const label of [...before, ...after]) {
    if (!all.includes(label)) throw new ArgumentError(`einsum '${equation}': the result has the index ${label}, which no operand has`);
    if ([...before, ...after].indexOf(label) !== [...before, ...after].lastIndexOf(label)) throw new ArgumentError(`einsum '${equation}': the result has the index ${label} twice; name each axis once`);
  }
  return { inputs, output: [...before, ...(open ? unnamed(widest) : []), ...after] };
}
