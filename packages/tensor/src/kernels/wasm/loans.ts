import type { Heap } from './heap.ts';
import type { Block } from './regions.ts';

/** Who has blocks of a heap for as long as it lives. */
export interface Holder {
  /** Moves what it keeps in its blocks to somewhere else: they are about to be free. */
  giveBack(): void;
}

interface Loan {
  readonly heap: Heap;
  readonly blocks: readonly Block[];
  /** Looked at only when memory is short: a look keeps its target alive through the collection at hand. */
  readonly holder: WeakRef<Holder>;
}

/** The loans of each heap, oldest first. */
const loans = new Map<Heap, Set<Loan>>();

const registry = typeof FinalizationRegistry === 'undefined' ? null : new FinalizationRegistry<Loan>(free);

/** Whether memory that is lent ever comes back: some edge hosts have no finalisers. */
export const canLend = registry !== null && typeof WeakRef !== 'undefined';

/** What the language has had since ES2024. */
type ResizableConstructor = new (bytes: number, options: { readonly maxByteLength: number }) => ArrayBuffer;

/**
 * As many bytes as lie in a heap, never touched and so never real. A holder keeps it: by it the collector, which does not
 * see the heap, feels what the holder weighs. One that could be resized comes from the system itself: a plain one may be
 * made of memory that was free again, all of which the host fills with zeros.
 */
export function weightOf(bytes: number): ArrayBuffer {
  try {
    return new (ArrayBuffer as ResizableConstructor)(bytes, { maxByteLength: bytes });
  } catch {
    return new ArrayBuffer(0);
  }
}

/** A block, or null where there is no room: then nobody is asked to give any back. */
export function tryReserve(heap: Heap, bytes: number): Block | null {
  try {
    return heap.reserve(bytes);
  } catch {
    return null;
  }
}

/**
 * Lends blocks to `holder`: they are free again when it was collected, or when memory is short.
 *
 * @returns What ends the loan at once, when nobody needs the blocks any more.
 */
export function lend(heap: Heap, blocks: readonly Block[], holder: Holder): () => void {
  const loan: Loan = { heap, blocks, holder: new WeakRef(holder) };
  registry?.register(holder, loan, loan);
  let all = loans.get(heap);
  if (all === undefined) {
    all = new Set();
    loans.set(heap, all);
    heap.relieve = () => callIn(heap);
  }
  all.add(loan);
  return () => end(loan);
}

function free(loan: Loan): void {
  // It may have ended already.
  if (loans.get(loan.heap)?.delete(loan) === true) for (const block of loan.blocks) loan.heap.free(block);
}

function end(loan: Loan): void {
  registry?.unregister(loan);
  free(loan);
}

/** Calls in the oldest loan; false when there is none. */
function callIn(heap: Heap): boolean {
  for (const loan of loans.get(heap) ?? []) {
    // Of a holder that is gone, only the finaliser has not run yet.
    loan.holder.deref()?.giveBack();
    end(loan);
    return true;
  }
  return false;
}
