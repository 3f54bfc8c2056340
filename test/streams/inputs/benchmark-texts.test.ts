import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { benchmarkFiles, benchmarkSha256, benchmarkTexts } from '../../../streams/inputs/benchmark-texts.js';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'headwater-benchmarks-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function textsOf(...patterns: readonly string[]) {
  const records = [];
  for await (const record of benchmarkTexts(await benchmarkFiles(patterns, dir))) records.push(record);
  return records;
}

describe('benchmarkTexts', () => {
  test('gives all texts of each record, at any depth, of every format, with their line', async () => {
    await mkdir(join(dir, 'bench'));
    const write = (name: string, text: string) => writeFile(join(dir, 'bench', name), text);
    await write(
      'a.jsonl',
      '{"question": "Q1?", "choices": ["A", "B"], "answer": 1}\n\n{"question": "Q2?", "n": null}\n[]\n',
    );
    await write('b.csv', 'question,answer\n"Q3, or not?",A3\n');
    await write('c.json', '[{"q": "Q4?"}]');
    await write('d.txt', 'Q5?\n\nQ6?\n');
    expect(await textsOf('bench/*', 'bench/a.jsonl')).toEqual([
      { source: 'bench/a.jsonl line 1', texts: ['Q1?', 'A', 'B'] },
      { source: 'bench/a.jsonl line 3', texts: ['Q2?'] },
      { source: 'bench/b.csv line 2', texts: ['Q3, or not?', 'A3'] },
      { source: 'bench/c.json line 1', texts: ['Q4?'] },
      { source: 'bench/d.txt line 1', texts: ['Q5?'] },
      { source: 'bench/d.txt line 3', texts: ['Q6?'] },
    ]);
  });

  test('a file that is missing, a line that cannot be read, and an unknown format are refused by name', async () => {
    await expect(benchmarkFiles(['none.jsonl'], dir)).rejects.toMatchObject({
      code: 'input-unreadable',
      message: expect.stringContaining(join(dir, 'none.jsonl')),
    });
    await writeFile(join(dir, 'x.jsonl'), '{"q": "Q?"}\n{"q": \n');
    await expect(textsOf('x.jsonl')).rejects.toThrow(/^x\.jsonl line 2: it is not JSON/);
    await writeFile(join(dir, 'x.docx'), 'x');
    await expect(textsOf('x.docx')).rejects.toThrow(/has an extension that is not known/);
  });

  test('the hash is that of the bytes of all files', async () => {
    await writeFile(join(dir, 'a.txt'), 'one\n');
    await writeFile(join(dir, 'b.txt'), 'two\n');
    const both = await benchmarkSha256(await benchmarkFiles(['a.txt', 'b.txt'], dir));
    expect(both).toMatch(/^[0-9a-f]{64}$/);
    await writeFile(join(dir, 'b.txt'), 'twO\n');
    expect(await benchmarkSha256(await benchmarkFiles(['a.txt', 'b.txt'], dir))).not.toBe(both);
  });
});
