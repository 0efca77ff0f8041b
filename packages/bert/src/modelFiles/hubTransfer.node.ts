import { createHash, type Hash } from 'node:crypto';
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { CheckpointError } from '@strided/tensor/errors';
import { cutShort } from './body.ts';
import { temporaryName } from './hubCache.node.ts';

/** A file of the hub that is to be fetched. */
export interface Transfer {
  /** What errors call it. */
  readonly label: string;
  /** Its bytes, whose slices are fetched when they are read. */
  readonly blob: Blob;
  readonly size: number;
  /** Of large files the hub says the SHA-256. */
  readonly sha256: string | null;
  /** Where the bytes go, complete and checked, in one step. */
  readonly path: string;
  readonly report: (received: number) => void;
  /** An answer of the server that no repetition will change. */
  readonly refused: () => Error | null;
}

/** How often a connection may be cut without a byte in between. */
const TRIES = 5;
const FIRST_PAUSE = 100;

/**
 * Fetches a file; where the connection is cut it goes on from there.
 * @throws CheckpointError, with nothing left behind, where the bytes stay away or are not those that the hub announced
 */
export async function transfer(job: Transfer): Promise<void> {
  await mkdir(dirname(job.path), { recursive: true });
  const temporary = temporaryName(job.path);
  try {
    const handle = await open(temporary, 'wx');
    try {
      const hash = createHash('sha256');
      await receive(job, handle, hash);
      const digest = hash.digest('hex');
      if (job.sha256 !== null && digest !== job.sha256) {
        throw new CheckpointError(`${job.label}: what arrived has the SHA-256 ${digest}, not ${job.sha256}, and was not kept; fetch it again`);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, job.path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function receive({ label, blob, size, report, refused }: Transfer, handle: FileHandle, hash: Hash): Promise<void> {
  let done = 0;
  report(0);
  for (let failures = 0; done < size;) {
    const before = done;
    let cause: unknown;
    try {
      for await (const chunk of chunksOf(blob.slice(done, size))) {
        if (done + chunk.length > size) throw new CheckpointError(`${label}: more than the ${size} bytes that the hub announced arrive, and nothing was kept; fetch it again`);
        await write(handle, chunk);
        hash.update(chunk);
        done += chunk.length;
        report(done);
      }
    } catch (error) {
      const final = refused() ?? (error instanceof CheckpointError ? error : null);
      if (final !== null) throw final;
      cause = error;
    }
    failures = done > before ? 1 : failures + 1;
    if (done < size) {
      if (failures >= TRIES) throw cutShort(label, done, size, cause);
      await setTimeout(FIRST_PAUSE * 2 ** (failures - 1));
    }
  }
}

async function* chunksOf(blob: Blob): AsyncGenerator<Uint8Array> {
  const reader = blob.stream().getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

async function write(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length;) at += (await handle.write(chunk, at)).bytesWritten;
}
