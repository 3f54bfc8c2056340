import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';

import { pull } from '../../engines/models/pull.js';
import { headwater, start } from './headwater-process.js';

beforeAll(async () => {
  await pull('wordllama-256');
}, 120_000);

const items = ['apples', 'eggs', 'books', 'pencils', 'shirts', 'stamps', 'chairs', 'cookies', 'tickets', 'coins'];
const people = ['Anna', 'Ben', 'Carla', 'David', 'Eva', 'Frank'];

/** Word problems that are all different. */
function problems(count: number, first = 0): readonly string[] {
  return Array.from({ length: count }, (_, i) => {
    const n = first + i;
    const [person, item] = [people[n % people.length], items[Math.floor(n / people.length) % items.length]];
    return `${person} buys ${n + 2} ${item} for ${(n % 7) + 1} dollars each. How many dollars does ${person} pay in all?`;
  });
}

/** A folder with `real.jsonl`, and `made.jsonl`, which copies one record and repeats another. */
function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'headwater-cli-compare-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const lines = (texts: readonly string[]) =>
    texts.map((text, i) => `${JSON.stringify({ id: `n${i}`, text })}\n`).join('');
  const [copy = ''] = problems(1);
  const own = problems(40, 500);
  writeFileSync(join(dir, 'real.jsonl'), lines(problems(60)));
  writeFileSync(join(dir, 'made.jsonl'), lines([...own, copy, own[0] ?? '']));
  return dir;
}

test('--json prints one document in camelCase and nothing else on standard output', async () => {
  const { code, stdout, stderr } = await headwater(folder(), ['compare', 'real.jsonl', 'made.jsonl', '--json']);
  expect(code).toBe(0);
  const comparison = JSON.parse(stdout);
  const figures = {
    meanCosine: expect.any(Number),
    vendi: expect.any(Number),
    distinct2: expect.any(Number),
    nearDuplicates: expect.any(Number),
    skipped: { count: 0, reasons: {}, first: [] },
  };
  expect(comparison).toMatchObject({
    real: { ...figures, file: 'real.jsonl', count: 60, exactDuplicates: 0 },
    synthetic: { ...figures, file: 'made.jsonl', count: 42, exactDuplicates: 1 },
    coverage: expect.any(Number),
    copies: { exact: 1 },
    mmd2: { unbiased: expect.any(Number), biased: expect.any(Number) },
    pValue: expect.any(Number),
    permutations: 1000,
    permuted: { real: 60, synthetic: 42 },
    kernel: { name: 'rbf', bandwidth: expect.any(Number) },
    fields: ['text'],
    embedder: 'static/wordllama-256',
  });
  for (const name of JSON.stringify(comparison).matchAll(/"([^"]+)":/g)) expect(name[1]).toMatch(/^[a-z][A-Za-z0-9]*$/);
  expect(stderr).toContain('comparing the field text (choose with --field)');
  expect(stderr).toMatch(/% of (pairs|permutations)/);
});

test('a table for people, without colour or redrawing in a pipe', async () => {
  const { code, stdout, stderr } = await headwater(folder(), ['compare', 'real.jsonl', 'made.jsonl']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ +real +synthetic$/m);
  expect(stdout).toMatch(/^records +60 +42$/m);
  expect(stdout).toMatch(/^exact duplicates +0 +1$/m);
  expect(stdout).toMatch(/^coverage +\d+\.\d % ±\d+\.\d %$/m);
  expect(stdout + stderr).not.toContain('\u001b');
});

test('the same seed prints the same document but for the time', async () => {
  const dir = folder();
  const args = ['compare', 'real.jsonl', 'made.jsonl', '--sample', '20', '--seed', '3', '--json'];
  const printed = await Promise.all([headwater(dir, args), headwater(dir, args)]);
  const [one, other] = printed.map(({ stdout }) => ({ ...JSON.parse(stdout), seconds: 0 }));
  expect(one).toEqual(other);
  expect(one.real.sampled).toBe(20);
});

test('--permutations, --kernel and --bandwidth say what the p-value is that of', async () => {
  const dir = folder();
  const printed = await Promise.all(
    [
      ['--permutations', '99', '--bandwidth', '0.5'],
      ['--permutations', '0', '--kernel', 'linear'],
      ['--permutations', '99', '--bandwidth', 'median', '--kernel', 'rbf'],
    ].map((args) => headwater(dir, ['compare', 'real.jsonl', 'made.jsonl', '--json', ...args])),
  );
  const [narrow, linear, median] = printed.map(({ stdout }) => JSON.parse(stdout));
  expect(narrow).toMatchObject({ permutations: 99, kernel: { name: 'rbf', bandwidth: 0.5 } });
  expect(narrow.pValue * 100).toBeCloseTo(Math.round(narrow.pValue * 100), 9);
  expect(narrow.pValue).toBeGreaterThanOrEqual(0.01);
  expect(linear).toMatchObject({ pValue: null, permutations: 0, kernel: { name: 'linear', bandwidth: null } });
  expect(median.kernel.bandwidth).toBeGreaterThan(0.5);
});

test('one of the files comes from standard input', async () => {
  const dir = folder();
  const comparing = start(dir, ['compare', 'real.jsonl', '-', '--json']);
  comparing.write(problems(30).join('\n'));
  const { code, stdout, stderr } = await comparing.ended;
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ synthetic: { file: '-', count: 30 }, copies: { exact: 30 } });
  expect(stderr).toContain('standard input is plain text: a line is a record');
});

describe('what is wrong ends with 2, one sentence and no stack:', () => {
  test.each([
    ['a missing file', ['real.jsonl', 'none.jsonl'], /none\.jsonl does not exist/],
    ['an unknown field', ['real.jsonl', 'made.jsonl', '--field', 'body'], /has no field 'body': it has id, text;/],
    [
      'an unknown column',
      ['real.jsonl', 'made.jsonl', '--vectors', 'v'],
      /no column 'v': no column of it holds lists of numbers/,
    ],
    ['an empty file', ['real.jsonl', 'empty.jsonl'], /empty\.jsonl is empty/],
    ['one record', ['real.jsonl', 'one.txt'], /one\.txt has 1 records to compare, and at least 2 are needed/],
    ['a sample of one', ['real.jsonl', 'made.jsonl', '--sample', '1'], /--sample: expected a whole number from 2/],
    ['a seed that is no number', ['real.jsonl', 'made.jsonl', '--seed', 'x'], /expected a whole number/],
    ['permutations below 0', ['real.jsonl', 'made.jsonl', '--permutations', '-1'], /expected a whole number from 0/],
    ['a bandwidth of 0', ['real.jsonl', 'made.jsonl', '--bandwidth', '0'], /expected a positive number or median/],
    ['an unknown kernel', ['real.jsonl', 'made.jsonl', '--kernel', 'poly'], /expected rbf or linear/],
    [
      'a bandwidth where there is none',
      ['real.jsonl', 'made.jsonl', '--kernel', 'linear', '--bandwidth', '1'],
      /--bandwidth: the linear kernel has none/,
    ],
    ['an empty name', ['real.jsonl', 'made.jsonl', '--field', 'text,'], /expected names, separated by commas/],
    ['one file only', ['real.jsonl'], /missing required argument 'synthetic'/],
  ])('%s', async (_, args, message) => {
    const dir = folder();
    writeFileSync(join(dir, 'empty.jsonl'), '');
    writeFileSync(join(dir, 'one.txt'), 'only one\n');
    const { code, stdout, stderr } = await headwater(dir, ['compare', ...args]);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test('no model and no network: where to put the files, and what works without', async () => {
    const dir = folder();
    const nowhere = 'http://127.0.0.1:9';
    const env = {
      HEADWATER_MODELS: join(dir, 'models'),
      HF_ENDPOINT: nowhere,
      PIP_INDEX_URL: nowhere,
      PIP_RETRIES: '0',
    };
    const { code, stderr } = await headwater(dir, ['compare', 'real.jsonl', 'made.jsonl'], env);
    expect(code).toBe(2);
    expect(stderr).toContain(`into ${join(dir, 'models')} as wordllama-256.safetensors`);
    expect(stderr).toContain('headwater models pull wordllama-256');
    expect(stderr).toContain('--vectors');
  });
});

test('Ctrl-C ends it with 130, also while it waits for standard input', async () => {
  const comparing = start(folder(), ['compare', 'real.jsonl', '-']);
  await comparing.says(/reading standard input/);
  comparing.signal('SIGINT');
  const { code, stderr } = await comparing.ended;
  expect(code).toBe(130);
  expect(stderr).not.toMatch(/^\s+at /m);
});
