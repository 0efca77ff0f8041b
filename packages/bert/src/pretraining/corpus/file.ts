import { FormatError } from '@strided/tensor/errors';
import { type Corpus, type CorpusKind, readCorpus, type TextFile } from './corpus.ts';

/**
 * A corpus in files, which may be larger than memory: opening reads it once and keeps 24 bytes a block (where it starts
 * and ends, its line, how many sentences it has); a block's text is read when it is asked for.
 *
 * @example
 * const corpus = await FileCorpus.open([await openTextFile('corpus.txt')], 'documents');
 */
export class FileCorpus implements Corpus {
  readonly name: string;
  readonly kind: CorpusKind;
  readonly sentenceCount: number;
  readonly #index: BlockIndex;

  private constructor(kind: CorpusKind, index: BlockIndex) {
    this.name = index.files.map((file) => file.name).join(', ');
    this.kind = kind;
    this.#index = index;
    this.sentenceCount = index.counts.reduce((sum, count) => sum + count, 0);
  }

  /**
   * Reads the files through once. Documents do not go on from one file to the next.
   *
   * @throws FormatError naming file and line of anything that is not a corpus of that kind; see `readCorpus`
   */
  static async open(files: readonly TextFile[], kind: CorpusKind): Promise<FileCorpus> {
    if (files.length === 0) throw new FormatError('corpus: no file was given; name at least one');
    const starts = new GrowingNumbers();
    const ends = new GrowingNumbers();
    const counts = new GrowingNumbers();
    const lines = new GrowingNumbers();
    const firstBlocks: number[] = [];
    for (const file of files) {
      firstBlocks.push(starts.length);
      for await (const block of readCorpus(file.chunks(), file.name, kind)) {
        starts.push(block.offset);
        ends.push(block.end);
        lines.push(block.line);
        counts.push(block.sentences.length);
      }
    }
    return new FileCorpus(kind, {
      files,
      firstBlocks,
      starts: starts.toArray(),
      ends: ends.toArray(),
      lines: Uint32Array.from(lines.toArray()),
      counts: Uint32Array.from(counts.toArray()),
    });
  }

  get blockCount(): number {
    return this.#index.counts.length;
  }

  sentencesIn(block: number): number {
    return this.#index.counts[block];
  }

  /** @throws FormatError where the file is not what it was when it was opened */
  async readBlock(block: number): Promise<readonly string[]> {
    const { files, firstBlocks, starts, ends, lines, counts } = this.#index;
    let which = firstBlocks.length - 1;
    while (firstBlocks[which] > block) which--;
    const file = files[which];
    const changed = (): FormatError =>
      new FormatError(`${file.name}:${lines[block]}: the file has changed since it was opened; do not edit a corpus in training, start again`);
    const bytes = await file.read(starts[block], ends[block]);
    if (bytes.length !== ends[block] - starts[block]) throw changed();
    const found: string[] = [];
    try {
      for await (const { sentences } of readCorpus(once(bytes), file.name, this.kind)) found.push(...sentences);
    } catch {
      throw changed();
    }
    if (found.length !== counts[block]) throw changed();
    return found;
  }
}

interface BlockIndex {
  readonly files: readonly TextFile[];
  /** The first block of each file. */
  readonly firstBlocks: readonly number[];
  readonly starts: Float64Array;
  readonly ends: Float64Array;
  readonly lines: Uint32Array;
  readonly counts: Uint32Array;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Numbers appended to a typed array that doubles: an array of numbers would take as much again while it grows. */
class GrowingNumbers {
  #values = new Float64Array(1024);
  length = 0;

  push(value: number): void {
    if (this.length === this.#values.length) {
      const larger = new Float64Array(2 * this.length);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.length++] = value;
  }

  toArray(): Float64Array {
    return this.#values.slice(0, this.length);
  }
}
