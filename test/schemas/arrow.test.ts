import { describe, expect, test } from 'vitest';
import { z } from 'zod';

import { arrowSchema, columnOf, propertyOf, sampleRowSchema, schemaId } from '../../schemas/arrow.js';
import { recordSchemas } from '../../schemas/codec.js';
import { fixedColumns } from '../../schemas/column-names.js';
import { domain } from '../../schemas/domain.js';
import { instant, vector } from '../../schemas/record.js';

const emails = domain.parse({ about: 'e-mails', fields: { subject: {}, body: {} } });

function withFields(...names: readonly string[]) {
  return { ...emails, fields: Object.fromEntries(names.map((name) => [name, { minLength: 1, maxLength: 4000 }])) };
}

describe('sampleRowSchema', () => {
  test('has the columns of a shard in their order', () => {
    const columns = sampleRowSchema(emails, 8).fields.map((field) => `${field.name} ${field.type} ${field.nullable}`);
    expect(columns.filter((column) => !column.startsWith('lineage'))).toEqual([
      'id Utf8 false',
      'subject Utf8 false',
      'body Utf8 false',
      'label Utf8 true',
      'weight Float64 false',
      'embedding FixedSizeList[8]<Float32> false',
      'created_at Timestamp<MILLISECOND, UTC> false',
    ]);
  });

  test('derives the lineage from its record', () => {
    const lineage = sampleRowSchema(emails, null).fields.find((field) => field.name === 'lineage');
    const children = lineage?.type.children.map((field: { name: string; type: unknown; nullable: boolean }) => [
      field.name,
      String(field.type),
      field.nullable,
    ]);
    expect(children).toEqual([
      ['seed_ids', 'List<Utf8>', false],
      ['document_ids', 'List<Utf8>', false],
      ['real_ids', 'List<Utf8>', false],
      ['plan_id', 'Utf8', false],
      ['draft_id', 'Utf8', false],
      ['prompt_ids', 'List<Utf8>', false],
      ['models', 'List<Utf8>', false],
      ['prompt_tokens', 'Int32', false],
      ['completion_tokens', 'Int32', false],
      ['cost', 'Float64', true],
      [
        'calls',
        'List<Struct<{role:Utf8, model:Utf8, prompt:Utf8, temperature:Float64, random_seed:Int64, prompt_tokens:Int32, ' +
          'completion_tokens:Int32, cost:Float64, finish_reason:Utf8, started_at:Timestamp<MILLISECOND, UTC>, milliseconds:Float64, reused:Bool}>>',
        false,
      ],
      ['attributes_id', 'Utf8', true],
      ['attributes', 'List<Struct<{name:Utf8, value:Utf8}>>', false],
    ]);
  });

  test('leaves the embedding out where there is none', () => {
    expect(sampleRowSchema(emails, null).names).not.toContain('embedding');
  });

  test.each(fixedColumns.flatMap((name) => [name, name.toUpperCase()]))('refuses a field called %s', (name) => {
    expect(() => sampleRowSchema(withFields('text', name), null)).toThrow(
      expect.objectContaining({ code: 'recipe-invalid', message: expect.stringContaining(`'${name}'`) }),
    );
  });

  test('refuses fields that differ only in case', () => {
    expect(() => sampleRowSchema(withFields('text', 'Text'), null)).toThrow(/'Text' is called like the field 'text'/);
  });

  test('keeps fields that look like snake case or like what every object has', () => {
    expect(sampleRowSchema(withFields('seed_ids', 'seedIds', 'constructor'), null).names.slice(1, 4)).toEqual([
      'seed_ids',
      'seedIds',
      'constructor',
    ]);
  });
});

describe('arrowSchema', () => {
  test.each(recordSchemas)('knows the Arrow type of all that a $kind holds', (schema) => {
    const { names } = arrowSchema(schema, 4);
    expect(names[0]).toBe('kind');
    expect(names).toHaveLength(Object.keys(schema.jsonSchema()['properties'] ?? {}).length);
  });

  test('maps types, optionality and names', () => {
    const type = z.looseObject({
      someText: z.string().optional(),
      flag: z.boolean().default(false),
      count: z.int32().nullable(),
      big: z.int(),
      ratio: z.number(),
      at: instant(),
      byName: z.record(z.string(), z.string()),
      near: vector().optional(),
      inner: z.looseObject({ one: z.enum(['a', 'b']) }).optional(),
    });
    const columns = arrowSchema({ type }, 2).fields.map((field) => `${field.name} ${field.type} ${field.nullable}`);
    expect(columns).toEqual([
      'some_text Utf8 true',
      'flag Bool false',
      'count Int32 true',
      'big Int64 false',
      'ratio Float64 false',
      'at Timestamp<MILLISECOND, UTC> false',
      'by_name Map<{key:Utf8, value:Utf8}> false',
      'near FixedSizeList[2]<Float32> true',
      'inner Struct<{one:Utf8}> true',
    ]);
  });

  test('says which property has no Arrow type', () => {
    expect(() => arrowSchema({ type: z.looseObject({ odd: z.union([z.string(), z.number()]) }) })).toThrow(
      /'odd' is a union/,
    );
    expect(() => arrowSchema({ type: z.looseObject({ near: vector() }) })).toThrow(/'near' is a vector/);
    expect(() => arrowSchema({ type: z.string() })).toThrow(TypeError);
  });

  test('names columns and properties one to one', () => {
    for (const schema of recordSchemas) {
      for (const property of Object.keys(schema.jsonSchema()['properties'] ?? {})) {
        expect(propertyOf(columnOf(property))).toBe(property);
      }
    }
    expect(columnOf('promptTokens')).toBe('prompt_tokens');
  });
});

describe('schemaId', () => {
  test('stays for the same columns and changes with any of them', () => {
    const ids = [
      sampleRowSchema(emails, 8),
      sampleRowSchema(emails, 16),
      sampleRowSchema(emails, null),
      sampleRowSchema(withFields('body', 'subject'), 8),
    ].map(schemaId);
    expect(new Set(ids).size).toBe(4);
    expect(schemaId(sampleRowSchema(emails, 8))).toBe(ids[0]);
    expect(ids[0]).toMatch(/^headwater\.row\/[0-9a-f]{16}$/);
  });
});
