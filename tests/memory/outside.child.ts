/**
 * What inference makes outside of the kernels' memory, and whether it compiles anything, in a process of its own:
 * constructors are watched, and must be before the packages are imported. Prints JSON.
 */
interface Sized {
  readonly byteLength: number;
}
type Constructor = new (...args: unknown[]) => Sized;

/** Arrays of fewer bytes are ids, masks and what is made of them: a number for each token. */
const large = 1 << 13;
let made: number[] = [];
let compiled = 0;

function watched(of: object, name: string, note: (result: Sized, first: unknown) => void): void {
  const holder = of as Record<string, Constructor>;
  const original = holder[name];
  const proxy: Constructor = new Proxy(original, {
    construct(target, args: unknown[], newTarget: Constructor) {
      const result = Reflect.construct(target, args, newTarget === proxy ? target : newTarget) as Sized;
      note(result, args[0]);
      return result;
    },
  });
  holder[name] = proxy;
}

const isMemory = (value: unknown): boolean => value instanceof ArrayBuffer || value instanceof SharedArrayBuffer;
for (const name of ['ArrayBuffer', 'Float32Array', 'Float64Array', 'Int32Array', 'Uint8Array']) {
  watched(globalThis, name, ({ byteLength }, first) => {
    if (byteLength >= large && !isMemory(first)) made.push(byteLength);
  });
}
for (const name of ['Module', 'Instance', 'Memory']) watched(WebAssembly, name, () => compiled++);

const { engineInfo, Generator, noGrad, ready, tensor } = await import('@strided/tensor');
const zoo = await import('@strided/bert');
await ready();

const options = { vocabSize: 97, hiddenSize: 96, numHiddenLayers: 3, numAttentionHeads: 4, intermediateSize: 192, maxPositionEmbeddings: 160 } as const;
const models = {
  BERT: new zoo.BertModel(options), MPNet: new zoo.MPNetModel(options), ALBERT: new zoo.AlbertModel({ ...options, embeddingSize: 32 }), RoFormer: new zoo.RoFormerModel(options),
  DeBERTa: new zoo.DebertaV2Model({ ...options, relativeAttention: true, posAttType: ['c2p', 'p2c'], positionBuckets: 32 }),
  ModernBERT: new zoo.ModernBertModel({ ...options, padTokenId: 0, localAttention: 32 }), EuroBERT: new zoo.EuroBertModel({ ...options, padTokenId: 0, numKeyValueHeads: 2 }),
  decoder: new zoo.BertLMHeadModel({ ...options, isDecoder: true, useCache: false }),
};
const generator = new Generator(1);

/** Runs a batch, and gives the bytes of what it returned. */
function run(model: (typeof models)[keyof typeof models], batch: number, length: number, padded: boolean): number {
  const rows = (value: (row: number, column: number) => number) => tensor(Array.from({ length: batch }, (_, row) => Array.from({ length }, (_none, column) => value(row, column))), { dtype: 'int32' });
  const inputs = { inputIds: rows(() => 1 + generator.integer(96)), attentionMask: padded ? rows((row, column) => Number(column <= (row * 37) % length)) : null };
  const output = noGrad(() => model.forward(inputs));
  return ('logits' in output ? output.logits : output.lastHiddenState).size * 4;
}

const found = Object.entries(models).map(([name, model]) => {
  model.eval();
  const outside = [false, true].map((padded) => {
    run(model, 8, 128, padded);
    made = [];
    const returned = run(model, 8, 128, padded);
    return { returned: [returned], made: [...made] };
  });
  const before = { compiled, memory: engineInfo().memoryBytes };
  for (let i = 0; i < 60; i++) run(model, 1 + generator.integer(8), 1 + generator.integer(128), i % 2 === 0);
  return { name, outside, compiled: compiled - before.compiled, grew: engineInfo().memoryBytes - before.memory };
});
console.log(JSON.stringify(found));
process.exit(0);
