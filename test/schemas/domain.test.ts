import { describe, expect, it } from 'vitest';

import { columnClashes, fixedColumns } from '../../schemas/column-names.js';
import { domain, titleOf } from '../../schemas/domain.js';
import { firstIssue } from '../../schemas/record.js';

const about = 'word problems';

/** What is wrong with a domain, first thing first. */
function issueOf(value: unknown): string {
  const result = domain.safeParse(value);
  return result.success ? 'nothing' : firstIssue(result.error);
}

describe('domain', () => {
  it('fills in the bounds of its fields, and keeps their order', () => {
    const { fields, vary } = domain.parse({ about, fields: { question: {}, answer: { match: '\\d', maxLength: 9 } } });
    expect(Object.entries(fields)).toEqual([
      ['question', { minLength: 1, maxLength: 4000 }],
      ['answer', { match: '\\d', minLength: 1, maxLength: 9 }],
    ]);
    expect(vary).toEqual({});
  });

  it.each(fixedColumns.flatMap((name) => [name, name.toUpperCase()]))(
    'refuses a field called %s, as a column is',
    (name) => {
      const like = `the column '${name.toLowerCase()}' that every shard has`;
      expect(issueOf({ about, fields: { text: {}, [name]: {} } })).toBe(
        `has a bad 'fields.${name}': is called like ${like}: rename it`,
      );
    },
  );

  it.each([
    ['two fields', { fields: { a: { title: 'Text' }, b: { title: 'Text' } } }, 'fields.b', 'Text', 'fields.a'],
    [
      'a field and a varied value',
      { fields: { text: { title: 'Topic' } }, vary: { topic: ['x'] } },
      'fields.text',
      'Topic',
      'vary.topic',
    ],
    [
      'the label and a varied value',
      { fields: { text: {} }, label: { field: 'tone', values: ['x'] }, vary: { tone: ['x'] } },
      'vary.tone',
      'Tone',
      'label.field',
    ],
  ])('refuses %s of one title, which a prompt could not tell apart', (_, value, path, title, other) => {
    expect(issueOf({ about, ...value })).toBe(
      `has a bad '${path}': has the title '${title}', as ${other} has: rename one`,
    );
  });

  it('refuses two fields that differ only in case', () => {
    expect(issueOf({ about, fields: { body: {}, subject: {}, Body: {} } })).toBe(
      "has a bad 'fields.Body': is called like the field 'body': rename it",
    );
  });

  it('takes fields that only look like columns or like what every object has', () => {
    expect(issueOf({ about, fields: { createdAt: {}, ids: {}, constructor: {} } })).toBe('nothing');
  });

  it.each([
    ['a name that is no identifier', { fields: { 'the text': {} } }, 'fields.the text'],
    ['no field', { fields: {} }, 'fields'],
    ['a pattern that is none', { fields: { text: { match: '(' } } }, 'fields.text.match'],
    ['a title of two lines', { fields: { text: { title: 'a\nb' } } }, 'fields.text.title'],
    ['an option that is not known', { fields: { text: { min: 3 } } }, 'fields.text'],
    ['as many shares as values', { label: { field: 'kind', values: ['a', 'b'], shares: [1] } }, 'label.shares'],
    ['a label that is a field', { label: { field: 'text', values: ['a'] } }, 'fields.text'],
    ['a varied name that is a field', { vary: { text: ['a'] } }, 'fields.text'],
    ['a varied name without values', { vary: { tone: [] } }, 'vary.tone'],
    ['nothing that it is about', { about: '' }, 'about'],
  ])('says where it is wrong: %s', (_, change, path) => {
    expect(issueOf({ about, fields: { text: {} }, ...change })).toContain(`has a bad '${path}'`);
  });

  it('titles a field by its option, or by its name', () => {
    expect(titleOf('question', { title: 'Q', minLength: 1, maxLength: 9 })).toBe('Q');
    expect(titleOf('question')).toBe('Question');
  });
});

describe('columnClashes', () => {
  it('finds all of them, each with what it is called like', () => {
    expect(columnClashes(['Id', 'a', 'A', 'a'])).toEqual([
      { field: 'Id', like: "the column 'id' that every shard has" },
      { field: 'A', like: "the field 'a'" },
      { field: 'a', like: "the field 'a'" },
    ]);
  });
});
