import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { families } from '../auto.ts';
import { Fields } from '../fields.ts';
import { KeyMap, underPrefix } from './keys.ts';

describe('KeyMap', () => {
  const keys = new KeyMap([['layer.{i}.x.{p}', 'layers.{i}.{p}'], ['joined.{i}', ['q.{i}', 'k.{i}']], ['plain', 'other']]);

  it('renames whole names in both directions', () => {
    expect(keys.toModel('layer.12.x.weight')).toEqual(['layers.12.weight']);
    expect(keys.toCheckpoint('layers.0.bias')).toEqual({ key: 'layer.0.x.bias', part: 0, parts: 1 });
    for (const name of ['layer.012.x.weight', 'my.layer.1.x.weight', 'layer.1.x.weight.y', 'layer.a.x.weight', 'layerX1.x.weight', '']) expect(keys.toModel(name), name).toBeNull();
  });

  it('knows the parts of what the file joins', () => {
    expect(keys.toModel('joined.3')).toEqual(['q.3', 'k.3']);
    expect(keys.find('k.3')).toEqual({ key: 'joined.3', part: 1, parts: 2 });
  });

  it('names what has no name in the file', () => {
    expect(() => keys.toCheckpoint('nothing')).toThrow('the model\'s nothing has no name in the checkpoint');
  });

  it.each([...families.keys()])('goes there and back for every name of %s', (type) => {
    const family = families.get(type);
    if (family === undefined) throw new Error(type);
    const { encoder } = family.parse(new Fields({}, 'config.json'));
    const templates = [...underPrefix(family.prefix, family.bodyKeys(encoder)), ...(family.headKeys.maskedLm ?? [])];
    const map = new KeyMap(templates);
    fc.assert(fc.property(fc.constantFrom(...templates), fc.nat(40), fc.constantFrom('weight', 'bias'), ([key, names], i, p) => {
      const fill = (template: string): string => template.replace('{i}', String(i)).replace('{p}', p);
      const own = (typeof names === 'string' ? [names] : names).map(fill);
      expect(map.toModel(fill(key))).toEqual(own);
      own.forEach((name, part) => expect(map.toCheckpoint(name)).toEqual({ key: fill(key), part, parts: own.length }));
    }));
  });
});
