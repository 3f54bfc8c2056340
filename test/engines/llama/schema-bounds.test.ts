import { describe, expect, it } from 'vitest';

import { bounded } from '../../../engines/llama/schema-bounds.js';

describe('bounded', () => {
  it('bounds strings, lists and maps that have no bound, and keeps those that have one', () => {
    expect(
      bounded({
        type: 'object',
        properties: {
          title: { type: 'string', minLength: 3 },
          tags: { type: 'array', items: { type: 'string', maxLength: 9 }, maxItems: 4 },
          points: { items: { type: 'number', minimum: 0 } },
        },
        required: ['title'],
        additionalProperties: { type: 'boolean' },
      }),
    ).toEqual({
      type: 'object',
      properties: {
        title: { type: 'string', minLength: 3, maxLength: 2003 },
        tags: { type: 'array', items: { type: 'string', minLength: 0, maxLength: 9 }, minItems: 0, maxItems: 4 },
        points: { type: 'array', items: { type: 'number' }, minItems: 0, maxItems: 64 },
      },
      additionalProperties: { type: 'boolean' },
      minProperties: 0,
      maxProperties: 35,
    });
  });

  it('turns alternatives and several types into one form', () => {
    expect(bounded({ anyOf: [{ const: 'a' }, { type: ['integer', 'null'] }] })).toEqual({
      oneOf: [{ const: 'a' }, { oneOf: [{ type: 'integer' }, { type: 'null' }] }],
    });
  });

  it('keeps references and what they refer to', () => {
    expect(bounded({ $ref: '#/$defs/word', $defs: { word: { type: 'string', maxLength: 5 } } })).toEqual({
      $ref: '#/$defs/word',
      $defs: { word: { type: 'string', minLength: 0, maxLength: 5 } },
    });
  });

  it.each([
    [true, '#'],
    [{}, '#'],
    [{ type: 'array' }, '#/items'],
    [{ type: 'object', properties: { a: { allOf: [] } } }, '#/properties/a'],
    [{ type: 'object', additionalProperties: true }, '#/additionalProperties'],
    [{ enum: [] }, '#'],
    [{ enum: [{}] }, '#'],
    [{ $ref: 'other.json' }, '#'],
    [{ type: 'string', maxLength: -1 }, '#'],
  ])('refuses %j, naming %s', (schema, path) => {
    expect(() => bounded(schema)).toThrow(
      expect.objectContaining({ code: 'grammar-invalid', message: expect.stringContaining(`at ${path}:`) }),
    );
  });
});
