import { onnxModel, type OnnxNode } from '../onnx/model.ts';
import { epsilon, inputsOf, type Problem } from '../problems.ts';
import type { Library } from './index.ts';
import { onnxForward } from './onnxForward.ts';
import { ortNode, ortWeb, type OrtLibrary, type Session } from './ort.ts';

const names = ['a', 'b', 'c'];

/** The nodes from a, b and c to `result`, or null where ONNX has none. */
function nodesOf(problem: Problem): OnnxNode[] | null {
  switch (problem.op) {
    case 'product': {
      if (!problem.transposed) return [{ op: 'MatMul', inputs: ['a', 'b'], output: 'result' }];
      const perm = problem.batch === 0 ? [1, 0] : [0, 2, 1];
      return [{ op: 'Transpose', inputs: ['b'], output: 'bT', attributes: { perm } }, { op: 'MatMul', inputs: ['a', 'bT'], output: 'result' }];
    }
    case 'attention':
      return problem.backward ? null : [
        { op: 'Transpose', inputs: ['b'], output: 'bT', attributes: { perm: [0, 2, 1] } },
        { op: 'MatMul', inputs: ['a', 'bT'], output: 'raw' },
        { op: 'Mul', inputs: ['raw', 'scale'], output: 'scores' },
        { op: 'Softmax', inputs: ['scores'], output: 'weights', attributes: { axis: 2 } },
        { op: 'MatMul', inputs: ['weights', 'c'], output: 'result' },
      ];
    case 'softmax':
      return [{ op: 'Softmax', inputs: ['a'], output: 'result', attributes: { axis: 1 } }];
    case 'layerNorm':
      return [{ op: 'LayerNormalization', inputs: names, output: 'result', attributes: { axis: 1, epsilon: { float: epsilon } } }];
    case 'gelu':
      return [{ op: 'Gelu', inputs: ['a'], output: 'result' }];
  }
}

/** The operands that are part of the model, as a weight is. */
function constantsOf(problem: Problem): readonly string[] {
  return problem.op === 'layerNorm' ? ['b', 'c'] : problem.op === 'product' && problem.constant ? ['b'] : [];
}

function outputShape(problem: Problem): number[] {
  if (problem.op === 'product') return [...(problem.batch === 0 ? [] : [problem.batch]), problem.M, problem.N];
  return problem.op === 'attention' ? [problem.heads, problem.length, problem.size] : [problem.rows, problem.columns];
}

function library({ name, ort, options }: OrtLibrary): Library {
  return {
    model: onnxForward({ name, ort, options }),
    async contestant(problem) {
      const nodes = nodesOf(problem);
      if (nodes === null) return null;
      const operands = inputsOf(problem).map((input, i) => [names[i], input] as const);
      const fixed = constantsOf(problem);
      const constants = operands.filter(([operand]) => fixed.includes(operand));
      const given = operands.filter(([operand]) => !fixed.includes(operand));
      const scale = problem.op === 'attention' ? [['scale', { values: Float32Array.of(1 / Math.sqrt(problem.size)), shape: [] }] as const] : [];
      const model = onnxModel({
        nodes,
        inputs: Object.fromEntries(given.map(([operand, { shape }]) => [operand, shape])),
        constants: Object.fromEntries([...constants, ...scale]),
        outputs: { result: outputShape(problem) },
      });
      const session = await ort.InferenceSession.create(model, options);
      const feeds = Object.fromEntries(given.map(([operand, { values, shape }]) => [operand, new ort.Tensor('float32', values, shape)]));
      return { name, run: () => session.run(feeds), read: ({ result }: Awaited<ReturnType<Session['run']>>) => result.data, close: () => session.release() };
    },
  };
}

export const onnxruntimeWeb = async (threads: number): Promise<Library> => library(await ortWeb(threads));
export const onnxruntimeNode = async (threads: number): Promise<Library> => library(await ortNode(threads));
