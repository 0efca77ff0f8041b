import { inspect } from 'node:util';
import { CheckpointError, encodeSafetensors, loadSafetensors, manualSeed, ones, randn, tensor, zeros, type Tensor } from '@strided/tensor';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { TransientBuffer } from './buffer.ts';
import { GELU } from './activation.ts';
import { Identity, ModuleList, Sequential } from './containers.ts';
import { Dropout } from './dropout.ts';
import { functionalCall } from './functionalCall.ts';
import { LayerNorm } from './layerNorm.ts';
import { Linear } from './linear.ts';
import { Module } from './module.ts';
import { Parameter } from './parameter.ts';
import { summarize } from './summary.ts';

/** Every kind of attribute: tied, shared, in arrays, in arrays of arrays, buffers saved and not, private. */
class Zoo extends Module {
  scale = new Parameter(ones([2]));
  readonly layers = [new Linear(2, 2), [new Linear(2, 3, { bias: false })]] as const;
  readonly shared = new LayerNorm(2);
  readonly alias: LayerNorm;
  readonly tied: Parameter;
  readonly counts = tensor([1, 2], { dtype: 'int32' });
  readonly mean = tensor([0.5, 0.25]);
  readonly table = new TransientBuffer(ones([3]));
  readonly note = 'not a tensor';
  readonly #hidden = new Linear(1, 1);

  constructor() {
    super();
    this.alias = this.shared;
    this.tied = this.layers[0].weight;
  }

  forward(x: Tensor): Tensor {
    return this.shared.forward(this.layers[0].forward(x)).mul(this.scale).add(this.#hidden.bias === null ? 1 : 0);
  }
}

let zoo: Zoo;
beforeEach(() => {
  manualSeed(1);
  zoo = new Zoo();
});

describe('Module walks its attributes', () => {
  it('names modules, children, parameters and buffers in the order of assignment, each once', () => {
    expect([...zoo.namedModules()].map(([name]) => name)).toEqual(['', 'layers.0', 'layers.1.0', 'shared']);
    expect([...zoo.namedChildren()].map(([name]) => name)).toEqual(['layers.0', 'layers.1.0', 'shared']);
    expect([...zoo.children()]).toEqual([zoo.layers[0], zoo.layers[1][0], zoo.shared]);
    expect([...zoo.namedParameters()].map(([name]) => name)).toEqual(['scale', 'tied', 'layers.0.bias', 'layers.1.0.weight', 'shared.weight', 'shared.bias']);
    expect([...zoo.namedBuffers()].map(([name]) => name)).toEqual(['counts', 'mean', 'table']);
    expect([...zoo.parameters()]).toHaveLength(6);
    const [counts, mean, table, ...rest] = zoo.buffers();
    expect(counts === zoo.counts && mean === zoo.mean && table === zoo.table && rest.length === 0).toBe(true);
    expect(zoo.parameterCount()).toBe(2 + 4 + 2 + 6 + 2 + 2);
  });

  it('a tied tensor stands in the state dict under each name, a transient buffer under none', () => {
    expect([...zoo.stateDict().keys()]).toEqual([
      'scale', 'tied', 'counts', 'mean', 'layers.0.weight', 'layers.0.bias', 'layers.1.0.weight', 'shared.weight', 'shared.bias', 'alias.weight', 'alias.bias',
    ]);
  });

  it('a module inside itself does not go round in circles', () => {
    const child = new Sequential(new Linear(1, 1));
    Object.assign(child, { parent: child });
    expect([...child.stateDict().keys()]).toEqual(['0.weight', '0.bias']);
    expect(child.toString()).toContain('Sequential');
  });

  it('apply calls every module once, inner ones first', () => {
    const order: Module[] = [];
    expect(zoo.apply((module) => order.push(module))).toBe(zoo);
    expect(order).toEqual([zoo.shared, zoo.layers[1][0], zoo.layers[0], zoo]);
  });

  it('train and eval reach all modules', () => {
    zoo.eval();
    expect([...zoo.modules()].map(({ training }) => training)).toEqual([false, false, false, false]);
    zoo.layers[0].train();
    expect([...zoo.modules()].filter(({ training }) => training)).toEqual([zoo.layers[0]]);
  });
});

describe('state dicts', () => {
  it('go round through a file bit for bit, and share memory before', async () => {
    const other = new Zoo();
    const state = zoo.stateDict();
    state.get('mean')?.fill(7);
    expect(zoo.mean.toArray()).toEqual([7, 7]);
    expect(other.loadStateDict(await loadSafetensors(encodeSafetensors(state)))).toEqual({ missing: [], unexpected: [] });
    for (const [name, values] of other.stateDict()) expect(values.toTypedArray(), name).toEqual(state.get(name)?.toTypedArray());
    expect(other.tied === other.layers[0].weight).toBe(true);
  });

  it('that do not fit are refused in one report, and nothing changes', () => {
    const state = new Map(zoo.stateDict()).set('extra', ones([1])).set('mean', ones([3]));
    state.delete('scale');
    const before = new Map([...zoo.stateDict()].map(([name, values]) => [name, values.toArray()]));
    state.set('layers.0.bias', ones([2]));
    const load = () => zoo.loadStateDict(state);
    expect(load).toThrow(CheckpointError);
    expect(load).toThrow('loadStateDict: the state dict does not fit Zoo: missing: scale | unexpected: extra | mis-shaped: mean is [3] but must be [2]');
    expect(() => zoo.loadStateDict(state, { strict: false })).toThrow('does not fit Zoo: missing: scale | unexpected: extra | mis-shaped: mean');
    expect(new Map([...zoo.stateDict()].map(([name, values]) => [name, values.toArray()]))).toEqual(before);
    state.delete('mean');
    expect(zoo.loadStateDict(state, { strict: false })).toEqual({ missing: ['scale', 'mean'], unexpected: ['extra'] });
    expect(zoo.layers[0].bias?.toArray()).toEqual([1, 1]);
  });

  it('of any stack of layers go round', () => {
    const layer = fc.constantFrom(() => new Linear(3, 3), () => new LayerNorm(3), () => new GELU(), () => new Sequential(new Linear(3, 3), new Dropout(0)));
    fc.assert(fc.property(fc.array(layer, { maxLength: 5 }), (makers) => {
      const [a, b] = [0, 1].map(() => new Sequential(...makers.map((make) => make())));
      b.loadStateDict(a.stateDict());
      const x = randn([2, 3]);
      expect(b.forward(x).toTypedArray()).toEqual(a.forward(x).toTypedArray());
    }));
  });
});

describe('freeze', () => {
  it('takes parameters out of training, their gradients too, and unfreeze puts them back', () => {
    zoo.forward(randn([3, 2])).sum().backward();
    zoo.freeze();
    expect([...zoo.parameters()].every(({ requiresGrad, grad }) => !requiresGrad && grad === null)).toBe(true);
    zoo.shared.unfreeze();
    expect(zoo.parameterCount({ trained: true })).toBe(4);
    zoo.forward(randn([3, 2])).sum().backward();
    expect([...zoo.namedParameters()].filter(([, { grad }]) => grad !== null).map(([name]) => name)).toEqual(['shared.weight', 'shared.bias']);
  });
});

describe('to', () => {
  it('converts parameters and floating buffers, keeps ties, classes and requiresGrad, leaves integers', () => {
    zoo.layers[1][0].freeze();
    const before = zoo.scale;
    expect(zoo.to('float64')).toBe(zoo);
    expect(new Set([...zoo.parameters()].map(({ dtype }) => dtype))).toEqual(new Set(['float64']));
    expect([zoo.counts.dtype, zoo.mean.dtype, zoo.table.dtype]).toEqual(['int32', 'float64', 'float64']);
    expect(zoo.table instanceof TransientBuffer).toBe(true);
    expect(zoo.tied === zoo.layers[0].weight).toBe(true);
    expect(zoo.scale instanceof Parameter).toBe(true);
    expect(zoo.scale === before).toBe(false);
    expect(zoo.layers[1][0].weight.requiresGrad).toBe(false);
    expect(zoo.forward(randn([2, 2], { dtype: 'float64' })).dtype).toBe('float64');
    const same = zoo.scale;
    zoo.to('float64');
    expect(zoo.scale === same).toBe(true);
  });

  it('refuses a constant attribute before anything changes', () => {
    Object.defineProperty(zoo, 'mean', { writable: false });
    expect(() => zoo.to('float64')).toThrow('to: mean is a constant attribute that cannot be replaced; make it writable');
    expect(zoo.scale.dtype).toBe('float32');
  });
});

describe('functionalCall', () => {
  it('lets other tensors stand for all places of a tensor, and puts the own ones back, also after an error', () => {
    const weight = zoo.layers[0].weight;
    const other = zeros([2, 2], { requiresGrad: true });
    const result = functionalCall(zoo, new Map([['layers.0.weight', other]]), () => [zoo.tied, zoo.layers[0].weight, zoo.forward(ones([1, 2])).sum()] as const);
    expect(result[0] === other && result[1] === other).toBe(true);
    result[2].backward();
    expect(other.grad === null).toBe(false);
    expect(() => functionalCall(zoo, new Map([['scale', zeros([2])]]), () => { throw new Error('inside'); })).toThrow('inside');
    expect(zoo.tied === weight && zoo.layers[0].weight === weight).toBe(true);
    expect(zoo.scale.toArray()).toEqual([1, 1]);
  });

  it('refuses unknown names, other shapes and asynchronous callbacks', () => {
    expect(() => functionalCall(zoo, new Map([['nothing', zeros([2])]]), () => 0)).toThrow('functionalCall: Zoo has no tensor nothing; it has scale, tied');
    expect(() => functionalCall(zoo, new Map([['scale', zeros([3])]]), () => 0)).toThrow('functionalCall: scale is [2], so [3] cannot stand for it');
    expect(() => functionalCall(zoo, new Map(), async () => 0)).toThrow('must not be asynchronous');
  });
});

describe('printing', () => {
  const model = () => new Sequential(new Linear(1000, 16), new GELU(), ...[1, 2, 3].map(() => new Sequential(new Linear(16, 16), new Dropout(0.1))), new Linear(16, 2));

  it('shows classes, settings and counts of parameters; equal neighbours share a line', () => {
    const shown = model();
    shown[0].freeze();
    expect(shown.toString()).toBe([
      'Sequential, 16,866 parameters, 850 trained',
      '  0: Linear(1000 → 16), 16,016 parameters, frozen',
      '  1: GELU',
      '  2–4: 3 × Sequential, 272 parameters each',
      '    0: Linear(16 → 16), 272 parameters',
      '    1: Dropout(0.1)',
      '  5: Linear(16 → 2), 34 parameters',
    ].join('\n'));
  });

  it('is what Node shows, indented inside other objects, short below its depth', () => {
    expect(inspect(new Sequential(new Linear(1, 1)))).toBe('Sequential, 2 parameters\n  0: Linear(1 → 1), 2 parameters');
    expect(inspect({ model: new Sequential(new Linear(1, 1)) })).toContain('model: Sequential, 2 parameters\n    0: Linear');
    expect(inspect({ a: { b: { c: { model: new GELU() } } } })).toContain('[Object]');
    expect(inspect({ a: { b: { model: new Linear(1, 1) } } }, { depth: 1 })).not.toContain('parameters');
  });

  it('summarize tells the shapes that each module gave and leaves no trace', () => {
    const shown = model();
    manualSeed(3);
    const expected = randn([1]).item();
    manualSeed(3);
    const table = summarize(shown, () => shown.forward(zeros([4, 1000])));
    expect(randn([1]).item()).toBe(expected);
    expect(table.rows.map(({ output }) => output)).toEqual(['[4, 2]', ...Array.from({ length: 11 }, () => '[4, 16]'), '[4, 2]']);
    expect(table.rows.every(({ calls }) => calls === 1)).toBe(true);
    expect(String(table).split('\n')[0]).toMatch(/^module +output +parameters$/);
    expect(String(table)).toContain('  0: Linear       [4, 16]      16,016');
    expect(Object.keys(shown[0])).not.toContain('forward');
    expect(shown[0].forward(zeros([1, 1000])).requiresGrad).toBe(true);
    expect(() => summarize(shown, () => shown.forward(zeros([4, 3])))).toThrow('linear');
    expect(Object.getOwnPropertyDescriptor(shown[0], 'forward')).toBe(undefined);
  });
});

describe('containers', () => {
  it('Sequential composes its layers; ModuleList holds them by number', () => {
    const layers = [new Linear(2, 3), new GELU(), new Linear(3, 1)] as const;
    const model = new Sequential(...layers);
    const x = randn([4, 2]);
    expect(model.forward(x).toTypedArray()).toEqual(layers[2].forward(layers[1].forward(layers[0].forward(x))).toTypedArray());
    expect(model.length).toBe(3);
    expect([...model]).toEqual([...layers]);
    expect([...model.stateDict().keys()]).toEqual(['0.weight', '0.bias', '2.weight', '2.bias']);
    const list = new ModuleList([layers[0]]).append(layers[2]);
    expect(list[1]).toBe(layers[2]);
    expect([...list.stateDict().keys()]).toEqual(['0.weight', '0.bias', '1.weight', '1.bias']);
    expect(new Sequential().forward(x) === x).toBe(true);
    expect(new Identity().forward(x) === x).toBe(true);
    expect(() => new ModuleList([(() => 0) as unknown as Module])).toThrow('ModuleList: holds modules, not function');
  });

  it('more than ten layers keep their order', () => {
    const list = new ModuleList(Array.from({ length: 12 }, () => new Linear(1, 1, { bias: false })));
    expect([...list.stateDict().keys()]).toEqual(Array.from({ length: 12 }, (_, i) => `${i}.weight`));
  });
});
