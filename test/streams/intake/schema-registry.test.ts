import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { patiently } from '../../../streams/intake/patiently.js';
import { PayloadReaders } from '../../../streams/intake/payload-readers.js';
import { RegistryUnavailable } from '../../../streams/intake/registry-failure.js';
import { SchemaRegistry } from '../../../streams/intake/schema-registry.js';
import { parsePath, valueAt } from '../../../streams/intake/value-path.js';
import { FixtureRegistry } from './fixture-registry.js';
import { describeRegistry } from './registry-contract.js';
import { json } from './test-registry.js';

const never = new AbortController().signal;

let shared: FixtureRegistry;
beforeAll(async () => {
  shared = await FixtureRegistry.start();
});
afterAll(() => shared.stop());

describeRegistry('a recorded contract', () => shared);

async function fixture(): Promise<FixtureRegistry> {
  const registry = await FixtureRegistry.start();
  onTestFinished(() => registry.stop());
  return registry;
}

describe('SchemaRegistry', () => {
  it('logs in, and names what to mend where the password is wrong', async () => {
    const fake = await fixture();
    const id = await fake.register('t', { type: 'JSON', schema: {} });
    fake.login = 'ada:pass word';
    const right = new SchemaRegistry({ url: fake.url, credentials: { username: 'ada', password: 'pass word' } });
    expect((await right.schema(id, never)).type).toBe('JSON');
    const wrong = new SchemaRegistry({ url: fake.url, credentials: { username: 'ada', password: 'secret' } });
    const refusal = await wrong.schema(id, never).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'registry-refused', message: expect.stringContaining('registry.password') });
    expect(String(refusal)).not.toContain('secret');
  });

  it.each([429, 500, 503])('counts status %i as something that passes', async (status) => {
    const fake = await fixture();
    fake.trouble = { status, body: 'try later' };
    await expect(new SchemaRegistry({ url: fake.url }).schema(1, never)).rejects.toBeInstanceOf(RegistryUnavailable);
  });

  it.each([
    { status: 403, body: '{"error_code":40301,"message":"no"}' },
    { status: 302, body: '' },
    { status: 404, body: '<html>' },
    { status: 200, body: '<html>' },
    { status: 200, body: '{"schema":5}' },
  ])('counts $status $body as refused for good', async (trouble) => {
    const fake = await fixture();
    fake.trouble = trouble;
    const refused = new SchemaRegistry({ url: fake.url }).schema(1, never);
    await expect(refused).rejects.toMatchObject({ code: 'registry-refused' });
  });

  it('gives a silent server up after the time that one request may take', async () => {
    const fake = await fixture();
    fake.trouble = 'silent';
    const asked = new SchemaRegistry({ url: fake.url, timeoutMs: 50 }).schema(1, never);
    await expect(asked).rejects.toBeInstanceOf(RegistryUnavailable);
  });

  it('ends a request whose signal is aborted', async () => {
    const fake = await fixture();
    fake.trouble = 'silent';
    const ending = new AbortController();
    const asked = new SchemaRegistry({ url: fake.url }).schema(1, ending.signal);
    ending.abort();
    await expect(asked).rejects.toThrow();
  });

  it('reads schemas that refer to each other in a circle once each', async () => {
    const fake = await fixture();
    const circle = (name: string) => [{ name, subject: name, version: 1 }];
    const id = await fake.register('a', { type: 'JSON', schema: {}, references: circle('b') });
    await fake.register('b', { type: 'JSON', schema: {}, references: circle('a') });
    const { references } = await new SchemaRegistry({ url: fake.url }).schema(id, never);
    expect(references.map(({ name }) => name)).toEqual(['a', 'b']);
  });
});

describe('PayloadReaders', () => {
  function counting(schema: string, type = 'JSON') {
    const asked: number[] = [];
    let now = 0;
    const source = async (id: number) => {
      asked.push(id);
      return { type, schema, references: [] };
    };
    const readers = new PayloadReaders(type === 'AVRO' ? 'AVRO' : 'JSON', source, () => now);
    const forward = (ms: number) => {
      now += ms;
    };
    return { readers, asked, forward };
  }

  it('asks for a schema once', async () => {
    const { readers, asked } = counting('{}');
    for (let i = 0; i < 5; i++) (await readers.of(3, never))(json({ a: 1 }));
    expect(asked).toEqual([3]);
  });

  it('asks for a faulty one again after ten seconds, not before', async () => {
    const { readers, asked, forward } = counting('nonsense');
    for (let i = 0; i < 3; i++) await expect(readers.of(3, never)).rejects.toMatchObject({ code: 'schema-unknown' });
    expect(asked).toEqual([3]);
    forward(10_001);
    await expect(readers.of(3, never)).rejects.toMatchObject({ code: 'schema-unknown' });
    expect(asked).toEqual([3, 3]);
  });

  it('forgets the id that was used longest ago beyond a thousand', async () => {
    const { readers, asked } = counting('{}');
    for (let id = 0; id < 1000; id++) await readers.of(id, never);
    await readers.of(0, never);
    await readers.of(1000, never);
    await readers.of(0, never);
    expect(asked).toHaveLength(1001);
    await readers.of(1, never);
    expect(asked).toHaveLength(1002);
  });

  it.each([
    ['a reference that leads nowhere', '{"properties":{"a":{"$ref":"gone.json"}}}'],
    ['a pattern that is none', '{"properties":{"a":{"pattern":"("}}}'],
  ])('blames the schema for %s', async (_, schema) => {
    const read = await counting(schema).readers.of(3, never);
    expect(() => read(json({ a: 'x' }))).toThrow(expect.objectContaining({ code: 'schema-unknown' }));
  });

  it.each([
    ['draft/2020-12', true],
    ['draft/2019-09', true],
    ['draft-07', false],
    ['draft-04', false],
  ])('reads %s by its own rules: what stands beside a $ref counts: %s', async (draft, counts) => {
    const definitions = { text: { type: 'string' } };
    const schema = { definitions, properties: { a: { $ref: '#/definitions/text', maxLength: 1 } } };
    const text = JSON.stringify({ $schema: `https://json-schema.org/${draft}/schema`, ...schema });
    const read = await counting(text).readers.of(3, never);
    expect(() => read(json({ a: 5 }))).toThrow(expect.objectContaining({ code: 'record-invalid' }));
    if (counts) expect(() => read(json({ a: 'long' }))).toThrow(expect.objectContaining({ code: 'record-invalid' }));
    else expect(read(json({ a: 'long' }))).toEqual({ a: 'long' });
  });

  it('reads longs that no double holds, and unions of records', async () => {
    const branch = (name: string, field: string) => ({ type: 'record', name, fields: [{ name: field, type: 'long' }] });
    const schema = JSON.stringify({
      type: 'record',
      name: 'Both',
      fields: [{ name: 'of', type: [branch('A', 'a'), branch('B', 'b')] }],
    });
    const read = await counting(schema, 'AVRO').readers.of(3, never);
    // The second branch, then 2^62 in zigzag coding: bit 63, seven bits a byte.
    const payload = Buffer.from([2, ...Array<number>(9).fill(0x80), 1]);
    expect(valueAt(read(payload), parsePath('$.of.b'))).toBe(2n ** 62n);
    for (const wrong of [payload.subarray(0, 4), Buffer.concat([payload, payload]), Buffer.from([8])]) {
      expect(() => read(wrong)).toThrow(expect.objectContaining({ code: 'record-undecodable' }));
    }
  });
});

describe('patiently', () => {
  it('asks until it is answered, waits longer each time up to a cap, and says so', async () => {
    const told: (string | null)[] = [];
    let calls = 0;
    const ask = async () => {
      calls++;
      if (calls <= 4) throw new RegistryUnavailable(`down ${calls}`);
      return 'up';
    };
    const patience = { waiting: (why: string | null) => told.push(why), firstMs: 1, maxMs: 4 };
    expect(await patiently(ask, patience, never)).toBe('up');
    expect(told).toEqual(['down 1', 'down 2', 'down 3', 'down 4', null]);
  });

  it('passes on what no wait mends, and ends with its signal', async () => {
    const told: (string | null)[] = [];
    const patience = { waiting: (why: string | null) => told.push(why), firstMs: 60_000 };
    await expect(patiently(() => Promise.reject(new TypeError('no')), patience, never)).rejects.toThrow('no');
    expect(told).toEqual([]);
    const ending = new AbortController();
    const asked = patiently(() => Promise.reject(new RegistryUnavailable('down')), patience, ending.signal);
    ending.abort();
    await expect(asked).rejects.toThrow();
  });
});
