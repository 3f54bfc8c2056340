import { describe, expect, test } from 'vitest';
import { firstBroken, type Rule } from '../../../operators/quality/rule.js';
import {
  html,
  leakedMarker,
  leakedTitle,
  malformedText,
  missingField,
  noFinalPunctuation,
  noMatch,
  promptWords,
  repeatedField,
  repeatedSentence,
  rulesOf,
  tooLong,
  tooShort,
} from '../../../operators/quality/rules.js';
import { domain } from '../../../schemas/domain.js';

const mail = domain.parse({
  about: 'E-mails.',
  fields: { subject: { minLength: 3, maxLength: 20 }, body: { match: '[.!?]$' } },
  label: { field: 'label', values: ['ham'] },
  vary: { tone: ['plain'] },
});
const good = { subject: 'Lunch', body: 'At noon?' };

function inBody(rule: Rule, body: string): string | undefined {
  return rule.broken({ ...good, body });
}

function tells(rule: Rule, bad: readonly string[], fine: readonly string[]): void {
  for (const text of bad) expect(inBody(rule, text), text).toBeTypeOf('string');
  for (const text of fine) expect(inBody(rule, text), text).toBeUndefined();
}

describe('rules', () => {
  test('a good text breaks none, and the first broken one is told with its evidence', () => {
    expect(firstBroken(rulesOf(mail), good)).toBeUndefined();
    expect(firstBroken(rulesOf(mail), { subject: 'Lunch' })).toEqual({
      reason: 'missing-field',
      detail: "'body' has no text",
    });
    expect(firstBroken(rulesOf(mail), { ...good, body: '<b>At noon?' })).toEqual({
      reason: 'html',
      detail: '\'body\' has "<b>"',
    });
  });

  test('missing-field: absent or blank', () => {
    expect(missingField(mail).broken({ subject: ' \n', body: 'b' })).toBe("'subject' has no text");
    expect(missingField(mail).broken({})).toBe("'subject' has no text");
    expect(missingField(mail).broken(good)).toBeUndefined();
  });

  test('malformed-text: control characters, half surrogates, replacement characters', () => {
    tells(
      malformedText(),
      ['a\u0000b', '\u0007', 'a\rb', 'x\ud83d', '\udc00x', 'caf\ufffd', 'a\u0085b'],
      ['a\tb\nc', 'café 😀 漢字', ''],
    );
    expect(inBody(malformedText(), 'a\u0000')).toBe("'body' has U+0000");
  });

  test('too-short and too-long count characters, not code units', () => {
    expect(tooShort(mail).broken({ ...good, subject: 'Hi' })).toBe("'subject': 2 of at least 3 characters");
    expect(tooShort(mail).broken({ ...good, subject: '😀😀' })).toBe("'subject': 2 of at least 3 characters");
    expect(tooLong(mail).broken({ ...good, subject: '😀'.repeat(20) })).toBeUndefined();
    expect(tooLong(mail).broken({ ...good, subject: 'x'.repeat(21) })).toBe("'subject': 21 of at most 20 characters");
  });

  test('no-match: the regular expression of the field', () => {
    tells(noMatch(mail), ['At noon'], ['At noon.']);
    expect(inBody(noMatch(mail), 'At noon')).toBe("'body': does not match /[.!?]$/");
  });

  test('leaked-marker: in any case, with other signs between', () => {
    tells(
      leakedMarker(),
      ['x EXAMPLE END', 'a\nExample start\nb', '** example end **', 'EXAMPLE_END', 'EXAMPLE\nSTART'],
      ['the end of an example', 'an example of it', 'an example that starts', 'This is one example. End of story.'],
    );
  });

  test('leaked-title: at the start of a line in any case, elsewhere as written', () => {
    tells(
      leakedTitle(mail),
      ['Hi. Subject: Lunch', 'a\nbody: b', 'a\n- **Tone**: plain', 'Label: ham', '(Tone: plain)'],
      ['the subject: lunch', 'somebody: x', 'NoSubject: x', 'Subject is lunch', 'a\nBody language'],
    );
  });

  test('prompt-words: instructions, and an assistant about its task', () => {
    tells(
      promptWords(),
      [
        'Here is the rewritten mail.',
        'The corrected text is:',
        'As an AI, I',
        'Keep the same format.',
        'fix spelling and grammar',
        'It is grammatically right.',
      ],
      ['I wrote it again.', 'The email format is fine.', 'Aim high.', 'We corrected the invoice.'],
    );
  });

  test('html: tags and comments, not names or addresses in angle brackets', () => {
    tells(
      html(),
      ['<b>now</b>', '<BR>', '<a href="x">', '<br/>', 'x <!-- y', '</td>', '<img src=x />'],
      ['1 < 2 and b > a', '<ann@b.org>', '<name>', 'a <- b', '<http://a.b/>', 'i<p'],
    );
  });

  test('repeated-field: two fields that say the same', () => {
    expect(repeatedField().broken({ subject: 'At noon', body: 'At noon!' })).toBe("'body' says the same as 'subject'");
    tells(repeatedField(), ['LUNCH.'], ['Lunch at noon', '']);
    expect(repeatedField().broken({ subject: '?', body: '!' })).toBeUndefined();
  });

  test('repeated-sentence: a sentence of four words twice, or words on end', () => {
    tells(
      repeatedSentence(),
      [
        'We are open all day. Come in. We are OPEN all day!',
        'Call us right now\nIt is cheap\ncall us right now',
        'very very very very good',
        'and so on and so on and so on',
      ],
      [
        'Thank you. Thank you.',
        'no no no',
        'I know that you know that we know.',
        'We are open all day. We are open all night.',
      ],
    );
  });

  test('no-final-punctuation: of the last field, quotes and brackets aside', () => {
    tells(
      noFinalPunctuation(mail),
      ['Regards, Ann', 'and then,', '#### 12'],
      ['Done.', 'Really?!', '(Done.)', '"Done."', '好的。', 'Done. \n'],
    );
    expect(noFinalPunctuation(mail).broken({ subject: 'No', body: 'Yes.' })).toBeUndefined();
  });

  test('evidence is short, and valid text', () => {
    const detail = firstBroken([noFinalPunctuation(mail)], { ...good, body: '😀'.repeat(500) })?.detail ?? '';
    expect(detail.length).toBeLessThan(200);
    expect(detail).not.toMatch(/\p{Surrogate}/u);
  });
});
