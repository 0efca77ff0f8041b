import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arange, dropout, Generator, linear, ones, randn, tensor, zeros, type Tensor } from '../index.ts';
import { checkGradients, expectClose, expectTwins, runs, tensors } from '../testing/index.ts';
import { registry, type Op } from './op.ts';

const plain = { scale: 1, activation: null, dropout: null, bias: false, residual: false, keep: false } as const;
const twinOf = (name: string) => (registry.get(name) as unknown as Op<object>).composed as (inputs: readonly Tensor[], attributes: object) => Tensor;
const twin = (inputs: readonly Tensor[]): Tensor => twinOf('linear')(inputs, { ...plain, bias: inputs.length > 2 });

const activations = ['relu', 'gelu', 'geluTanh', 'silu', 'tanh'] as const;
type Activation = (typeof activations)[number];

interface After {
  readonly scale: number;
  readonly activation: Activation | undefined;
  readonly p: number;
}

const call = ({ scale, activation, p }: After) => (x: Tensor, weight: Tensor, bias: Tensor, residual?: Tensor): Tensor =>
  linear(x, weight, bias, { scale, ...(activation && { activation }), dropout: p, generator: new Generator(3), ...(residual && { residual }) });
/** The same by the op's twin, and dropout as an op of its own. */
const composed = ({ scale, activation, p }: After) => (...[x, weight, bias, residual]: Tensor[]): Tensor => {
  const y = twinOf(activation === undefined ? 'linear' : 'linearActivation')([x, weight, bias], { ...plain, scale, activation: activation ?? null, bias: true });
  const dropped = dropout(y, { p, generator: new Generator(3) });
  return residual === undefined ? dropped : dropped.add(residual);
};

/** x, weight, bias and perhaps a residual, with what is done to them. */
function fused(dtype: 'float32' | 'float64') {
  const length = fc.nat(4);
  return fc.tuple(fc.array(length, { maxLength: 2 }), length, fc.oneof(length, fc.constant(8)), fc.boolean()).chain(([lead, K, N, added]) => {
    const one = (shape: readonly number[]) => tensors({ dtype, shape, range: [-2, 2] });
    const [x, weight, bias, residual] = [one([...lead, K]), one([N, K]), one([N]), one([...lead, N])];
    const inputs: fc.Arbitrary<Tensor[]> = added ? fc.tuple(x, weight, bias, residual) : fc.tuple(x, weight, bias);
    return fc.record({ inputs, after: fc.record({ scale: fc.constantFrom(1, -0.5), activation: fc.option(fc.constantFrom(...activations), { nil: undefined }), p: fc.constantFrom(0, 0.3, 1) }) });
  });
}

/** x, weight and perhaps bias that fit each other, of any rank and layout. */
function operands(dtype: 'float32' | 'float64') {
  const length = fc.nat(4);
  return fc.tuple(fc.array(length, { maxLength: 3 }), length, length, fc.boolean()).chain(([lead, K, N, biased]): fc.Arbitrary<Tensor[]> => {
    const x = tensors({ dtype, shape: [...lead, K], range: [-2, 2] });
    const weight = tensors({ dtype, shape: [N, K], range: [-2, 2] });
    return biased ? fc.tuple(x, weight, tensors({ dtype, shape: [N], range: [-2, 2] })) : fc.tuple(x, weight);
  });
}

describe('linear', () => {
  it('is x·Wᵀ + b in values and gradients, within one rounding to float32 for values', () => {
    fc.assert(fc.property(operands('float32'), (inputs) => {
      const bound = { rtol: 2 ** -24, atol: 1e-12 };
      // The gradient of x is a product of rounded weights only; those of weight and bias are sums of up to 4³ terms.
      expectTwins((x, w, b) => linear(x, w, b), (...all) => twin(all), inputs, { values: bound, gradients: { rtol: 2 ** -23, atol: 1e-12 } });
    }));
  });

  it('has gradients of both orders that central differences confirm', () => {
    fc.assert(fc.property(operands('float64'), (inputs) => {
      checkGradients((x, w, b) => linear(x, w, b), inputs, { order: 2 });
    }), { numRuns: runs(1 / 5) });
  });

  it('with options is dropout(activation(scale·x·Wᵀ + b)) + residual in values and gradients, within two roundings to float32', () => {
    fc.assert(fc.property(fused('float32'), ({ inputs, after }) => {
      const [ours, theirs] = [call(after), composed(after)];
      const bound = { rtol: 2 ** -22, atol: 1e-6 };
      expectTwins(ours, theirs, inputs, { values: bound, gradients: { rtol: 1e-5, atol: 1e-5 } });
    }));
  });

  it('with options has gradients of both orders that central differences confirm', () => {
    // Away from relu's corner.
    const smooth = fused('float64').filter(({ after }) => after.activation !== 'relu');
    fc.assert(fc.property(smooth, ({ inputs, after }) => {
      checkGradients(call(after), inputs, { order: 2 });
    }), { numRuns: runs(1 / 5) });
  });

  it('adds a residual that broadcasts, and sums its gradient', () => {
    const residual = tensor([[1], [2]], { requiresGrad: true });
    const y = linear(ones([2, 3]), ones([4, 3]), null, { residual });
    expectClose(y, [[4, 4, 4, 4], [5, 5, 5, 5]]);
    y.sum().backward();
    expectClose(residual.grad ?? zeros([]), [[4], [4]]);
    expect(() => linear(ones([2, 3]), ones([4, 3]), null, { residual: ones([3, 4]) })).toThrow('linear: ');
  });

  it('makes integers float32 for an activation or a scale, and adds residuals to them otherwise', () => {
    const [x, weight] = [tensor([[3, -4]], { dtype: 'int32' }), tensor([[1, 1]], { dtype: 'int32' })];
    const activated = linear(x, weight, null, { activation: 'relu' });
    expect([activated.dtype, activated.toArray()]).toEqual(['float32', [[0]]]);
    expect(linear(x, weight, null, { scale: 0.5 }).toArray()).toEqual([[-0.5]]);
    const sum = linear(x, weight, tensor([1], { dtype: 'int32' }), { residual: tensor([[2 ** 31 - 1]], { dtype: 'int32' }) });
    expect([sum.dtype, sum.toArray()]).toEqual(['int32', [[2 ** 31 - 1]]]);
  });

  it('drops only in training, draws two values a number, and refuses what is no probability', () => {
    const generator = new Generator(1);
    expectClose(linear(ones([2, 3]), ones([4, 3]), null, { dropout: 0.5, training: false, generator }), ones([2, 4]).mul(3));
    expect(generator.state.offset).toBe(0);
    linear(ones([2, 3]), ones([4, 3]), null, { dropout: 0.5, generator });
    expect(generator.state.offset).toBe(4);
    expect(() => linear(ones([2, 3]), ones([4, 3]), null, { dropout: 1.5 })).toThrow('linear: the probability must be from 0 to 1, not 1.5');
    expect(linear(tensor([2], { dtype: 'int32' }), tensor([[1]], { dtype: 'int32' }), null, { dropout: 0.5, generator }).dtype).toBe('float32');
  });

  // Its threshold has 33 bits; large enough for the kernels, the product took it for 0 and dropped nothing.
  it('drops all at a probability that is all but 1', () => {
    const p = 1 - 2 ** -33;
    const x = ones([64, 64], { requiresGrad: true });
    const y = linear(x, ones([64, 64]), null, { dropout: p, generator: new Generator(1) });
    y.sum().backward();
    expect([y.abs().max().item(), x.grad?.abs().max().item()]).toEqual([0, 0]);
  });

  it('refuses an activation that there is not', () => {
    expect(() => linear(ones([1]), ones([1, 1]), null, { activation: 'selu' as 'silu' })).toThrow("linear: the activation must be one of 'relu', 'gelu', 'geluTanh', 'silu', 'tanh', not 'selu'");
  });

  it('takes a single vector and gives one', () => {
    expectClose(linear(tensor([1, 2]), tensor([[1, 0], [0, 1], [1, 1]]), tensor([10, 20, 30])), [11, 22, 33]);
  });

  it('adds the bias where the summed axis is empty', () => {
    expectClose(linear(zeros([2, 0]), zeros([3, 0]), tensor([1, 2, 3])), [[1, 2, 3], [1, 2, 3]]);
  });

  it('computes integers exactly, and meets mixed dtypes as arithmetic does', () => {
    const result = linear(tensor([[65536]], { dtype: 'int32' }), tensor([[65536], [65537]], { dtype: 'int32' }));
    expect([result.dtype, result.toArray()]).toEqual(['int32', [[0, 65536]]]);
    expect(linear(ones([2]), ones([1, 2], { dtype: 'float64' })).dtype).toBe('float64');
  });

  it('keeps only what gradients need: neither operand for a bias alone', () => {
    const bias = tensor([1, 2], { requiresGrad: true });
    const x = ones([3, 2]);
    const y = linear(x, ones([2, 2]), bias).sum();
    x.fill(7);
    y.backward();
    expectClose(bias.grad ?? zeros([]), [3, 3]);
  });

  it('says which shape does not fit', () => {
    expect(() => linear(ones([2, 3]), ones([3]))).toThrow('linear: the weight must be [out, in], not [3]');
    expect(() => linear(ones([2, 3]), ones([3, 4]))).toThrow(
      'linear: the last axis of x [2, 3] must have the length 4 of the last axis of the weight [3, 4]; the weight is [out, in]: did you mean weight.transpose()?',
    );
    expect(() => linear(tensor(1), ones([3, 4]))).toThrow('linear: the last axis of x []');
    expect(() => linear(ones([4]), ones([3, 4]), ones([4]))).toThrow('linear: the bias must be [3], one value for each row of the weight [3, 4], not [4]');
    expect(() => linear(ones([4]), ones([3, 4]), ones([1]))).toThrow('not [1]');
  });

  it('adds to each column its own bias where there are more columns than a block holds', () => {
    const bias = arange(1000).cast('float32');
    expectClose(linear(zeros([2, 300]), zeros([1000, 300]), bias), bias.expand([2, 1000]), { rtol: 0 });
    expectClose(linear(ones([1, 300]), ones([1000, 300]), bias), bias.add(300).unsqueeze(0), { rtol: 0 });
  });

  it('accepts leading axes that merge only by a copy', () => {
    const x = randn([3, 2, 4]).transpose(0, 1);
    const weight = randn([5, 4]);
    expectClose(linear(x, weight), x.contiguous().matmul(weight.transpose()));
  });
});
