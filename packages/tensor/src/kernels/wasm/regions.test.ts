import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Heap } from './heap.ts';
import { Regions, type Block } from './regions.ts';

/** Whether two of the blocks have bytes in common; an empty one has none. */
function meet(blocks: readonly Block[]): boolean {
  const sorted = blocks.filter(({ bytes }) => bytes > 0).sort((a, b) => a.address - b.address);
  return sorted.some((block, i) => i > 0 && sorted[i - 1].address + sorted[i - 1].bytes > block.address);
}

const page = 4096;
const sizes = fc.oneof({ arbitrary: fc.integer({ min: 1, max: 20 }), weight: 3 }, fc.integer({ min: 256, max: 320 })).map((n) => n * 64);
const isLarge = (bytes: number): boolean => bytes >= 16384;
const steps = fc.array(fc.record({ take: fc.boolean(), bytes: sizes, which: fc.nat() }), { maxLength: 60 });

describe('Regions', () => {
  it('gives blocks that do not meet, large ones from the start of a page, uses again what was given back, and ends empty', () => {
    fc.assert(fc.property(steps, (program) => {
      const regions = new Regions(64);
      const held: Block[] = [];
      let reached = 64;
      for (const { take, bytes, which } of program) {
        if (take || held.length === 0) {
          held.push({ address: regions.take(bytes, (end) => (reached = Math.max(reached, end))), bytes });
        } else {
          regions.give(held.splice(which % held.length, 1)[0]);
        }
        expect(held.every(({ address, bytes: size }) => !isLarge(size) || address % page === 0)).toBe(true);
        const inUse = held.reduce((sum, block) => sum + block.bytes, 0);
        expect(meet(held)).toBe(false);
        expect(inUse + regions.freeBytes).toBe(regions.end - 64);
      }
      for (const block of held) regions.give(block);
      expect([regions.end, regions.freeBytes]).toEqual([64, 0]);
      expect(reached - 64).toBeLessThanOrEqual(program.reduce((sum, { bytes }) => sum + bytes + (isLarge(bytes) ? page : 0), 0));
    }));
  });

  it('leaves what lies before and behind a large block for others', () => {
    const regions = new Regions(64);
    expect([20_480, 64, 4032 - 64].map((bytes) => regions.take(bytes, () => {}))).toEqual([page, 64, 128]);
    expect(regions.freeBytes).toBe(0);
    regions.give({ address: page, bytes: 20_480 });
    expect([16_384, 4096].map((bytes) => regions.take(bytes, () => {}))).toEqual([page, page + 16_384]);
  });

  it('changes nothing when there is no more', () => {
    const regions = new Regions(0);
    expect(() => regions.take(64, () => {
      throw new Error('full');
    })).toThrow('full');
    expect(regions.take(64, () => {})).toBe(0);
  });
});

describe('the stack of a heap', () => {
  it('gives memory that meets neither what is below nor what is reserved, and takes it back in order', () => {
    fc.assert(fc.property(fc.array(fc.record({ what: fc.constantFrom('push', 'open', 'close', 'reserve', 'free'), bytes: fc.nat({ max: 400_000 }) }), { maxLength: 80 }), (program) => {
      const heap = new Heap(new WebAssembly.Memory({ initial: 1, maximum: 1024 }));
      const marks: { readonly mark: Heap['mark']; readonly count: number }[] = [];
      const pushed: Block[] = [];
      const reserved: Block[] = [];
      for (const { what, bytes } of program) {
        if (what === 'push') pushed.push({ address: heap.allocate(bytes), bytes });
        if (what === 'reserve') reserved.push(heap.reserve(bytes));
        if (what === 'free' && reserved.length > 0) heap.free(reserved.splice(bytes % reserved.length, 1)[0]);
        if (what === 'open') marks.push({ mark: heap.mark, count: pushed.length });
        const closed = what === 'close' ? marks.pop() : undefined;
        if (closed !== undefined) {
          heap.release(closed.mark);
          pushed.length = closed.count;
        }
        expect(meet([...pushed, ...reserved])).toBe(false);
        expect([...pushed, ...reserved].every((block) => block.address % 64 === 0 && block.address + block.bytes <= heap.size)).toBe(true);
      }
      while (marks.length > 0) heap.release((marks.pop() as typeof marks[number]).mark);
    }));
  });
});
