import { expect, test } from 'vitest';
import { editGrammar } from '../../../operators/prompting/grammar.js';
import { tagsOf } from '../../../operators/prompting/tags.js';
import { domain } from '../../../schemas/domain.js';
import { mail } from '../bare/mail.js';

test('an edit has the lines of its draft', () => {
  expect(editGrammar(tagsOf(mail), { subject: 'a', body: 'b\nc\n \n\nd' })).toBe(
    'root ::= " " line "\\nBody: " line "\\n" line "\\n\\n" line\nline ::= [^ \\n\\r\\t] [^\\n\\r\\t]*\n',
  );
  expect(editGrammar(tagsOf(mail), { subject: 'a', body: 'b\n' })).toContain('root ::= " " line "\\nBody: " line\n');
});

test('a title is quoted', () => {
  const tags = tagsOf(domain.parse({ about: 'x', fields: { a: {}, b: { title: 'The "b" \\ c' } } }));
  expect(editGrammar(tags, { a: 'x', b: 'y' })).toContain(String.raw`"\nThe \"b\" \\ c: " line`);
});
