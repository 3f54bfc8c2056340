import { describe, expect, it } from 'vitest';

import { domain as domainSchema } from '../../../schemas/domain.js';
import { fieldMapping } from '../../../streams/intake/field-mapping.js';

const domain = domainSchema.parse({
  about: 'tickets',
  fields: { subject: {}, body: {} },
  label: { field: 'kind', values: ['money', 'time'] },
  vary: { tone: ['plain', 'rude'] },
});
const place = { topic: 'tickets', partition: 2, offset: 41 };
const map = { subject: '$.head.title', body: '$.parts[0].text', kind: '$.type' };
const ticket = { head: { title: 7 }, parts: [{ text: 'It\r\nleaks.' }], type: 'money', other: 'x' };

describe('fieldMapping', () => {
  it('makes a real record whose origin is the place of the message', () => {
    const record = fieldMapping('real', map, domain)(ticket, place);
    expect(record).toMatchObject({
      kind: 'real',
      fields: { subject: '7', body: 'It\nleaks.' },
      label: 'money',
      origin: place,
    });
    expect(record.origin).toEqual(place);
  });

  it('makes seeds with what they vary, and documents', () => {
    const seed = fieldMapping('seeds', { ...map, tone: '$.tone' }, domain)({ ...ticket, tone: 'rude' }, place);
    expect(seed).toMatchObject({ kind: 'seed', vary: { tone: 'rude' }, label: 'money' });
    const document = fieldMapping('documents', { text: '$.parts[0].text' }, domain)(ticket, place);
    expect(document).toMatchObject({ kind: 'document', text: 'It\nleaks.' });
  });

  it('gives the same id for the same place, and another for any other', () => {
    const mapping = fieldMapping('real', map, domain);
    const ids = [place, { ...place, topic: 'other' }, { ...place, partition: 3 }, { ...place, offset: 42 }].map(
      (each) => mapping(ticket, each).id,
    );
    expect(new Set(ids).size).toBe(4);
    expect(mapping(ticket, place).id).toBe(ids[0]);
  });

  it('does without a label that is not there, where a real record needs none', () => {
    expect(fieldMapping('real', map, domain)({ ...ticket, type: null }, place)).not.toHaveProperty('label');
  });

  it.each([
    ['a missing path', { ...ticket, parts: [] }, 'real', "$.parts[0].text, which the field 'body'"],
    ['a null', { ...ticket, head: { title: null } }, 'real', '$.head.title'],
    ['an object', { ...ticket, parts: [{ text: {} }] }, 'real', '$.parts[0].text'],
    ['a list', { ...ticket, head: { title: [] } }, 'real', 'a list'],
    ['bytes', { ...ticket, head: { title: Buffer.from('x') } }, 'real', 'bytes'],
    ['an empty text', { ...ticket, parts: [{ text: ' ' }] }, 'real', "'body' is empty"],
    ['a seed without its label', { ...ticket, type: undefined }, 'seeds', '$.type'],
    ['a seed with a label that the domain lacks', { ...ticket, type: 'love' }, 'seeds', 'money or time'],
    ['no object at all', 'text', 'real', '$.head.title'],
  ] as const)('refuses %s and says where', (_, value, kind, named) => {
    expect(() => fieldMapping(kind, map, domain)(value, place)).toThrow(
      expect.objectContaining({ code: 'line-invalid', message: expect.stringContaining(named) }),
    );
  });

  it('refuses a path that is none before any message comes', () => {
    expect(() => fieldMapping('real', { ...map, body: 'parts' }, domain)).toThrow(
      expect.objectContaining({ code: 'recipe-invalid' }),
    );
  });
});
