import { ArgumentError, concat, fromTypedArray, full, type Tensor } from '@strided/tensor';

/** Labels [B, T] one to the right, behind the token that begins texts; −100 becomes padding. */
export function shiftRight(labels: Tensor, start: number | null, pad: number | null): Tensor<'int32'> {
  if (start === null) throw new ArgumentError('EncoderDecoderModel: labels are shifted behind decoderStartTokenId, which is not set; set model.config.decoderStartTokenId, for example to the id of [CLS]');
  if (pad === null) throw new ArgumentError('EncoderDecoderModel: labels of -100 become padding, but padTokenId is not set; set model.config.padTokenId');
  const length = labels.shape[1];
  const values = labels.toTypedArray();
  return fromTypedArray(Int32Array.from(values, (_, i) => (i % length === 0 ? start : values[i - 1] === -100 ? pad : values[i - 1])), labels.shape);
}

/** What a decoder's texts begin with, and which of it is padding: the start token, before what is given unless a row begins with it. */
export function withStart(given: Tensor | null, mask: Tensor | null, start: number, batch: number): { readonly tokens: Tensor; readonly mask: Tensor | null } {
  const column = (value: number): Tensor => full([batch, 1], value, { dtype: 'int32' });
  if (given === null) return { tokens: column(start), mask: null };
  if (given.rank !== 2 || given.shape[0] !== batch || given.shape[1] === 0) throw new ArgumentError(`generate: decoderInputIds must be [${batch}, length], a row for each text, not [${given.shape.join(', ')}]`);
  if (given.select(1, 0).toTypedArray().includes(start)) return { tokens: given, mask };
  return { tokens: concat([column(start), given.cast('int32')], 1), mask: mask === null ? null : concat([column(1), mask.ne(0).cast('int32')], 1) };
}
