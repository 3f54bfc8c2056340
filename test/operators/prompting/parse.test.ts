import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as parse from '../../../operators/prompting/parse.js';
import { type Tag, tagsOf } from '../../../operators/prompting/tags.js';
import { domain } from '../../../schemas/domain.js';
import { mail } from '../bare/mail.js';

const sums = tagsOf(domain.parse({ about: 'Sums.', fields: { question: {}, answer: {} } }));
const reasoned = tagsOf(domain.parse({ about: 'Sums.', fields: { question: {}, reason: {}, answer: {} } }));
const mails = tagsOf(mail);
const ends = ['EXAMPLE END', 'EXAMPLE START'];
const parseFields = (text: string, tags: readonly Tag[]) => parse.parseFields(text, tags, ends);
const parseAnswer = (text: string, tags: readonly Tag[]) => parse.parseAnswer(text, tags, ends);

describe('parseFields', () => {
  test('T20: of a text with two question tags, the first item is kept', () => {
    const text = ' 1 + 1?\nAnswer: 2\nQuestion: 2 + 2?\nAnswer: 4';
    expect(parseFields(text, sums)).toEqual({ fields: { question: '1 + 1?', answer: '2' } });
  });

  test('T20: a missing answer tag is a failure that says so', () => {
    const failure = { reason: 'unparsable', detail: "no 'Answer:' at the start of a line" };
    expect(parseFields(' 1 + 1?\nIt is 2.', sums)).toEqual(failure);
    expect(parseFields(' 1 + 1?\nQuestion: 2 + 2?\nAnswer: 4', sums)).toEqual(failure);
  });

  test('T20: the text is cut at a marker before it is parsed', () => {
    expect(parseFields(' 1 + 1?\nAnswer: 2\nEXAMPLE END\nmore', sums)).toEqual({
      fields: { question: '1 + 1?', answer: '2' },
    });
    expect(parseFields(' 1 + 1?\nAnswer: 2 EXAMPLE START x', sums)).toEqual({
      fields: { question: '1 + 1?', answer: '2' },
    });
    expect(parseFields(' 1 + 1?\nEXAMPLE END\nAnswer: 2', sums)).toMatchObject({ reason: 'unparsable' });
  });

  test('a second tag of the last field, or a label, ends the item too', () => {
    expect(parseFields(' a\nAnswer: b\nAnswer: c', sums)).toEqual({ fields: { question: 'a', answer: 'b' } });
    expect(parseFields(' a\nBody: b\nLabel: spam\nSubject: c', mails)).toEqual({ fields: { subject: 'a', body: 'b' } });
  });

  test('values are trimmed and keep their inner line breaks', () => {
    expect(parseFields('  a \r\nBody:\n one\n\n two \n\n', mails)).toEqual({
      fields: { subject: 'a', body: 'one\n\n two' },
    });
  });

  test('titles count at the start of a line only, with their colon and case', () => {
    expect(parseFields(' Body: of work\nBody: the Subject: is\n Subject: x\nsubject: y\nBody guard', mails)).toEqual({
      fields: { subject: 'Body: of work', body: 'the Subject: is\n Subject: x\nsubject: y\nBody guard' },
    });
  });

  test('a field without text is a failure that names it', () => {
    expect(parseFields('\nBody: b', mails)).toEqual({ reason: 'empty', detail: "nothing after 'Subject:'" });
    expect(parseFields(' a\nBody: \n', mails)).toEqual({ reason: 'empty', detail: "nothing after 'Body:'" });
    expect(parseFields('', mails)).toMatchObject({ reason: 'unparsable' });
  });

  test('a tag out of place is a failure that names it', () => {
    expect(parseFields(' q\nAnswer: a\nReason: r', reasoned)).toEqual({
      reason: 'unparsable',
      detail: "'Answer:' inside 'question'",
    });
    expect(parseFields(' q\nReason: r\nAnswer: a\nReason: s', reasoned)).toMatchObject({ reason: 'unparsable' });
    expect(parseFields(' a\nTone: plain\nBody: b', mails)).toEqual({
      reason: 'unparsable',
      detail: "'Tone:' inside 'subject'",
    });
  });

  test('an opening that the model repeats is no second item', () => {
    expect(parseFields('\nSubject: a\nBody: b', mails)).toEqual({ fields: { subject: 'a', body: 'b' } });
  });

  test('a title with the signs of regular expressions is matched as it is', () => {
    const odd = tagsOf(domain.parse({ about: 'x', fields: { a: { title: 'Q (1+)' }, b: { title: 'A.*' } } }));
    expect(parseFields(' one\nAbc: no\nA.*: two', odd)).toEqual({ fields: { a: 'one\nAbc: no', b: 'two' } });
  });

  test('gives back what was written, and only fields that have text', () => {
    const word = fc.stringMatching(/^[a-z]{1,8}[.!?]?$/);
    const text = fc.array(word, { minLength: 1, maxLength: 8 }).map((words) => words.join(' '));
    const lines = fc.array(text, { minLength: 1, maxLength: 4 }).map((all) => all.join('\n'));
    fc.assert(
      fc.property(lines, lines, fc.string(), (subject, body, rest) => {
        const written = ` ${subject}\nBody: ${body}\nEXAMPLE END${rest}`;
        expect(parseFields(written, mails)).toEqual({ fields: { subject, body } });
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.constantFrom('Subject:', 'Body:', 'Tone:', '\n', ' ', 'x', 'EXAMPLE END')), (pieces) => {
        const parsed = parseFields(pieces.join(''), mails);
        if (!('fields' in parsed)) {
          expect(parsed.detail).not.toBe('');
          return;
        }
        for (const value of Object.values(parsed.fields)) {
          expect(value.trim()).toBe(value);
          expect(value).not.toBe('');
          expect(value).not.toMatch(/\n(Subject|Body|Tone):|EXAMPLE END/);
        }
        expect(Object.keys(parsed.fields)).toEqual(['subject', 'body']);
      }),
    );
  });
});

describe('parseAnswer', () => {
  test('leaves out what a chat model says around the item', () => {
    const text = 'Sure! Here it is:\n\nLabel: ham\n**Subject:** a\n**Body**: b\nc';
    expect(parseAnswer(text, mails)).toEqual({ fields: { subject: 'a', body: 'b\nc' } });
    expect(parseAnswer('```\nSubject: a\nBody: b\n```\n', mails)).toEqual({ fields: { subject: 'a', body: 'b' } });
  });

  test('an answer without the first title is a failure', () => {
    expect(parseAnswer('I cannot do that.', mails)).toEqual({
      reason: 'unparsable',
      detail: "no 'Subject:' at the start of a line",
    });
  });
});
