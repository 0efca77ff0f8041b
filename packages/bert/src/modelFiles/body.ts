import { CheckpointError } from '@strided/tensor/errors';
import type { HubOptions } from './hub.ts';

export interface BodyOf {
  /** What errors call the file. */
  readonly label: string;
  readonly repo: string;
  readonly file: string;
  readonly options: HubOptions;
  /** Bytes that there must be, where that is known better than from the response. */
  readonly size?: number;
}

/**
 * All of a response, with progress.
 * @throws CheckpointError where the connection was cut
 */
export async function readBody(response: Response, { label, repo, file, options, size }: BodyOf): Promise<Blob> {
  // A length of compressed content says nothing about what comes out.
  const stated = response.headers.get('content-encoding') === null ? response.headers.get('content-length') : null;
  const total = size ?? (stated === null ? null : Number(stated));
  const report = typeof options.progress === 'function' ? options.progress : null;
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let received = 0;
  try {
    const reader = response.body?.getReader();
    for (let part = await reader?.read(); part !== undefined && !part.done; part = await reader?.read()) {
      chunks.push(part.value);
      received += part.value.length;
      report?.({ repo, file, received, total: total ?? received });
    }
  } catch (cause) {
    throw cutShort(label, received, total, cause);
  }
  if (total !== null && received !== total) throw cutShort(label, received, total);
  return new Blob(chunks);
}

export function cutShort(label: string, received: number, total: number | null, cause?: unknown): CheckpointError {
  const of = total === null ? '' : ` of ${total}`;
  return new CheckpointError(`${label}: the download ended after ${received}${of} bytes and nothing of it was kept; check the network and try again`, { cause });
}
