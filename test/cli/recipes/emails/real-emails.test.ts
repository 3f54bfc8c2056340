import { expect, test } from 'vitest';

import { loadRecipe } from '../../../../cli/recipe/load-recipe.js';
import { cleanEmails } from '../../../../cli/recipes/emails/real-emails.js';
import { readInput } from '../../../../streams/inputs/read-input.js';

const prose = 'The meeting has moved to the small room on the second floor. Please bring your figures for the quarter.';

function cleaned(body: string, headers = '', group = 'easy-ham-1') {
  const text = `From someone Thu Aug 22 12:36:23 2002\nSubject: [list] Re: A plain subject\n${headers}\n${body}`;
  return [...cleanEmails([{ group, checksum: { value: '0' }, text }])][0];
}

test.each<[string, string, string]>([
  ['as it is', prose, ''],
  ['without what it quotes', `> old words here, many of them.\n\nJohn Doe wrote:\n${prose}`, ''],
  ['without a signature and a footer', `${prose}\n-- \nA. Person. A long title, and a long company name.\n`, ''],
  ['without addresses', `${prose} Write to me at a@b.example for more. See http://b.example for all of it.`, ''],
  [
    'out of quoted-printable',
    prose.replace('small room', 'small=20r=\noom'),
    'Content-Transfer-Encoding: quoted-printable\n',
  ],
  ['out of base64', Buffer.from(prose).toString('base64'), 'Content-Transfer-Encoding: base64\n'],
  [
    'out of HTML',
    `<html><head><title>x</title></head><p>${prose.replace('. ', '.&nbsp;<b>')}</b></p></html>`,
    'Content-Type: text/html\n',
  ],
  [
    'out of the first part',
    `preamble\n--b1\nContent-Type: text/plain\n\n${prose}\n\n--b1\nContent-Type: text/html\n\n<p>Other.</p>\n--b1--\n`,
    'Content-Type: multipart/alternative;\n\tboundary="b1"\n',
  ],
  [
    'out of a signed mail',
    `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA1\n\n${prose}\n-----BEGIN PGP SIGNATURE-----\nabc\n`,
    '',
  ],
])('a mail comes %s', (_, body, headers) => {
  expect(cleaned(body, headers)).toEqual({ kind: 'ham', subject: 'A plain subject', body: prose });
});

test.each([
  ['too-short', 'Thanks!', ''],
  ['damaged', prose.replace('small', 'sm\ufffdll'), ''],
  ['encrypted', '-----BEGIN PGP MESSAGE-----\nabc\n', ''],
  ['no-text', 'abc', 'Content-Type: image/png\n'],
  [
    'undecodable',
    '=FF=FE=FD',
    'Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n',
  ],
  [
    'not-prose',
    'Do $x = {a => 1, b => 2} then if (c) { d(); } else { e(); } and f(g, h) or i(j) and k(l) then m(n).',
    '',
  ],
])('a mail is left out as %s', (skipped, body, headers) => {
  expect(cleaned(body, headers)).toEqual({ skipped });
});

test('a body is cut after a sentence', () => {
  const email = cleaned(`${prose} ${prose.replaceAll('.', '!')} ${prose} ${prose} ${prose}`);
  expect(email).toHaveProperty('body', expect.stringMatching(/^The meeting .{250,380}[.!]$/));
});

test('an encoded subject is decoded, and copies are counted', () => {
  const text = `Subject: =?iso-8859-1?Q?Caf=E9_at?= =?utf-8?B?IG5vb24=?=\n\n${prose}`;
  const mail = { group: 'spam-1', checksum: { value: '0' }, text };
  expect([...cleanEmails([mail, mail])]).toEqual([
    { kind: 'spam', subject: 'Caf\u00e9 at noon', body: prose },
    { skipped: 'duplicate' },
  ]);
});

test('the corpus comes clean, the labels mixed', async () => {
  const { recipe, dir } = await loadRecipe('emails', { set: [] });
  const { real } = recipe.inputs;
  if (typeof real !== 'object' || !('module' in real)) throw new Error('expected a module');
  const input = readInput({ kind: 'real', source: real, base: dir, domain: recipe.domain });
  const labels: string[] = [];
  for await (const item of input) {
    if (item.kind !== 'real') throw new Error(item.message);
    const { subject = '', body = '' } = item.fields;
    labels.push(item.label ?? '');
    expect(body.length).toBeLessThanOrEqual(400);
    expect(body).toMatch(/^[^\n\ufffd]+[.!?]["')]?$/);
    expect(`${subject} ${body}`).not.toMatch(/https?:|\S@\S|^>/);
  }
  const { read, dead, skipped } = input.counts;
  const left = [...skipped.values()].reduce((sum, count) => sum + count, 0);
  expect({ total: read + left, dead }).toEqual({ total: 6046, dead: 0 });
  const spam = labels.filter((label) => label === 'spam').length;
  expect(read).toBeGreaterThan(3000);
  expect(spam).toBeGreaterThan(700);
  const early = labels.slice(0, 500).filter((label) => label === 'spam').length / 500;
  expect(Math.abs(early - spam / read)).toBeLessThan(0.08);
});
