import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { recordSchemas } from '../../schemas/codec.js';
import { recordId } from '../../schemas/ids.js';
import { instant, open, record, vector } from '../../schemas/record.js';
import { manifestEntrySchema } from '../../schemas/shard.js';

describe('record', () => {
  const river = record('river', 3, 'rivers', {
    name: z.string(),
    banks: open({ left: z.number(), right: z.number() }).optional(),
    course: vector().optional(),
    at: instant(),
  });

  it('names the kind, the schema and the topic', () => {
    expect(river).toMatchObject({ kind: 'river', id: 'headwater.river/3', topic: 'rivers', vectors: ['course'] });
  });

  it('throws with the path of the first thing wrong', () => {
    expect(() => river.parse({ kind: 'river', name: 'Rhine', banks: { left: 1 }, at: 0 })).toThrow(
      expect.objectContaining({
        code: 'record-invalid',
        message: "a river record has a bad 'banks.right': expected number, received undefined",
      }),
    );
    expect(() => river.parse('Rhine')).toThrow('a river record is wrong: expected object, received string');
  });

  it('describes itself as JSON Schema, a vector as it travels', () => {
    expect(river.jsonSchema()).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      required: ['kind', 'name', 'at'],
      properties: {
        kind: { const: 'river' },
        course: { type: 'string', contentEncoding: 'base64' },
        banks: { type: 'object', required: ['left', 'right'] },
        at: { type: 'integer', minimum: 0 },
      },
    });
  });
});

describe('the schemas of all records', () => {
  const schemas = [...recordSchemas, manifestEntrySchema];

  it('have the ids and topics that other programs know', () => {
    expect(schemas.map(({ id, topic }) => [id, topic])).toEqual([
      ['headwater.seed/1', 'seeds'],
      ['headwater.real/1', 'real'],
      ['headwater.document/1', 'documents'],
      ['headwater.given/1', 'given'],
      ['headwater.plan/1', 'plans'],
      ['headwater.reasoned/1', 'reasoned'],
      ['headwater.draft/1', 'drafts'],
      ['headwater.refined/1', 'refined'],
      ['headwater.sample/1', 'samples'],
      ['headwater.correction/1', 'corrections'],
      ['headwater.quality/1', 'quality'],
      ['headwater.verdict/1', 'verdicts'],
      ['headwater.shard/1', 'shards'],
      ['headwater.ledger-entry/1', 'ledger'],
      ['headwater.dead-letter/1', 'dead-letters'],
      ['headwater.tick/1', 'ticks'],
      ['headwater.manifest-entry/1', 'manifest'],
    ]);
  });

  it.each(schemas)('are JSON Schema of draft 2020-12, open to newer properties: $kind', (schema) => {
    const json = schema.jsonSchema();
    expect(json['$schema']).toBe('https://json-schema.org/draft/2020-12/schema');
    expect(json['properties']).toMatchObject({ kind: { const: schema.kind } });
    expect(json['required']).toEqual(expect.arrayContaining(['kind', 'id']));
    checkNode(json, schema.kind);
    expect(JSON.parse(JSON.stringify(json))).toEqual(json);
  });
});

describe('recordId', () => {
  it('stays the same for the same causes, from release to release', () => {
    expect(recordId('seed', 'seeds.jsonl', 1)).toBe('71ae5bf6cdd342b13e1749ef12693c69');
    expect(recordId('ledger-entry', '00000000000000000000000000000000')).toBe('d4f9612a6480f02648be94c5f3b6a24c');
  });

  it('tells causes apart by kind, type and place', () => {
    const ids = [
      recordId('seed', 'a', 'b'),
      recordId('real', 'a', 'b'),
      recordId('seed', 'ab'),
      recordId('seed', 'b', 'a'),
      recordId('seed', 1),
      recordId('seed', '1'),
    ];
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
  });
});

const types = new Set(['object', 'array', 'string', 'number', 'integer', 'boolean', 'null']);
const keywords = new Set([
  ...['$schema', 'type', 'properties', 'required', 'additionalProperties', 'propertyNames', 'items', 'anyOf', 'const'],
  ...['enum', 'default', 'minimum', 'maximum', 'pattern', 'contentEncoding', 'arrow'],
]);

/** Every node uses keywords of the draft, with values of the right shape; `arrow` is our own annotation. */
function checkNode(node: unknown, path: string): void {
  if (typeof node !== 'object' || node === null) throw new Error(`${path} is no schema`);
  for (const keyword of Object.keys(node)) expect(keywords, `${path}: ${keyword}`).toContain(keyword);
  const { type, properties, required, additionalProperties, items, anyOf, pattern } = node as Record<string, unknown>;
  for (const name of type === undefined ? [] : [type].flat()) expect(types, path).toContain(name);
  if (typeof pattern === 'string') expect(() => new RegExp(pattern, 'u')).not.toThrow();
  if (typeof properties === 'object' && properties !== null) {
    expect(type, path).toBe('object');
    expect(additionalProperties, `${path} is closed`).not.toBe(false);
    for (const [name, property] of Object.entries(properties)) checkNode(property, `${path}.${name}`);
    for (const name of Array.isArray(required) ? required : []) expect(Object.keys(properties), path).toContain(name);
  }
  if (typeof additionalProperties === 'object') checkNode(additionalProperties, `${path}.*`);
  if (items !== undefined) checkNode(items, `${path}[]`);
  for (const [index, option] of (Array.isArray(anyOf) ? anyOf : []).entries()) checkNode(option, `${path}|${index}`);
}
