import { bytes, concat, float, integer, message, text, type Bytes } from './protobuf.ts';

/** Writes ONNX models of float32 and int64 tensors; the numbers of fields are those of onnx.proto. */

export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes?: Readonly<Record<string, number | readonly number[] | { readonly float: number }>>;
}

export interface OnnxTensor {
  readonly values: Float32Array | BigInt64Array;
  readonly shape: readonly number[];
}

/** Lengths of axes; a name stands for one that differs from run to run. */
export type OnnxShape = readonly (number | string)[];

export interface OnnxInput {
  readonly dtype: 'float32' | 'int64';
  readonly shape: OnnxShape;
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  /** What is given in each run. */
  readonly inputs: Readonly<Record<string, OnnxShape | OnnxInput>>;
  readonly constants: Readonly<Record<string, OnnxTensor>>;
  readonly outputs: Readonly<Record<string, OnnxShape>>;
}

const dtypes = { float32: 1, int64: 7 } as const;
const [attributeFloat, attributeInteger, attributeIntegers] = [1, 2, 7];

function attribute(name: string, value: number | readonly number[] | { readonly float: number }): Bytes {
  if (typeof value === 'number') return message(5, text(1, name), integer(3, value), integer(20, attributeInteger));
  if ('float' in value) return message(5, text(1, name), float(2, value.float), integer(20, attributeFloat));
  return message(5, text(1, name), ...value.map((one) => integer(8, one)), integer(20, attributeIntegers));
}

function node({ op, inputs, output, attributes = {} }: OnnxNode): Bytes {
  return message(1, ...inputs.map((name) => text(1, name)), text(2, output), text(4, op), ...Object.entries(attributes).map(([name, value]) => attribute(name, value)));
}

function valueInfo(field: number, name: string, { dtype, shape }: OnnxInput): Bytes {
  const dimensions = message(2, ...shape.map((length) => message(1, typeof length === 'string' ? text(2, length) : integer(1, length))));
  return message(field, text(1, name), message(2, message(1, integer(1, dtypes[dtype]), dimensions)));
}

function constant(name: string, { values, shape }: OnnxTensor): Bytes {
  return message(5, ...shape.map((length) => integer(1, length)), integer(2, values instanceof Float32Array ? dtypes.float32 : dtypes.int64), text(8, name), bytes(9, new Uint8Array(values.buffer, values.byteOffset, values.byteLength)));
}

/** The bytes of a model of operator set 20. */
export function onnxModel({ nodes, inputs, constants, outputs }: OnnxGraph): Uint8Array {
  const graph = message(
    7,
    ...nodes.map(node),
    text(2, 'bench'),
    ...Object.entries(constants).map(([name, tensor]) => constant(name, tensor)),
    ...Object.entries(inputs).map(([name, input]) => valueInfo(11, name, 'dtype' in input ? input : { dtype: 'float32', shape: input })),
    ...Object.entries(outputs).map(([name, shape]) => valueInfo(12, name, { dtype: 'float32', shape })),
  );
  return concat([integer(1, 9), graph, message(8, integer(2, 20))]);
}
