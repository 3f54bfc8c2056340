import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  type AnyRecord,
  decode,
  encode,
  fromBase64,
  parseJson,
  recordSchemas,
  schemaOf,
  toBase64,
} from '../../schemas/codec.js';
import { examples, records } from './examples.js';

const bytes = new TextEncoder();

describe('encode and decode', () => {
  it.each(records)('keep a $kind', (record) => {
    const { value, headers } = encode(record);
    expect(decode(value, headers)).toEqual(record);
    expect(headers).toEqual({ schema: schemaOf(record.kind).id });
  });

  it('cover every schema', () => {
    expect(records.map(({ kind }) => kind).toSorted()).toEqual(recordSchemas.map(({ kind }) => kind).toSorted());
  });

  it('keep any text and any embedding, to the bit', () => {
    const float = fc.float({ noDefaultInfinity: true, noNaN: true });
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.array(float), (text, values) => {
        const embedding = Float32Array.from(values);
        const sample: AnyRecord = { ...examples.sample, fields: { question: text, answer: '' }, embedding };
        const { value, headers } = encode(sample);
        const decoded = decode(value, headers);
        expect(decoded).toEqual(sample);
        expect(decoded).toHaveProperty('embedding', embedding);
      }),
    );
  });

  it('keep a sample without an embedding', () => {
    const { embedding, ...bare } = examples.sample;
    const { value, headers } = encode(bare);
    expect(decode(value, headers)).toEqual(bare);
    expect(embedding).toBeInstanceOf(Float32Array);
  });

  it('write a vector as base64 and do not change the record', () => {
    const { value } = encode(examples.sample);
    expect(parseJson(value)).toMatchObject({ embedding: toBase64(examples.sample.embedding ?? new Float32Array()) });
    expect(examples.sample.embedding).toBeInstanceOf(Float32Array);
  });

  it('read a slice of a larger buffer, as the log gives them', () => {
    const { value, headers } = encode(examples.sample);
    const block = new Uint8Array(value.byteLength + 7);
    block.set(value, 5);
    expect(decode(block.subarray(5, 5 + value.byteLength), headers)).toEqual(examples.sample);
  });
});

describe('decode', () => {
  it('keeps properties that a newer writer added, at the top and nested', () => {
    const newer = {
      ...examples.sample,
      grade: { by: 'judge', score: 4 },
      embedding: toBase64(new Float32Array([1])),
      lineage: { ...examples.sample.lineage, river: 'Rhine', calls: [{ ...call(), logprobs: [0.5] }] },
    };
    const decoded = decode(bytes.encode(JSON.stringify(newer)), { schema: 'headwater.sample/1' });
    expect(decoded).toEqual({ ...newer, embedding: new Float32Array([1]) });
    if (decoded.kind !== 'sample') throw new Error('not a sample');
    const { value, headers } = encode(decoded);
    expect(parseJson(value)).toEqual(newer);
    expect(headers).toEqual({ schema: 'headwater.sample/1' });
  });

  it('reads a newer version of a schema it knows as far as it fits', () => {
    const value = bytes.encode(JSON.stringify({ ...examples.tick, zone: 'UTC' }));
    expect(decode(value, { schema: 'headwater.tick/12' })).toEqual({ ...examples.tick, zone: 'UTC' });
  });

  it('fills in what an older writer left out and has a default', () => {
    const { vary, ...older } = examples.seed;
    expect(decode(bytes.encode(JSON.stringify(older)), { schema: 'headwater.seed/1' })).toEqual({ ...older, vary: {} });
    expect(vary).toEqual({ tone: 'dry' });
  });

  it.each([
    ['headwater.river/1'],
    ['headwater.tick'],
    ['headwater.tick/'],
    ['xheadwater.tick/1'],
    ['headwater.tick/1\n'],
    ['headwater.manifest-entry/1'],
    [''],
  ])("refuses the schema '%s'", (schema) => {
    expect(() => decode(encode(examples.tick).value, { schema })).toThrow(
      expect.objectContaining({ code: 'schema-unknown', message: `the schema '${schema}' is not known` }),
    );
  });

  it('refuses a message without headers', () => {
    expect(() => decode(encode(examples.tick).value, {})).toThrow(expect.objectContaining({ code: 'schema-unknown' }));
  });

  it.each([
    ['no JSON', Buffer.from('{')],
    ['nothing', new Uint8Array()],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ])('refuses bytes that are %s', (_, value) => {
    expect(() => decode(value, { schema: 'headwater.tick/1' })).toThrow(
      expect.objectContaining({ code: 'record-undecodable', message: 'the bytes are not UTF-8 JSON' }),
    );
  });

  it.each([
    ['sample', { lineage: { ...examples.sample.lineage, cost: 'free' } }, "a sample record has a bad 'lineage.cost'"],
    ['sample', { fields: { question: 3 } }, "a sample record has a bad 'fields.question'"],
    ['sample', { embedding: [1, 2] }, "a sample record has a bad 'embedding'"],
    ['sample', { embedding: 'AAAAAAA=' }, 'a vector is cut within a value'],
    ['draft', { calls: [{ ...call(), role: 'referee' }] }, "a draft record has a bad 'calls.0.role'"],
    ['seed', { id: 'one' }, "a seed record has a bad 'id': expected 32 hexadecimal digits"],
    ['tick', { at: -1 }, "a tick record has a bad 'at'"],
    ['tick', { kind: 'plan' }, "a tick record has a bad 'kind'"],
    ['shard', { sha256: 'abc' }, "a shard record has a bad 'sha256'"],
  ] as const)('says where a %s with %j is wrong', (kind, change, message) => {
    const json = JSON.stringify({ ...examples[kind], embedding: undefined, ...change });
    expect(() => decode(bytes.encode(json), { schema: schemaOf(kind).id })).toThrow(
      expect.objectContaining({ code: 'record-invalid', message: expect.stringContaining(message) }),
    );
  });

  it.each(['null', '[]', '"text"', '3'])('refuses %s, which is no object', (json) => {
    expect(() => decode(bytes.encode(json), { schema: 'headwater.sample/1' })).toThrow(
      expect.objectContaining({ code: 'record-invalid' }),
    );
  });
});

describe('base64', () => {
  it('is little endian', () => {
    expect(toBase64(new Float32Array([1]))).toBe('AACAPw==');
    expect(fromBase64('AACAPw==')).toEqual(new Float32Array([1]));
  });

  it('writes a part of a larger array alone', () => {
    expect(toBase64(new Float32Array([0, 1, 2]).subarray(1, 2))).toBe('AACAPw==');
  });
});

function call(): Readonly<Record<string, unknown>> {
  return { ...examples.draft.calls[0] };
}
