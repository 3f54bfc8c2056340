import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { AnswerReader } from '../../../engines/openai/answer.js';

function read(pieces: readonly string[], stop: readonly string[] = []) {
  const reader = new AnswerReader(stop);
  for (const piece of pieces) if (!reader.read(piece)) break;
  return reader.end();
}

function events(texts: readonly string[], finish: string | null = 'stop'): string {
  const chunks = [
    ...texts.map((content) => ({ model: 'm', choices: [{ delta: { content } }] })),
    { choices: [{ delta: {}, finish_reason: finish }] },
    { choices: [], usage: { prompt_tokens: 3, completion_tokens: texts.length } },
  ];
  return `${chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('')}data: [DONE]\n\n`;
}

it('is the same however the body is cut into pieces', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' })), fc.array(fc.nat(400)), (texts, cuts) => {
      const body = events(texts);
      const at = [0, ...cuts.map((cut) => cut % body.length).sort((a, b) => a - b), body.length];
      const pieces = at.slice(1).map((to, index) => body.slice(at[index], to));
      expect(read(pieces)).toEqual({
        text: texts.join(''),
        finishReason: 'stop',
        promptTokens: 3,
        completionTokens: texts.length,
        logprobs: [],
        model: texts.length > 0 ? 'm' : undefined,
      });
    }),
  );
});

it('ends where the stop text begins that is complete first, wherever the pieces are cut', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c', 'ab', 'abc'), { maxLength: 12 });
  const stop = fc.array(fc.constantFrom('ab', 'bca', 'cc', 'abcabc'), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(text, stop, (texts, stops) => {
      const whole = texts.join('');
      const ends = Array.from({ length: whole.length + 1 }, (_, end) => whole.slice(0, end));
      const ended = ends.find((head) => stops.some((one) => head.endsWith(one))) ?? whole;
      const first = ended.length - Math.max(0, ...stops.filter((one) => ended.endsWith(one)).map((one) => one.length));
      expect(read([events(texts)], stops).text).toBe(whole.slice(0, first));
      expect(read([JSON.stringify({ choices: [{ text: whole }] })], stops).text).toBe(whole.slice(0, first));
    }),
  );
});

describe('shapes of servers', () => {
  it.each<[string, string, object]>([
    ['a byte order mark and blank lines', '\uFEFF\n\n{"choices":[{"text":"a"}]}', { text: 'a' }],
    [
      'a list of parts',
      '{"choices":[{"message":{"content":[{"type":"text","text":"a"},{"text":"b"}]}}]}',
      { text: 'ab' },
    ],
    [
      'no content',
      '{"choices":[{"message":{"content":null},"finish_reason":"length"}]}',
      { text: '', finishReason: 'length' },
    ],
    ['an unknown end', '{"choices":[{"text":"a","finish_reason":"eos_token"}]}', { finishReason: 'stop' }],
    ['usage that is null', '{"choices":[{"text":"a"}],"usage":null}', { promptTokens: undefined }],
    [
      'usage that is no number',
      '{"choices":[{"text":"a"}],"usage":{"prompt_tokens":"7"}}',
      { promptTokens: undefined },
    ],
    ['an error that is null', '{"error":null,"choices":[{"text":"a"}]}', { text: 'a' }],
    [
      'comments and carriage returns',
      ': ping\r\n\r\ndata: {"choices":[{"text":"a"}]}\r\n\r\ndata: [DONE]\r\n\r\n',
      { text: 'a' },
    ],
    ['no last line break', 'data: {"choices":[{"text":"a"}]}\n\ndata: [DONE]', { text: 'a' }],
    ['no DONE', 'data: {"choices":[{"text":"a","finish_reason":"stop"}]}\n\n', { text: 'a' }],
  ])('%s', (_, body, expected) => {
    expect(read([body])).toMatchObject(expected);
  });
});

it('keeps a surrogate pair that two events share', () => {
  expect(read([events(['\ud83c', '\udf0a', '\ud83c'])]).text).toBe('🌊\uFFFD');
});

it.each([
  ['', 'the answer is empty'],
  ['<html>', 'web page'],
  ['[1, 2]', 'no choices'],
  ['{"choices":{}}', 'no choices'],
  ['data: {"choices":[{"text":"a"}]}\n\n', 'cut before its end'],
  ['data: {"choices":[{"te', 'not JSON'],
])('refuses %j', (body, message) => {
  expect(() => read([body])).toThrow(message);
});
