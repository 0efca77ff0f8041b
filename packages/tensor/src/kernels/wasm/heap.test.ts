import { describe, expect, it } from 'vitest';
import { MemoryError } from '../../errors.ts';
import { Storage } from '../../storage.ts';
import { Heap } from './heap.ts';

const small = (): Heap => new Heap(new WebAssembly.Memory({ initial: 2, maximum: 4 }));

describe('Heap', () => {
  it('gives addresses that are multiples of 64 and do not meet', () => {
    const heap = small();
    const addresses = [1, 64, 65, 0, 3].map((bytes) => heap.allocate(bytes));
    expect(addresses.every((address) => address % 64 === 0)).toBe(true);
    expect(addresses.map((address) => address - addresses[0])).toEqual([0, 64, 128, 256, 256]);
  });

  it('takes back at the end of scratch what was allocated in it, also when it throws', () => {
    const heap = small();
    const before = heap.allocate(0);
    heap.scratch(() => heap.scratch(() => heap.allocate(1000)));
    expect(() => heap.scratch(() => {
      heap.allocate(1000);
      throw new Error('inside');
    })).toThrow('inside');
    expect(heap.allocate(0)).toBe(before);
    expect(heap.peak).toBe(1024);
  });

  it('is not looked into before other threads have finished', () => {
    const heap = small();
    const x = new Storage('float32', null, 4);
    x.settle({ memory: heap, address: heap.allocate(16) }, null);
    heap.f32.fill(0);
    let finished = 0;
    const looks: (() => unknown)[] = [() => heap.f32, () => heap.f64, () => heap.i32, () => heap.values('uint8'), () => heap.buffer, () => x.data, () => x.copyTo(new Float32Array(4)), () => heap.settle()];
    for (const look of looks) {
      heap.leave({ finish: () => finished++ });
      heap.scratch(() => heap.allocate(100));
      expect(finished).toBe(0);
      look();
      look();
      expect(finished).toBe(1);
      finished = 0;
    }
  });

  it('gives workspace at the same place until it must be larger, apart from all else', () => {
    const heap = new Heap(new WebAssembly.Memory({ initial: 2, maximum: 512 }));
    const first = heap.scratch(() => heap.workspace(20_000));
    const below = heap.allocate(100_000);
    expect([1, 20_000].map((bytes) => heap.workspace(bytes))).toEqual([first, first]);
    const larger = heap.workspace(300_000);
    const block = heap.reserve(50_000);
    const blocks = [{ address: below, bytes: 100_000 }, { address: larger, bytes: 300_000 }, block].toSorted((a, b) => a.address - b.address);
    for (let i = 1; i < blocks.length; i++) expect(blocks[i].address).toBeGreaterThanOrEqual(blocks[i - 1].address + blocks[i - 1].bytes);
    expect(heap.workspace(0)).toBe(larger);
    // More than a cache holds comes and goes with the stack.
    const { used } = heap;
    heap.scratch(() => expect(heap.workspace(9_000_000)).not.toBe(larger));
    expect([heap.used, heap.workspace(0)]).toEqual([used, larger]);
  });

  it('gives its workspace up for a call that would find no room', () => {
    const heap = new Heap(new WebAssembly.Memory({ initial: 2, maximum: 16 }));
    heap.workspace(600_000);
    let tries = 0;
    expect(heap.scratch(() => {
      tries++;
      return heap.allocate(700_000);
    })).toBeGreaterThan(0);
    expect(tries).toBe(2);
  });

  it('grows, and its views follow', () => {
    const heap = small();
    heap.f32[20000] = 7;
    const old = heap.f32;
    heap.allocate(100_000);
    expect(heap.size).toBeGreaterThan(131072);
    expect(old.length).toBe(0);
    expect(heap.f32[20000]).toBe(7);
    expect([heap.f32, heap.f64, heap.i32].map(({ buffer }) => buffer)).toEqual([heap.memory.buffer, heap.memory.buffer, heap.memory.buffer]);
  });

  it('says how much was asked for and what is in use when the host has no more, and stays usable', () => {
    const heap = small();
    heap.scratch(() => {
      heap.allocate(64_000);
      expect(() => heap.allocate(10_000_000)).toThrow(MemoryError);
      expect(() => heap.allocate(10_000_000)).toThrow(/no room for 10000000 more bytes of working memory: 64000 are in use and the host stops at/);
    });
    expect(heap.allocate(130_000)).toBeGreaterThan(0);
  });
});
