import {
  type Data,
  Field,
  RecordBatchFileWriter,
  Schema,
  Struct,
  type Table,
  tableFromIPC,
  Utf8,
  Vector,
} from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { arrowSchema, propertyOf } from '../../../schemas/arrow.js';
import { type DeadLetter, deadLetterSchema } from '../../../schemas/dead-letter.js';
import type { Sample } from '../../../schemas/sample.js';
import { RecordBatchBuilder } from '../../../streams/shards/record-batch.js';
import { sampleBatch } from '../../../streams/shards/sample-batch.js';
import { dimensions, problems, sampleAt, samplesTo } from './samples.js';

const wellFormed = fc.string({ unit: 'binary' });

/** Through the file format, so that what is read is what another program reads. */
function readBack(builder: RecordBatchBuilder<never> | RecordBatchBuilder<Sample> | RecordBatchBuilder<DeadLetter>) {
  return tableFromIPC(RecordBatchFileWriter.writeAll([builder.batch()]).toUint8Array(true));
}

/** The texts of a column by their bytes: apache-arrow's own decoder leaves a byte order mark out. */
function texts(table: Table, column: string): (string | null)[] {
  const data: Data<Utf8> | undefined = table.getChild(column)?.data[0];
  if (data === undefined) throw new Error(`no column ${column}`);
  const { valueOffsets, values } = data;
  return Array.from({ length: data.length }, (_, row) =>
    data.getValid(row) ? Buffer.from(values.subarray(valueOffsets[row], valueOffsets[row + 1])).toString() : null,
  );
}

describe('RecordBatchBuilder', () => {
  test('holds any texts, batch after batch', () => {
    const builder = sampleBatch(problems, null);
    const row = fc.record({
      question: wellFormed,
      answer: wellFormed,
      label: fc.option(wellFormed, { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 40 }), (rows) => {
        builder.clear();
        for (const [index, { question, answer, label }] of rows.entries()) {
          const { label: _, ...sample } = sampleAt(index, { fields: { question, answer } });
          builder.append(label === undefined ? sample : { ...sample, label });
        }
        const table = readBack(builder);
        expect(texts(table, 'question')).toEqual(rows.map(({ question }) => question));
        expect(texts(table, 'answer')).toEqual(rows.map(({ answer }) => answer));
        expect(texts(table, 'label')).toEqual(rows.map(({ label }) => label ?? null));
      }),
    );
  });

  test.each([
    ['an empty text', ''],
    ['a NUL', 'a\0b'],
    ['a megabyte', 'é'.repeat(500_000)],
    ['emoji', '👩‍👩‍👧‍👦 😀'],
    ['a byte order mark', '\uFEFFa'],
    ['the last code point', '\u{10FFFF}'],
  ])('holds %s', (_, text) => {
    const builder = sampleBatch(problems, null);
    builder.append(sampleAt(0, { fields: { question: text, answer: text } }));
    builder.append(sampleAt(1));
    const table = readBack(builder);
    const [first, second] = texts(table, 'answer');
    expect(first === text).toBe(true);
    expect(second).toBe('It is 2. 😀');
  });

  test('writes numbers, instants and integers beyond 32 bits exactly', () => {
    const integers = fc.maxSafeInteger();
    const builder = new RecordBatchBuilder<{ n: number }>(
      arrowSchema(deadLetterSchema).select(['at']),
      () => (row) => row.n,
    );
    fc.assert(
      fc.property(fc.array(integers, { minLength: 1 }), (numbers) => {
        builder.clear();
        for (const n of numbers) builder.append({ n });
        const values = builder.batch().getChildAt(0)?.data[0]?.values;
        expect([...(values ?? [])]).toEqual(numbers.map(BigInt));
      }),
    );
  });

  test('counts bytes from the rows alone', () => {
    const one = sampleBatch(problems, dimensions);
    const other = sampleBatch(problems, dimensions);
    for (const sample of samplesTo(50)) one.append(sample);
    for (const sample of samplesTo(50)) other.append(sample);
    expect(one.bytes).toBe(other.bytes);
    const before = one.bytes;
    one.append(sampleAt(50, { fields: { question: 'ü'.repeat(100), answer: '' } }));
    const longer = one.bytes - before;
    other.append(sampleAt(50, { fields: { question: '', answer: '' } }));
    expect(longer - (other.bytes - before)).toBe(200);
  });

  const call = sampleAt(2).lineage.calls[0];
  const lineage = sampleAt(2).lineage;
  test.each<[string, string, Partial<Sample>]>([
    ['a lone high surrogate', 'question', { fields: { question: 'a\ud83d', answer: '' } }],
    ['a lone low surrogate', 'answer', { fields: { question: '', answer: '\ude00é' } }],
    ['a missing field', 'answer', { fields: { question: 'a' } }],
    ['a weight that is no number', 'weight', { weight: Number.NaN }],
    ['an infinite weight', 'weight', { weight: Number.POSITIVE_INFINITY }],
    ['a short embedding', 'embedding', { embedding: new Float32Array(3) }],
    ['an embedding with NaN', 'embedding', { embedding: Float32Array.of(1, 0, Number.NaN, 0) }],
    ['half a token', 'lineage.prompt_tokens', { lineage: { ...lineage, promptTokens: 0.5 } }],
    ['too many tokens', 'lineage.prompt_tokens', { lineage: { ...lineage, promptTokens: 2 ** 31 } }],
    [
      'an unsafe seed',
      'lineage.calls.random_seed',
      { lineage: { ...lineage, calls: call ? [call, { ...call, randomSeed: 2 ** 53 }] : [] } },
    ],
  ])('refuses %s and stays as it was', (_, column, change) => {
    const builder = sampleBatch(problems, dimensions);
    const expected = sampleBatch(problems, dimensions);
    for (const sample of samplesTo(5)) builder.append(sample);
    expect(() => builder.append(sampleAt(5, change))).toThrow(
      expect.objectContaining({ code: 'value-unencodable', message: expect.stringContaining(`'${column}'`) }),
    );
    expect(builder.rows).toBe(5);
    builder.append(sampleAt(6));
    for (const sample of [...samplesTo(5), sampleAt(6)]) expected.append(sample);
    expect(builder.bytes).toBe(expected.bytes);
    expect(readBack(builder).toArray().map(String)).toEqual(readBack(expected).toArray().map(String));
  });

  test('refuses a sample without the embedding that the columns have', () => {
    const { embedding: _, ...bare } = sampleAt(0);
    expect(() => sampleBatch(problems, dimensions).append(bare)).toThrow(/'embedding' cannot hold.*undefined/);
    expect(() => sampleBatch(problems, null).append(bare)).not.toThrow();
  });

  test('holds maps, booleans and absent structs', () => {
    const letter: DeadLetter = {
      kind: 'dead-letter',
      id: '0'.repeat(32),
      stage: 'draft',
      code: 'operator-failed',
      message: 'm',
      origin: { file: 'a.jsonl', line: 3 },
      key: null,
      headers: { schema: 'x', 'traceparent-ü': '' },
      value: 'v',
      encoding: 'utf8',
      cut: true,
      at: 5,
    };
    const schema = arrowSchema(deadLetterSchema);
    const builder = new RecordBatchBuilder<DeadLetter>(
      schema,
      (column) => (row) => Reflect.get(row, propertyOf(column)),
    );
    builder.append(letter);
    builder.append({ ...letter, headers: {}, cut: false, origin: {}, key: 'k' });
    const table = readBack(builder);
    expect(table.toArray().map((row) => [row.cut, row.key, row.headers.toJSON(), row.origin.line])).toEqual([
      [true, null, letter.headers, 3n],
      [false, 'k', {}, null],
    ]);
  });

  test('fills what lies under an absent struct', () => {
    const inner = new Struct([new Field('text', new Utf8(), false)]);
    const schema = new Schema([new Field('inner', inner, true)]);
    const builder = new RecordBatchBuilder<{ inner?: { text: string } }>(schema, () => (row) => row.inner);
    builder.append({});
    builder.append({ inner: { text: 'here' } });
    const vector = tableFromIPC(RecordBatchFileWriter.writeAll([builder.batch()]).toUint8Array(true)).getChild('inner');
    expect(vector).toBeInstanceOf(Vector);
    expect(vector?.get(0)).toBeNull();
    expect(vector?.get(1)?.toJSON()).toEqual({ text: 'here' });
  });
});
