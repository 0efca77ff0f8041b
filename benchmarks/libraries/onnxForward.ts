import { realPositions, type ModelProblem } from '../bert/problem.ts';
import type { Contestant } from '../harness/bench.ts';
import type { OrtLibrary, OrtTensor, Session } from './ort.ts';

type Outputs = Awaited<ReturnType<Session['run']>>;

/** How onnxruntime runs a model of text from its ONNX file; sessions stay open, as loading one takes seconds. */
export function onnxForward({ name, ort, options }: OrtLibrary): (problem: ModelProblem) => Promise<Contestant<Outputs> | null> {
  const sessions = new Map<string, Promise<Session>>();
  return async (problem) => {
    if (problem.op !== 'bert-forward') return null;
    let session = sessions.get(problem.onnx);
    if (session === undefined) sessions.set(problem.onnx, (session = ort.InferenceSession.create(problem.onnx, options)));
    const opened = await session;
    const whole = (values: readonly number[]): OrtTensor => new ort.Tensor('int64', BigInt64Array.from(values, BigInt), [problem.rows, problem.length]);
    const feeds = { input_ids: whole(problem.inputIds), attention_mask: whole(problem.attentionMask), token_type_ids: whole(problem.inputIds.map(() => 0)) };
    return { name, run: () => opened.run(feeds), read: ({ last_hidden_state: hidden }) => realPositions(hidden.data, problem) };
  };
}
