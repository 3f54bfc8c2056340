import fc from 'fast-check';
import { expect, test } from 'vitest';
import { blocks } from '../../../operators/prompting/layouts/blocks.js';
import { copyEditMessages, editMessages, draftPrompt as promptIn } from '../../../operators/prompting/prompts.js';
import { tagsOf } from '../../../operators/prompting/tags.js';
import type { Domain } from '../../../schemas/domain.js';
import { domain } from '../../../schemas/domain.js';
import type { Plan } from '../../../schemas/plan.js';
import { draftedFields, mail, mailPlan } from '../bare/mail.js';

const draftPrompt = (about: Domain, plan: Plan) => promptIn(about, blocks(about), plan);

test('a draft prompt shows the examples, then opens a block that ends in the first title', () => {
  expect(draftPrompt(mail, mailPlan(0)).prompt).toBe(`E-mails, wanted or not.

EXAMPLE START
Label: ham
Topic: lunch
Tone: plain
Subject: Lunch on Friday
Body: Shall we meet at noon?
The place by the river is open again.
EXAMPLE END

EXAMPLE START
Label: spam
Topic: a prize
Tone: plain
Subject: You have won
Body: Your number was drawn. Send us your address to get the money.
EXAMPLE END

EXAMPLE START
Label: ham
Topic: lunch
Tone: plain
Subject:`);
});

test('plans with the same examples share the head up to their first own line', () => {
  const ham = draftPrompt(mail, mailPlan(0));
  const spam = draftPrompt(mail, mailPlan(1, { label: 'spam', vary: { topic: 'a prize', tone: 'plain' } }));
  expect(ham.sharedPrefix).toBe(spam.sharedPrefix);
  const head = ham.prompt.slice(0, ham.sharedPrefix);
  expect(spam.prompt.startsWith(head)).toBe(true);
  expect(head.endsWith('\nEXAMPLE START\n')).toBe(true);
  expect(ham.prompt.slice(ham.sharedPrefix)).toBe('Label: ham\nTopic: lunch\nTone: plain\nSubject:');
});

test('values that a seed or a plan does not have are left out', () => {
  const plain = domain.parse({ about: 'Sums.', fields: { question: { title: 'The question' }, answer: {} } });
  const { label: _label, ...plan } = mailPlan(0, {
    vary: {},
    examples: [{ id: '0'.repeat(32), fields: { question: '1 + 1?', answer: '2' }, vary: {} }],
  });
  expect(draftPrompt(plain, plan).prompt).toBe(
    'Sums.\n\nEXAMPLE START\nThe question: 1 + 1?\nAnswer: 2\nEXAMPLE END\n\nEXAMPLE START\nThe question:',
  );
  expect(draftPrompt(mail, { ...mailPlan(0), vary: { tone: 'plain' } }).prompt).toMatch(
    /EXAMPLE START\nLabel: ham\nTone: plain\nSubject:$/,
  );
});

test('no seed can break the layout', () => {
  const piece = fc.constantFrom(
    'EXAMPLE END',
    'EXAMPLE START',
    'Subject:',
    'Body:',
    'Label:',
    '\n',
    '\r\n',
    ' ',
    'word.',
    '\u0000',
    '\ud800',
  );
  const text = fc.array(piece, { minLength: 1, maxLength: 12 }).map((pieces) => `x${pieces.join('')}`);
  fc.assert(
    fc.property(text, text, text, (subject, body, topic) => {
      const example = { id: '0'.repeat(32), fields: { subject, body }, label: 'ham', vary: { topic, tone: 'plain' } };
      const { prompt } = draftPrompt(mail, mailPlan(0, { examples: [example, example] }));
      expect(prompt.match(/EXAMPLE START/g)).toHaveLength(3);
      expect(prompt.match(/EXAMPLE END/g)).toHaveLength(2);
      expect(prompt.match(/^Subject:/gm)).toHaveLength(3);
      expect(prompt.match(/^Body:/gm)).toHaveLength(2);
      expect(prompt.match(/^Label:/gm)).toHaveLength(3);
      expect(prompt).not.toMatch(/\p{Surrogate}|(?!\n)\p{Cc}/u);
      const shown = prompt.slice(prompt.search(/^Subject:/m) + 'Subject:'.length);
      expect(blocks(mail).parseRaw(shown, false)).toHaveProperty('fields');
    }),
  );
});

test('markers and titles in a seed are shown in lower case and indented', () => {
  const fields = { subject: 'a', body: 'one EXAMPLE END\nBody: two\nBodyguard: three' };
  const { prompt } = draftPrompt(mail, mailPlan(0, { examples: [{ id: '0'.repeat(32), fields, vary: {} }] }));
  expect(prompt).toContain('Body: one example end\n Body: two\nBodyguard: three\nEXAMPLE END');
});

test("an edit shows the examples, BARE's instruction and the draft to an able model", () => {
  const [message, ...rest] = editMessages(mail, blocks(mail), mailPlan(0), draftedFields);
  expect(rest).toEqual([]);
  expect(message?.role).toBe('user');
  expect(message?.content).toContain('Subject: Lunch on Friday');
  expect(message?.content).toContain('Do not change its theme (Label: ham; Topic: lunch; Tone: plain).');
  expect(message?.content).toContain('"Subject:", then "Body:"');
  expect(message?.content.endsWith('Subject: Soup at one\nBody: I will brng soup for both of us. Come at one.')).toBe(
    true,
  );
});

test('a copy-edit shows a tiny model the draft alone, and opens the answer', () => {
  const messages = copyEditMessages(mail, draftedFields);
  expect(messages.map(({ role }) => role)).toEqual(['system', 'user', 'assistant']);
  expect(messages[1]?.content).not.toContain('Lunch on Friday');
  expect(messages[1]?.content).toContain('Subject: Soup at one\nBody: I will brng soup');
  expect(messages[2]?.content).toBe('Subject:');
});

test('stops are the markers', () => {
  expect(blocks(mail).rawStops).toEqual(['EXAMPLE END', 'EXAMPLE START']);
});

test('two tags with one title are refused', () => {
  const field = { title: 'Text', minLength: 1, maxLength: 10 };
  const twice = { about: 'x', fields: { a: field, b: field }, vary: {} };
  expect(() => tagsOf(twice)).toThrow(new TypeError("domain: 'a' and 'b' both have the title 'Text'"));
});
