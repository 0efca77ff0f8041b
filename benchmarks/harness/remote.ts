import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Racer } from './bench.ts';

/**
 * A process that computes for a bench, in any language. One JSON object a line goes to its stdin, one comes back:
 *   { do: 'prepare', problem }   → { able: boolean }: it computed the problem once, or cannot
 *   { do: 'first', problem }     → { able, nanoseconds, numbers }: how long it took from nothing but its imports to the result
 *   { do: 'numbers' }            → { numbers: base64 of float32 }
 *   { do: 'round', duration }    → { samples: nanoseconds each run took }
 *   { do: 'memory' }             → { bytes: the most it has had in memory }
 * or { error: message }. Before the first question it says { ready: true }, or an error. It ends with its stdin.
 */
export class Remote {
  readonly name: string;
  readonly threads: number;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #answers: AsyncIterator<string>;

  private constructor(name: string, threads: number, child: ChildProcessByStdio<Writable, Readable, null>) {
    this.name = name;
    this.threads = threads;
    this.#child = child;
    this.#answers = createInterface({ input: child.stdout, crlfDelay: Infinity })[Symbol.asyncIterator]();
    // What goes to a process that has ended is answered by its end.
    child.stdin.on('error', () => {});
  }

  /** Starts a process and waits until it is ready. */
  static async start(name: string, threads: number, command: string, parameters: readonly string[]): Promise<Remote> {
    const child = spawn(command, parameters, { stdio: ['pipe', 'pipe', 'inherit'] });
    const remote = new Remote(name, threads, child);
    const failed = new Promise<never>((_, reject) => child.once('error', reject));
    try {
      await Promise.race([remote.#answer(), failed]);
    } catch (error) {
      remote.close();
      throw error;
    }
    return remote;
  }

  async #answer(): Promise<Record<string, unknown>> {
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`its process ended (${this.#child.signalCode ?? this.#child.exitCode ?? 'no exit code yet'})`);
    const answer = JSON.parse(value) as Record<string, unknown>;
    if (typeof answer['error'] === 'string') throw new Error(answer['error']);
    return answer;
  }

  /** Makes what a problem needs and computes it once; null where the library cannot. */
  async first(problem: unknown): Promise<{ readonly nanoseconds: number; readonly numbers: Float32Array } | null> {
    const answer = await this.ask<{ able: boolean; nanoseconds: number; numbers: string }>({ do: 'first', problem });
    return answer.able ? { nanoseconds: answer.nanoseconds, numbers: decode(answer.numbers) } : null;
  }

  async ask<T>(question: Readonly<Record<string, unknown>>): Promise<T> {
    this.#child.stdin.write(`${JSON.stringify(question)}\n`);
    return (await this.#answer()) as T;
  }

  /** A racer for a problem, or null where the library cannot compute it; the next one replaces it. */
  async racer(problem: unknown): Promise<Racer | null> {
    if (!(await this.ask<{ able: boolean }>({ do: 'prepare', problem })).able) return null;
    return {
      name: this.name,
      threads: this.threads,
      numbers: async () => decode((await this.ask<{ numbers: string }>({ do: 'numbers' })).numbers),
      round: async (duration) => (await this.ask<{ samples: number[] }>({ do: 'round', duration })).samples,
      peakMemory: async () => (await this.ask<{ bytes: number }>({ do: 'memory' })).bytes,
    };
  }

  close(): void {
    this.#child.stdin.end();
    this.#child.unref();
  }
}

function decode(text: string): Float32Array {
  const bytes = Buffer.from(text, 'base64');
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}
