import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it, onTestFinished } from 'vitest';

import { decode } from '../../../schemas/codec.js';
import { domain as domainSchema } from '../../../schemas/domain.js';
import { openLog } from '../../../streams/log/open-log.js';
import { type LoadOptions, loadRecords, loadSeeds, readSeeds } from '../../../streams/river/load-input.js';
import { readAll } from '../../../streams/stage/read-all.js';
import type { Topics } from '../../../streams/topics.js';

const domain = domainSchema.parse({ about: 'notes', fields: { text: {} } });

/** A folder with files, and a log with the topics of the inputs. */
async function folder(files: Readonly<Record<string, readonly string[]>>, partitions = 1) {
  const base = await mkdtemp(join(tmpdir(), 'headwater-load-'));
  for (const [name, lines] of Object.entries(files)) await writeFile(join(base, name), `${lines.join('\n')}\n`);
  const topics = await openLog({ dir: join(base, 'topics') });
  onTestFinished(async () => {
    await topics.close();
    await rm(base, { recursive: true, force: true });
  });
  const names = ['seeds', 'real', 'documents', 'given', 'dead-letters'];
  await topics.ensure(names.map((name) => ({ name, partitions, cleanup: 'delete' })));
  const options = (source: string): LoadOptions => {
    return { topics, topic: 'real', partitions, source, base, domain, now: () => 0 };
  };
  return { base, topics, options };
}

function numbered(count: number, name = 'line'): readonly string[] {
  return Array.from({ length: count }, (_, i) => JSON.stringify({ text: `${name} ${i}` }));
}

/** What a topic holds, by partition: the texts of records, and where dead letters and ticks come from. */
async function contents(topics: Topics, topic: string): Promise<readonly (readonly string[])[]> {
  const { length } = await topics.offsets(topic);
  const partitions: string[][] = [];
  for (let partition = 0; partition < length; partition++) {
    const held: string[] = [];
    for await (const { value, headers } of readAll(topics, topic, partition)) {
      const record = decode(value ?? new Uint8Array(), headers);
      if ('fields' in record) held.push(record.fields['text'] ?? '');
      else if (record.kind === 'document') held.push(record.text);
      else if (record.kind === 'dead-letter') held.push(`${record.origin.file}:${record.origin.line}`);
      else if (record.kind === 'tick') held.push(`${record.reason} ${record.total}`);
    }
    partitions.push(held);
  }
  return partitions;
}

/** Loads until the first batch is in the log, then is stopped. */
async function interrupted(options: LoadOptions): Promise<void> {
  const stopping = new AbortController();
  await loadRecords('real', { ...options, signal: stopping.signal, progress: () => stopping.abort() }, true);
}

describe('real records', () => {
  it('go to the partitions by turns, and go on in turn after an interruption', async () => {
    const files = { 'a.jsonl': numbered(1201) };
    const whole = await folder(files, 3);
    await loadRecords('real', whole.options('a.jsonl'), true);
    const broken = await folder(files, 3);
    await interrupted(broken.options('a.jsonl'));
    expect((await contents(broken.topics, 'real')).flat()).toHaveLength(500);
    await loadRecords('real', broken.options('a.jsonl'), true);
    const partitions = await contents(broken.topics, 'real');
    expect(partitions).toEqual(await contents(whole.topics, 'real'));
    expect(partitions.map((partition) => partition.length)).toEqual([401, 400, 400]);
  });

  it('of several files are loaded once, whichever of them the interruption was in', async () => {
    const { topics, options } = await folder({ 'a.jsonl': numbered(300, 'a'), 'b.jsonl': numbered(900, 'b') });
    await interrupted(options('*.jsonl'));
    await loadRecords('real', options('*.jsonl'), true);
    await loadRecords('real', options('*.jsonl'), true);
    expect(await contents(topics, 'real')).toEqual([
      [...Array(300).keys()].map((i) => `a ${i}`).concat([...Array(900).keys()].map((i) => `b ${i}`)),
    ]);
  });

  it('that were added to a file, or in a new one, are all that a later load brings', async () => {
    const { base, topics, options } = await folder({ 'b.jsonl': numbered(2, 'b') });
    await loadRecords('real', options('*.jsonl'), true);
    await writeFile(join(base, 'b.jsonl'), numbered(3, 'b').join('\n'));
    await writeFile(join(base, 'a.jsonl'), numbered(1, 'a').join('\n'));
    await loadRecords('real', options('*.jsonl'), true);
    expect(await contents(topics, 'real')).toEqual([['b 0', 'b 1', 'a 0', 'b 2']]);
  });

  it('are loaded again where that is asked for', async () => {
    const { topics, options } = await folder({ 'a.jsonl': numbered(2) });
    await loadRecords('real', options('a.jsonl'), false);
    await loadRecords('real', options('a.jsonl'), false);
    expect(await contents(topics, 'real')).toEqual([['line 0', 'line 1', 'line 0', 'line 1']]);
  });

  it('that are none are buried once, also at the end of a file', async () => {
    const { topics, options } = await folder({ 'a.jsonl': ['not JSON', ...numbered(2), 'nor this'] });
    for (let load = 0; load < 3; load++) await loadRecords('real', options('a.jsonl'), true);
    expect(await contents(topics, 'dead-letters')).toEqual([['a.jsonl:1', 'a.jsonl:4']]);
    expect(await contents(topics, 'real')).toEqual([['line 0', 'line 1']]);
  });
});

describe.each([
  ['documents', 'documents'],
  ['drafts', 'given'],
] as const)('%s', (kind, topic) => {
  const loading = (options: LoadOptions, resume = true) => loadRecords(kind, { ...options, topic, least: 1 }, resume);

  it('end with a tick in every lane, said once', async () => {
    const { topics, options } = await folder({ 'a.jsonl': numbered(5) }, 2);
    await loading(options('a.jsonl'));
    await loading(options('a.jsonl'));
    expect(await contents(topics, topic)).toEqual([
      ['line 0', 'line 2', 'line 4', 'loaded 5'],
      ['line 1', 'line 3', 'loaded 5'],
    ]);
  });

  it('end again where more have come', async () => {
    const { base, topics, options } = await folder({ 'a.jsonl': numbered(1) });
    await loading(options('a.jsonl'));
    await writeFile(join(base, 'a.jsonl'), numbered(2).join('\n'));
    await loading(options('a.jsonl'));
    expect(await contents(topics, topic)).toEqual([['line 0', 'loaded 1', 'line 1', 'loaded 2']]);
  });

  it('do not end where they were interrupted, or loaded by hand', async () => {
    const { topics, options } = await folder({ 'a.jsonl': numbered(700), 'b.jsonl': numbered(1, 'b') });
    const stopping = new AbortController();
    const stopped = { ...options('a.jsonl'), signal: stopping.signal, progress: () => stopping.abort() };
    await loading(stopped);
    await loading(options('b.jsonl'), false);
    expect((await contents(topics, topic)).flat().filter((text) => text.startsWith('loaded'))).toEqual([]);
    await loading(options('a.jsonl'));
    expect((await contents(topics, topic)).flat().at(-1)).toBe('loaded 701');
  });

  it('are shared by lanes that have none of their own', async () => {
    const { topics, options } = await folder({ 'a.jsonl': numbered(2) }, 4);
    await loading(options('a.jsonl'));
    expect(await contents(topics, topic)).toEqual(
      ['line 0', 'line 1', 'line 0', 'line 1'].map((text) => [text, 'loaded 2']),
    );
  });

  it('must be some', async () => {
    const { options } = await folder({ 'a.jsonl': ['not JSON'] });
    await expect(loading(options('a.jsonl'))).rejects.toMatchObject({ code: 'input-unreadable' });
  });
});

it('real records that are too few for the lanes are refused', async () => {
  const { options } = await folder({ 'a.jsonl': numbered(5) }, 2);
  await expect(loadRecords('real', { ...options('a.jsonl'), least: 6 }, true)).rejects.toThrow(
    'inputs.real: a.jsonl has 5 usable records, and 2 lanes need 6: add some, or lower topics.partitions',
  );
});

describe('seeds', () => {
  it('go to every lane before its target', async () => {
    const { topics, options } = await folder({ 'seeds.jsonl': [...numbered(2), 'not JSON'] }, 2);
    const seeds = await readSeeds(options('seeds.jsonl'));
    await loadSeeds(seeds, { ...options('seeds.jsonl'), topic: 'seeds' }, [{ total: 5 }, { total: 4 }]);
    expect(await contents(topics, 'seeds')).toEqual([
      ['line 0', 'line 1', 'target 5'],
      ['line 0', 'line 1', 'target 4'],
    ]);
    expect(await contents(topics, 'dead-letters')).toEqual([['seeds.jsonl:3'], []]);
  });

  it('must be some', async () => {
    const { options } = await folder({ 'seeds.jsonl': ['not JSON'] });
    await expect(readSeeds(options('seeds.jsonl'))).rejects.toMatchObject({ code: 'input-unreadable' });
  });
});
