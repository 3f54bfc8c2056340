import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, onTestFinished, test } from 'vitest';

import { headwater, start } from './headwater-process.js';

/** A folder with `real.jsonl`: 30 texts of two kinds with a vector each, all different. */
function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'headwater-cli-explore-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const lines = Array.from({ length: 30 }, (_, n) => {
    const [sin, cos] = [Math.sin(n), Math.cos(n)];
    return JSON.stringify({ text: `Text ${n}\nof two lines`, kind: n < 10 ? 'few' : 'many', v: [sin, cos, sin * cos] });
  });
  writeFileSync(join(dir, 'real.jsonl'), `${lines.join('\n')}\n`);
  return dir;
}

test('--json prints one document with the picks and nothing else on standard output', async () => {
  const args = ['explore', 'real.jsonl', '--vectors', 'v', '--pick', '5', '--first', '7', '--seed', '3', '--json'];
  const { code, stdout } = await headwater(folder(), args);
  expect(code).toBe(0);
  const document = JSON.parse(stdout);
  expect(document).toMatchObject({
    file: 'real.jsonl',
    count: 30,
    skipped: { count: 0, reasons: {}, first: [] },
    criterion: 'variance',
    lengthScale: expect.any(Number),
    informative: true,
    vectors: 'v',
    seed: 3,
  });
  expect(document.picks).toHaveLength(5);
  expect(document.picks[0]).toEqual({ index: 7, variance: 1 });
  for (const name of JSON.stringify(document).matchAll(/"([^"]+)":/g)) expect(name[1]).toMatch(/^[a-z][A-Za-z0-9]*$/);
});

test('--bandwidth is another name of --length-scale', async () => {
  const dir = folder();
  const named = ['--length-scale', '--bandwidth'];
  const printed = await Promise.all(
    named.map((name) => headwater(dir, ['explore', 'real.jsonl', '--vectors', 'v', name, '0.7', '--json'])),
  );
  const [one, other] = printed.map(({ stdout }) => ({ ...JSON.parse(stdout), seconds: 0 }));
  expect(one).toEqual(other);
  expect(one.lengthScale).toBe(0.7);
});

test('a table for people: labels that take turns, and the start of each text in a line', async () => {
  const args = ['explore', 'real.jsonl', '--vectors', 'v', '--by', 'kind', '--pick', '4'];
  const { code, stdout } = await headwater(folder(), args);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^pick +index +variance +label +text$/m);
  expect(stdout).toMatch(/^ +1 +\d +1\.000000 +few +Text \d of two lines$/m);
  expect(stdout).toMatch(/^ +4 +\d\d +0\.\d{6} +many +Text \d\d of two lines$/m);
});

test('of ready-made vectors, the texts beside them are shown, and not ids or labels', async () => {
  const dir = folder();
  const lines = Array.from({ length: 5 }, (_, n) =>
    JSON.stringify({ id: `id-${n}`, kind: 'few', body: `Body ${n}`, v: [Math.sin(n), Math.cos(n)] }),
  );
  writeFileSync(join(dir, 'shard.jsonl'), lines.join('\n'));
  const { stdout, stderr } = await headwater(dir, ['explore', 'shard.jsonl', '--vectors', 'v', '--pick', '2']);
  expect(stdout).toMatch(/^ +1 +(\d) +1\.000000 +Body \1$/m);
  expect(stderr).toContain('vectors from v');
});

test('a sample of many records is explored, and told of', async () => {
  const dir = folder();
  const args = ['explore', 'real.jsonl', '--vectors', 'v', '--pick', '4', '--sample', '12'];
  const [table, document] = await Promise.all([headwater(dir, args), headwater(dir, [...args, '--json'])]);
  expect(table.stdout).toContain('real.jsonl: 30 records, of which a sample of 12 is explored (--sample)');
  expect(JSON.parse(document.stdout)).toMatchObject({ count: 30, sampled: 12 });
  // the text beside a pick is that of the row in the file
  expect(table.stdout).toMatch(/^ +1 +(\d+) +1\.000000 +Text \1 of two lines$/m);
});

test('an uninformative kernel is said', async () => {
  const args = ['explore', 'real.jsonl', '--vectors', 'v', '--length-scale', '1e-4'];
  const { code, stdout } = await headwater(folder(), args);
  expect(code).toBe(0);
  expect(stdout).toContain('The kernel is uninformative');
});

describe('what is wrong ends with 2, one sentence and no stack:', () => {
  test.each([
    ['more picks than records', ['--pick', '31'], /--pick 31: real\.jsonl has 30 records to pick from/],
    ['a criterion that is none', ['--criterion', 'best'], /expected variance or integrated/],
    ['no picks', ['--pick', '0'], /expected a whole number from 1/],
    ['a length scale of 0', ['--length-scale', '0'], /expected a positive number or median/],
    ['two length scales', ['--length-scale', '1', '--bandwidth', '2'], /--bandwidth is another name of --length-scale/],
    ['a first row that is none', ['--first', '-1'], /expected a whole number from 0/],
    ['an unknown label', ['--by', 'label'], /has no column 'label' for --by: it has text, kind, v/],
  ])('%s', async (_, args, message) => {
    const { code, stdout, stderr } = await headwater(folder(), ['explore', 'real.jsonl', '--vectors', 'v', ...args]);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});

test('Ctrl-C ends it with 130, also while it waits for standard input', async () => {
  const exploring = start(folder(), ['explore', '-', '--vectors', 'v']);
  await exploring.says(/reading standard input/);
  exploring.signal('SIGINT');
  const { code, stderr } = await exploring.ended;
  expect(code).toBe(130);
  expect(stderr).not.toMatch(/^\s+at /m);
});

test('a CSV on standard input is known by the column that is named', async () => {
  const dir = folder();
  const lines = Array.from({ length: 12 }, (_, n) => `${n},"a, ${n}","[${Math.sin(n)}, ${Math.cos(n)}]"`);
  const exploring = start(dir, ['explore', '-', '--vectors', 'v', '--pick', '3', '--json']);
  exploring.write(`id,text,v\n${lines.join('\n')}\n`);
  const { code, stdout } = await exploring.ended;
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ file: '-', count: 12, skipped: { count: 0 } });
  const other = start(dir, ['explore', '-', '--vectors', 'w']);
  other.write(`id,text,v\n${lines.join('\n')}\n`);
  const refused = await other.ended;
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(
    /standard input has no column 'w': it is read as plain text.*CSV or TSV header with 'w'/,
  );
});

test('Ctrl-C ends it with 130 while it picks, of which it tells', async () => {
  const dir = folder();
  const vector = (n: number) => Array.from({ length: 8 }, (_, i) => Math.sin(n * (i + 1.3)));
  const lines = Array.from({ length: 6000 }, (_, n) => JSON.stringify({ v: vector(n) }));
  writeFileSync(join(dir, 'many.jsonl'), `${lines.join('\n')}\n`);
  const exploring = start(dir, [
    'explore',
    'many.jsonl',
    '--vectors',
    'v',
    '--pick',
    '5000',
    '--criterion',
    'integrated',
  ]);
  await exploring.says(/ of 5000 picks/);
  exploring.signal('SIGINT');
  const { code, stdout, stderr } = await exploring.ended;
  expect([code, stdout]).toEqual([130, '']);
  expect(stderr).not.toMatch(/^\s+at /m);
});
