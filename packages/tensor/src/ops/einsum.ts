import { counted, promote, type Arithmetic, type Counted, type DType } from '../dtype.ts';
import { ArgumentError, ShapeError } from '../errors.ts';
import { formatShape, sizeOf } from '../layout.ts';
import type { Tensor } from '../tensor.ts';
import { cast } from './elementwise.ts';
import { parseEinsum } from './einsumEquation.ts';
import { matmul } from './matmul.ts';
import { checkTensor } from './op.ts';

/** A tensor and the name of each of its axes. */
interface Term {
  readonly tensor: Tensor;
  readonly labels: readonly string[];
}

/** Each repeated name becomes one axis: the diagonal. */
function takeDiagonals(equation: string, { tensor, labels }: Term): Term {
  const second = labels.findIndex((label, i) => labels.indexOf(label) !== i);
  if (second < 0) return { tensor, labels };
  const first = labels.indexOf(labels[second]);
  if (tensor.shape[first] !== tensor.shape[second]) {
    throw new ShapeError(`einsum '${equation}': index ${labels[second]} stands for axes of lengths ${tensor.shape[first]} and ${tensor.shape[second]} of one operand ${formatShape(tensor.shape)}, whose diagonal needs equal ones`);
  }
  const rest = labels.filter((_, i) => i !== first && i !== second);
  return takeDiagonals(equation, { tensor: tensor.diagonal(0, first, second), labels: [...rest, labels[second]] });
}

/** The length that each name stands for: axes of length 1 repeat, as in PyTorch. */
function lengthsOf(equation: string, terms: readonly Term[]): ReadonlyMap<string, number> {
  const lengths = new Map<string, number>();
  for (const { tensor, labels } of terms) {
    labels.forEach((label, i) => {
      const [known, length] = [lengths.get(label) ?? 1, tensor.shape[i]];
      if (known !== length && known !== 1 && length !== 1) {
        const name = label.startsWith('.') ? `axis -${label.slice(1)} of the ellipsis` : `index ${label}`;
        throw new ShapeError(`einsum '${equation}': ${name} has lengths ${known} and ${length}, which must be equal or one of them 1`);
      }
      if (known === 1) lengths.set(label, length);
    });
  }
  return lengths;
}

/** Without the axes whose names nobody asks for, summed; integers keep their dtype. */
function sumLone({ tensor, labels }: Term, wanted: (label: string) => boolean): Term {
  const axes = labels.flatMap((label, i) => (wanted(label) ? [] : [i]));
  if (axes.length === 0) return { tensor, labels };
  return { tensor: cast(tensor.sum(axes), tensor.dtype), labels: labels.filter(wanted) };
}

/** Axes in the order of `labels`, each of its full length; a name that the term lacks is an axis of length 1. */
function arrange({ tensor, labels }: Term, order: readonly string[], lengths: ReadonlyMap<string, number>): Tensor {
  const own = order.filter((label) => labels.includes(label));
  let result = tensor.permute(own.map((label) => labels.indexOf(label)));
  order.forEach((label, i) => {
    if (!labels.includes(label)) result = result.unsqueeze(i);
  });
  return result.expand(order.map((label) => (labels.includes(label) ? (lengths.get(label) ?? 1) : 1)));
}

/** Two terms as one that has the wanted names: a product of matrices, or where nothing is summed of values. */
function contract(a: Term, b: Term, wanted: (label: string) => boolean, lengths: ReadonlyMap<string, number>): Term {
  const left = sumLone(a, (label) => wanted(label) || b.labels.includes(label));
  const right = sumLone(b, (label) => wanted(label) || a.labels.includes(label));
  const shared = left.labels.filter((label) => right.labels.includes(label));
  const batch = shared.filter(wanted);
  const summed = shared.filter((label) => !wanted(label));
  const rows = left.labels.filter((label) => !shared.includes(label));
  const columns = right.labels.filter((label) => !shared.includes(label));
  const labels = [...batch, ...rows, ...columns];
  if (summed.length === 0) return { tensor: arrange(left, labels, lengths).mul(arrange(right, labels, lengths)), labels };
  const sizes = (names: readonly string[]) => names.map((label) => lengths.get(label) ?? 1);
  const group = (term: Term, first: readonly string[], second: readonly string[]): Tensor =>
    arrange(term, [...batch, ...first, ...second], lengths).reshape([...sizes(batch), sizeOf(sizes(first)), sizeOf(sizes(second))]);
  const product = matmul(group(left, rows, summed), group(right, summed, columns));
  return { tensor: product.reshape(sizes(labels)), labels };
}

/**
 * Einstein's summation: names for the axes of each operand, and of the result; what the result does not name is summed.
 * - a name that is repeated in one operand takes its diagonal: 'ii->i'; one that only one operand has, and the result
 *   has not, is summed there: 'ij->i';
 * - `...` stands for axes without names, aligned at the last, which broadcast;
 * - without '->', the result has the axes of `...`, then every name that occurs once, A–Z before a–z;
 * - operands are contracted from left to right, each time as one product of matrices where an index is summed.
 *
 * PyTorch's semantics: axes of length 1 repeat, and `...` that the result lacks is summed. Integers behave as in `matmul`
 * (products wrap) and `sum` (a sum that overflows int32 is an error).
 *
 * @throws ArgumentError for an equation that cannot be read or does not fit the number of operands; ShapeError when axes
 * do not fit their names.
 * @example
 * einsum('bhld,bhsd->bhls', queries, keys);
 * einsum('ii', matrix);                          // the trace
 */
export function einsum<A extends DType>(equation: string, a: Tensor<A>): Tensor<Counted<A>>;
export function einsum<A extends DType, B extends DType>(equation: string, a: Tensor<A>, b: Tensor<B>): Tensor<Arithmetic<A, B>>;
export function einsum(equation: string, ...operands: readonly Tensor[]): Tensor;
export function einsum(equation: string, ...operands: readonly Tensor[]): Tensor {
  if (typeof equation !== 'string') throw new ArgumentError("einsum: the equation comes first, as in einsum('ij,jk->ik', a, b)");
  for (const operand of operands) checkTensor('einsum', operand);
  if (operands.length === 0) throw new ArgumentError(`einsum '${equation}': it needs at least one operand`);
  const dtype = counted(operands.map((operand) => operand.dtype).reduce((met, each) => promote(met, each)));
  const { inputs, output } = parseEinsum(equation, operands.map(({ shape }) => shape));
  const terms = operands.map((operand, i) => takeDiagonals(equation, { tensor: cast(operand, dtype), labels: inputs[i] }));
  const lengths = lengthsOf(equation, terms);
  let [result] = terms;
  for (let i = 1; i < terms.length; i++) {
    const later = terms.slice(i + 1);
    const wanted = (label: string) => output.includes(label) || later.some(({ labels }) => labels.includes(label));
    result = contract(result, terms[i], wanted, lengths);
  }
  const { tensor, labels } = sumLone(result, (label) => output.includes(label));
  return tensor.permute(output.map((label) => labels.indexOf(label)));
}
