import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const script = join(import.meta.dirname, 'threads.child.ts');

/** Plays a scene in a process of its own, which must end by itself and say nothing but its result. */
function play(scene: string, flags: readonly string[] = [], threads = '2'): unknown {
  const args = ['--conditions=strided-source', ...flags, script, scene];
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 50_000, env: { ...process.env, STRIDED_THREADS: threads } });
  expect({ signal, stderr }).toEqual({ signal: null, stderr: '' });
  expect(status).toBe(scene === 'exits' ? 7 : 0);
  return JSON.parse(stdout);
}

describe('threads in a process of their own', () => {
  it('ready() waits for every worker, workers do their parts, and the process ends by itself', () => {
    expect(play('ready')).toEqual({ count: 2, threadsReady: true, memory: 'shared', shared: true });
  });

  it('start with the first large work, and join while the program never yields', () => {
    expect(play('synchronous')).toEqual({ before: false, workers: 0, shared: true });
  });

  it('small work is not split', () => {
    expect(play('small')).toEqual({ parts: 0, shared: true });
  });

  it('a worker that dies leaves its work to the others, without a word', () => {
    expect(play('dies')).toEqual({ shared: true, count: 1, threadsReady: true, right: true });
  });

  it('where no worker may start one thread computes, without a word', () => {
    expect(play('refused', ['--permission', '--allow-fs-read=*'])).toEqual({ count: 1, threadsReady: true, right: true });
  });

  it('their number changes, and those that run stay', () => {
    expect(play('changes')).toEqual({ counts: [2, 1, 3], workers: 2, ready: true, shared: true });
  });

  it('a level that comes back finds its workers', () => {
    expect(play('levels')).toEqual({ workers: 2, shared: true });
  });

  it('process.exit ends them', () => {
    expect(play('exits')).toEqual({ shared: true });
  });

  it('sleep while there is nothing to do, and wake up again', () => {
    expect(play('sleeps')).toEqual({ idle: true, shared: true });
  });

  it('as many as a host may be asked for', () => {
    expect(play('ready', [], '16')).toEqual({ count: 16, threadsReady: true, memory: 'shared', shared: true });
  });
});
