import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { progressBar } from '../../packages/bert/src/modelFiles/progressBar.node.ts';

/** A terminal that keeps what is written to it. */
class Terminal extends Writable {
  readonly columns = 80;
  readonly isTTY: boolean;
  text = '';

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }

  cursorTo(): void {}
  clearLine(): void {}
  moveCursor(): void {}
}

const downloaded = (isTTY: boolean): string => {
  const terminal = new Terminal(isTTY);
  const bar = progressBar(terminal as unknown as NodeJS.WriteStream);
  for (const received of [0, 45_000_000, 90_000_000]) bar.report({ repo: 'org/name', file: 'model.safetensors', received, total: 90_000_000 });
  bar.stop();
  return terminal.text;
};

it('a terminal sees a bar with the file and its megabytes', () => {
  const text = downloaded(true);
  expect(text).toContain('░');
  expect(text).toContain('0% · org/name model.safetensors · 0.0 of 90.0 MB');
});

it('what is no terminal sees nothing', () => {
  expect(downloaded(false)).toBe('');
});
