import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  type AttributeReading,
  askedNames,
  attributesIn,
  namedLines,
} from '../../../../operators/synalign/reason/attributes.js';
import { namedTexts } from '../../../../operators/synalign/reason/loose-json.js';
import { textLength } from '../../../../operators/synalign/reason/text-length.js';
import { mail } from '../../bare/mail.js';

const reading: AttributeReading = {
  names: ['style', 'intent'],
  domain: mail,
  sources: ['Shall we meet at noon by the river?'],
  maxCopiedWords: 3,
};

function read(answer: unknown) {
  return attributesIn(namedTexts(JSON.stringify(answer)), reading);
}

describe('attributes of an answer', () => {
  test('stand in the order in which they were asked for, others behind them', () => {
    const values = read({ mood: 'calm', intent: 'to invite', Style: 'short' });
    expect(Object.entries(values ?? {})).toEqual([
      ['style', 'short'],
      ['intent', 'to invite'],
      ['mood', 'calm'],
    ]);
  });

  test.each([
    ['a name in another case', { STYLE: 'plain' }, { style: 'plain' }],
    ['inside another object', { attributes: { style: 'plain' } }, { style: 'plain' }],
    ['an object of its own', { style: { pace: 'quick', words: 'short' } }, { style: 'quick; short' }],
    ['several objects', [{ style: 'plain' }, { style: 'warm' }, { style: 'Plain' }], { style: 'plain; warm' }],
    ['a list', { style: ['plain', 'warm'] }, { style: 'plain; warm' }],
    ['repeated items', { style: 'plain; warm; plain', intent: 'a, b, a' }, { style: 'plain; warm', intent: 'a, b' }],
    ['a sentence with commas', { style: 'plain, but warm, as told' }, { style: 'plain, but warm, as told' }],
    [
      'marks around it',
      { style: ' "**plain**" ', '**Tone of voice**': 'x1' },
      { style: 'plain', 'tone of voice': 'x1' },
    ],
    ['line breaks and controls', { style: 'plain\r\nand\u0000 \u0007warm\ud800' }, { style: 'plain and warm' }],
    ['a copy', { style: 'warm: shall we meet at noon', intent: 'to invite' }, { style: 'warm', intent: 'to invite' }],
    ['nothing but a copy', { style: 'we meet at noon', intent: 'to invite' }, { intent: 'to invite' }],
    ['values that say nothing', { style: 'N/A', mood: 'mood', intent: 'to invite', a: '...' }, { intent: 'to invite' }],
    ['a refusal', { style: 'plain', intent: "I'm sorry, but I can't help with that request." }, { style: 'plain' }],
    [
      'markup and marks',
      { style: '<b>warm</b>', mood: '{"a": 1}', a: 'TEXT END', intent: 'a < b' },
      { intent: 'a < b' },
    ],
    ['names of the domain', { style: 'plain', subject: 'Lunch', Label: 'ham', tone: 'dry' }, { style: 'plain' }],
    ['numbers and truth values', { style: 3, intent: true }, { style: '3', intent: 'true' }],
  ])('%s', (_, answer, values) => {
    expect(read(answer)).toEqual(values);
  });

  test('none of those that were asked for is none at all', () => {
    expect(read({ mood: 'calm', pace: 'quick' })).toBeUndefined();
    expect(read({ style: '' })).toBeUndefined();
    expect(attributesIn(namedTexts('<style>body { color: red }</style>'), reading)).toBeUndefined();
  });

  test('are at most 12, of 200 characters, on one line, without control characters, whatever the answer', () => {
    const texts = fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary', maxLength: 400 }));
    fc.assert(
      fc.property(texts, fc.string({ unit: 'binary', minLength: 1, maxLength: 400 }), (others, style) => {
        const values = read({ ...others, style: `x${style}` }) ?? {};
        expect(Object.keys(values).length).toBeLessThanOrEqual(12);
        for (const [name, value] of Object.entries(values)) {
          expect(value.length).toBeGreaterThan(0);
          expect(value.length).toBeLessThanOrEqual(200);
          expect(value).not.toMatch(/\p{Cc}|\p{Surrogate}/u);
          expect(name.length).toBeLessThanOrEqual(60);
          expect(name).not.toMatch(/[\p{Cc}:]|\p{Surrogate}/u);
        }
      }),
      { numRuns: 300 },
    );
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`name ${n}`, `value ${n}`]));
    expect(Object.keys(read({ ...many, style: 'plain' }) ?? {})).toHaveLength(12);
  });

  test('lines are read by the names that were asked for, the first of each', () => {
    const answer = '- **Style**: plain\nIntent : to invite\nStyle: warm\nOther: x\nno line\nintent: again';
    expect(attributesIn(namedLines(answer, reading.names), reading)).toEqual({ style: 'plain', intent: 'to invite' });
    expect(namedLines(`${'x'.repeat(5000)}: y`, reading.names)).toEqual([]);
  });

  test('a line has one sentence', () => {
    const answer = 'Style: plain, i.e. short. I am writing to you\nIntent: to sell. Please send';
    expect(attributesIn(namedLines(answer, reading.names), reading)).toEqual({
      style: 'plain, i.e. short',
      intent: 'to sell',
    });
  });

  test('names that the domain has, or that come twice, are not asked for', () => {
    expect(askedNames(mail, ['topic', 'Style', 'style', 'context', 'BODY', 'label', '!', 'length'])).toEqual([
      'Style',
      'length',
    ]);
    expect(askedNames(mail, ['a: b\nc'])).toEqual(['a b c']);
  });

  test.each([
    [[''], undefined],
    [['one'], 'about 1 word'],
    [['one two three'], 'about 3 words'],
    [['a '.repeat(33), 'a '.repeat(34), 'b '.repeat(900)], 'about 35 words'],
    [['a '.repeat(87)], 'about 90 words'],
    [['a '.repeat(1234)], 'about 1200 words'],
    [['我们中午在河边见面吧，那里又有汤了。'], 'about 15 characters'],
  ])('the length of %j is counted', (texts, length) => {
    expect(textLength(texts)).toBe(length);
  });
});
