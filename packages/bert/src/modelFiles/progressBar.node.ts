import { SingleBar } from 'cli-progress';
import type { DownloadProgress } from './hub.ts';

/** A bar on the terminal for one file; nothing where standard error is no terminal. */
export function progressBar(stream: NodeJS.WriteStream = process.stderr): { readonly report: (progress: DownloadProgress) => void; readonly stop: () => void } {
  if (!stream.isTTY) return { report: () => undefined, stop: () => undefined };
  const bar = new SingleBar({
    format: '{bar} {percentage}% · {text}', stream, barsize: 24, barCompleteChar: '█', barIncompleteChar: '░',
    clearOnComplete: true,
    // Its own handler would swallow Ctrl-C.
    gracefulExit: false,
    linewrap: false,
  });
  let begun = false;
  return {
    report({ repo, file, received, total }) {
      const text = { text: `${repo} ${file} · ${megabytes(received)} of ${megabytes(total)} MB` };
      if (begun) bar.update(received, text);
      else bar.start(total, received, text);
      begun = true;
    },
    stop: () => bar.stop(),
  };
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
