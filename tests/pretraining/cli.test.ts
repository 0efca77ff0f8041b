import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const cli = resolve(import.meta.dirname, '../../packages/bert/src/cli.ts');
const folder = mkdtempSync(join(tmpdir(), 'strided-cli-'));
const at = (name: string): string => join(folder, name);

function write(name: string, content: string | Uint8Array): string {
  writeFileSync(at(name), content);
  return at(name);
}

function runWith(flags: readonly string[], ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--conditions=strided-source', ...flags, cli, ...args], { encoding: 'utf8', cwd: folder });
  return { status, stdout, stderr };
}

const run = (...args: string[]) => runWith([], ...args);

const tiny = ['--hidden', '8', '--layers', '1', '--heads', '2', '--seq-len', '16', '--batch-size', '4', '--steps', '2', '--vocab-size', '60'];
const documents = Array.from({ length: 12 }, (_, i) => `the cat number ${i} sat on the mat .\nthen it went to sleep .\nnobody saw cat ${i} again .\n`).join('\n');

/** One line that says the file, what is wrong and what to do; nothing written. */
function expectRefusal(args: string[], message: RegExp): void {
  const before = readdirSync(folder).sort();
  const { status, stdout, stderr } = run(...args);
  expect(stderr).toMatch(message);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(stderr).not.toMatch(/\n\s+at /);
  expect(stdout).toBe('');
  expect(status).toBe(1);
  expect(readdirSync(folder).sort()).toEqual(before);
}

describe('strided-bert', () => {
  const good = write('good.txt', documents);

  it('learns a vocabulary, pretrains, and fills a mask with what it saved', () => {
    expect(run('vocab', '-c', good, '-o', at('vocab.txt'), '-s', '60')).toMatchObject({ status: 0 });
    expect(readFileSync(at('vocab.txt'), 'utf8').split('\n').slice(0, 5)).toEqual(['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']);
    const trained = run('pretrain', '-c', good, '-t', good, '-v', at('vocab.txt'), '-o', at('model'), ...tiny);
    expect(trained.stderr + trained.stdout).toMatch(/saved in .*report\.html/s);
    expect(trained.status).toBe(0);
    expect(readdirSync(at('model')).sort()).toEqual(['checkpoints', 'config.json', 'model.safetensors', 'report.html', 'vocab.txt']);
    const filled = run('fill-mask', '-m', at('model'), 'the [MASK] sat on the mat');
    expect(filled.stdout.trim().split('\n')).toHaveLength(5);
    expect(run('fill-mask', '-m', at('model'), 'no mask here')).toMatchObject({ status: 1, stderr: expect.stringContaining('[MASK]') as string });
  });

  it('takes pairs and whole words, as the original does', () => {
    const pairs = write('pairs.txt', Array.from({ length: 20 }, (_, i) => `first sentence ${i}\tsecond sentence ${i}`).join('\n'));
    const { status, stderr } = run('pretrain', '-c', pairs, '--pairs', '--kind', 'whitespace', '-o', at('pairs'), ...tiny);
    expect(stderr).not.toMatch(/Error/);
    expect(status).toBe(0);
    expect(readFileSync(join(at('pairs'), 'vocab.txt'), 'utf8')).toMatch(/^<pad>\n<unk>\n<eos>\n<sos>\n<mask>\n/);
  });

  it('refuses bad corpora in one line', () => {
    const to = ['-o', at('refused'), ...tiny];
    expectRefusal(['pretrain', '-c', at('nowhere.txt'), ...to], /nowhere\.txt/);
    expectRefusal(['pretrain', '-c', write('empty.txt', ''), ...to], /empty\.txt.*empty/);
    expectRefusal(['pretrain', '-c', write('binary.bin', Uint8Array.of(65, 10, 0, 1, 2)), ...to], /binary\.bin:2.*(binary|text)/i);
    expectRefusal(['pretrain', '-c', write('latin1.txt', Uint8Array.of(65, 10, 0xe9, 0x41)), ...to], /latin1\.txt:2.*UTF-8/);
    expectRefusal(['pretrain', '-c', write('notab.txt', 'a\tb\nno tab\n'), '--pairs', ...to], /notab\.txt:2.*tab/);
    expect(existsSync(at('refused'))).toBe(false);
  });

  it('refuses sizes that do not divide, numbers that are none, vocabularies that are none', () => {
    expectRefusal(['pretrain', '-c', good, '-o', at('refused'), ...tiny, '--heads', '3'], /8.*3|3.*8/);
    expectRefusal(['pretrain', '-c', good, '-o', at('refused'), ...tiny, '--layers', 'many'], /layers/);
    expectRefusal(['pretrain', '-c', good, '-o', at('refused'), ...tiny, '-v', good], /good\.txt/);
    expect(existsSync(at('refused'))).toBe(false);
  });

  it('closes its files, also when it refuses', () => {
    // Node warns when it collects one that is open.
    const collect = "process.once('beforeExit', async () => { gc(); await new Promise((done) => setTimeout(done, 50)); gc(); });";
    const flags = ['--expose-gc', '--import', `data:text/javascript,${encodeURIComponent(collect)}`];
    for (const [heads, message] of [['3', /^.*8.*3.*\n$/], ['2', /saved in/]] as const) {
      const { stdout, stderr } = runWith(flags, 'pretrain', '-c', good, '-t', good, '-o', at(`closed${heads}`), ...tiny, '--heads', heads);
      expect(stdout + stderr).toMatch(message);
      expect(stderr).not.toMatch(/file descriptor|FileHandle/);
    }
  });

  it('refuses a model that is cut off or of another shape', () => {
    run('pretrain', '-c', good, '-o', at('whole'), ...tiny);
    const weights = readFileSync(join(at('whole'), 'model.safetensors'));
    writeFileSync(join(at('whole'), 'model.safetensors'), weights.subarray(0, weights.length - 100));
    expectRefusal(['fill-mask', '-m', at('whole'), 'a [MASK]'], /model\.safetensors/);
    writeFileSync(join(at('whole'), 'model.safetensors'), weights);
    const config = join(at('whole'), 'config.json');
    writeFileSync(config, readFileSync(config, 'utf8').replace('"hidden": 8', '"hidden": 16'));
    expectRefusal(['fill-mask', '-m', at('whole'), 'a [MASK]'], /model\.safetensors.*mis-shaped/);
    writeFileSync(config, '{"vocab_size": 60, "hidden": 9, "attn_heads": 2}');
    expectRefusal(['fill-mask', '-m', at('whole'), 'a [MASK]'], /config\.json.*9.*2/);
    writeFileSync(config, '{"vocab_size": ');
    expectRefusal(['fill-mask', '-m', at('whole'), 'a [MASK]'], /config\.json.*JSON/);
  });

  it('resumes only where the checkpoint belongs, and says so in one line', () => {
    run('pretrain', '-c', good, '-o', at('resumed'), ...tiny);
    expectRefusal(['pretrain', '-c', good, '-o', at('resumed'), ...tiny], /checkpoints.*resume/s);
    expectRefusal(['pretrain', '-c', good, '-o', at('resumed'), ...tiny, '--hidden', '16', '--resume'], /step-.*another model/);
    const folder2 = join(at('resumed'), 'checkpoints');
    for (const file of readdirSync(folder2)) writeFileSync(join(folder2, file), readFileSync(join(folder2, file)).subarray(0, 500));
    expectRefusal(['pretrain', '-c', good, '-o', at('resumed'), ...tiny, '--resume'], /step-/);
  });
});
