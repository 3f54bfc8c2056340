import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { HeadwaterProcess, headwater, program, start } from './headwater-process.js';

/** A folder with vectors of two labels: real ones half and half, candidates ten to one. */
function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'headwater-cli-align-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const line = (n: number, isFirst: boolean) => {
    const [a, b] = [1 + 0.3 * Math.sin(7 * n), 0.4 * Math.cos(5 * n)];
    return `${JSON.stringify({ label: isFirst ? 'ham' : 'spam', v: isFirst ? [a, b, 0.2] : [b, 0.2, a] })}\n`;
  };
  const lines = (count: number, every: number) => Array.from({ length: count }, (_, n) => line(n, n % every === 0));
  writeFileSync(join(dir, 'real.jsonl'), lines(80, 2).join(''));
  writeFileSync(join(dir, 'made.jsonl'), lines(66, 11).join(''));
  return dir;
}

const files = ['real.jsonl', 'made.jsonl', '--vectors', 'v'];

test('--json prints one document in camelCase and nothing else on standard output', async () => {
  const dir = folder();
  const args = ['align', ...files, '--by', 'label', '--out', 'weights.csv', '--json'];
  const { code, stdout } = await headwater(dir, args);
  expect(code).toBe(0);
  const alignment = JSON.parse(stdout);
  expect(alignment).toMatchObject({
    count: 66,
    effectiveSampleSize: expect.any(Number),
    mmd2Before: expect.any(Number),
    mmd2After: expect.any(Number),
    maxWeight: expect.any(Number),
    labels: [
      { label: 'ham', real: 0.5, count: 6 },
      { label: 'spam', real: 0.5 },
    ],
    kernel: { name: 'rbf', bandwidth: expect.any(Number) },
    skipped: { real: { count: 0 }, candidates: { count: 0 } },
    out: 'weights.csv',
    gap: expect.any(Number),
    seconds: expect.any(Number),
  });
  expect(alignment.mmd2After).toBeLessThan(alignment.mmd2Before);
  for (const { after } of alignment.labels) expect(after).toBeCloseTo(0.5, 9);
  for (const name of stdout.matchAll(/"([^"]+)":/g)) expect(name[1]).toMatch(/^[a-z][A-Za-z0-9]*$/);
  const [head, ...rows] = readFileSync(join(dir, 'weights.csv'), 'utf8').trimEnd().split('\n');
  expect([head, rows.length]).toEqual(['index,weight', 66]);
});

test('a table for people, without colour; the same seed gives the same file', async () => {
  const dir = folder();
  const run = (out: string) =>
    headwater(dir, ['align', ...files, '--resample', '30', '--seed', '4', '--cap', '8', '--out', out]);
  const [one] = await Promise.all([run('a.parquet'), run('b.parquet')]);
  expect(one?.code).toBe(0);
  expect(one?.stdout).toMatch(/^MMD² +0\.\d+ +0\.\d+$/m);
  expect(one?.stderr).toContain('vectors from v');
  expect(one?.stdout).toMatch(/^30 drawn, \d+ of them different$/m);
  expect((one?.stdout ?? '') + one?.stderr).not.toContain('\u001b');
  expect(readFileSync(join(dir, 'a.parquet'))).toEqual(readFileSync(join(dir, 'b.parquet')));
});

test('candidates come from standard input', async () => {
  const dir = folder();
  const aligning = start(dir, ['align', 'real.jsonl', '-', '--vectors', 'v', '--json']);
  aligning.write(readFileSync(join(dir, 'made.jsonl'), 'utf8'));
  const { code, stdout, stderr } = await aligning.ended;
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ count: 66, candidates: { file: '-' } });
  expect(stderr).toContain('reading standard input');
});

test.each([
  ['a missing file', ['real.jsonl', 'none.jsonl', '--vectors', 'v'], /none\.jsonl does not exist/],
  [
    'an unknown column of labels',
    [...files, '--by', 'kind'],
    /no column 'kind' for --by: it has label, v; name one of them, or leave --by out/,
  ],
  ['an unknown column of vectors', ['real.jsonl', 'made.jsonl', '--vectors', 'w'], /no column 'w'/],
  ['a cap below 1', [...files, '--cap', '0.1'], /--cap: expected a number from 1, got 0\.1/],
  ['a ridge that is no number', [...files, '--regularization', 'x'], /expected a number/],
  ['an unknown objective', [...files, '--objective', 'mean'], /expected kernel or projections/],
  ['a file of no format', [...files, '--out', 'weights'], /--out: expected a file that ends in \.parquet/],
  ['no replacement of nothing', [...files, '--without-replacement'], /--without-replacement: expected --resample/],
  ['one file only', ['real.jsonl'], /missing required argument 'candidates'/],
])('%s ends with 2, one sentence and no stack', async (_, args, message) => {
  const { code, stdout, stderr } = await headwater(folder(), ['align', ...args]);
  expect(code).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toMatch(message);
  expect(stderr).not.toMatch(/^ +at /m);
});

test.each([
  ['a file', 'made.jsonl', ''],
  ['standard input', '-', ' < made.jsonl'],
])('weights never overwrite the candidates, from %s', async (_, candidates, redirected) => {
  const dir = folder();
  const before = readFileSync(join(dir, 'made.jsonl'), 'utf8');
  const args = [...program, 'align', 'real.jsonl', candidates, '--vectors', 'v', '--out', './made.jsonl'];
  const line = args.map((arg) => `'${arg}'`).join(' ') + redirected;
  const { code, stdout, stderr } = await new HeadwaterProcess(['sh', '-c', line], dir, {}).ended;
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(
    /--out: \.\/made\.jsonl is read as a part of (made\.jsonl|standard input), and would be overwritten/,
  );
  expect(readFileSync(join(dir, 'made.jsonl'), 'utf8')).toBe(before);
});

test('Ctrl-C ends it with 130 while it solves, of which it tells', async () => {
  const dir = folder();
  const lines = (seed: number) =>
    Array.from({ length: 5000 }, (_, n) =>
      JSON.stringify({ v: Array.from({ length: 32 }, (_, i) => Math.sin(seed + n * (i + 1.3))) }),
    );
  writeFileSync(join(dir, 'many.jsonl'), `${lines(1).join('\n')}\n`);
  writeFileSync(join(dir, 'others.jsonl'), `${lines(2).join('\n')}\n`);
  const hard = ['--regularization', '0', '--min-effective-share', '0.97'];
  const aligning = start(dir, ['align', 'many.jsonl', 'others.jsonl', '--vectors', 'v', ...hard]);
  await aligning.says(/(kernel|weights): /);
  aligning.signal('SIGINT');
  const { code, stdout, stderr } = await aligning.ended;
  expect([code, stdout]).toEqual([130, '']);
  expect(stderr).not.toMatch(/^\s+at /m);
});
