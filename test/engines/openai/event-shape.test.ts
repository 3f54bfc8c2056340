import fc from 'fast-check';
import { expect, it } from 'vitest';

import { shapeOf, textIn } from '../../../engines/openai/event-shape.js';

function chunk(text: string, rest: object = {}): string {
  return JSON.stringify({ id: 'a', model: 'm', choices: [{ index: 0, delta: { content: text }, ...rest }] });
}

const word = fc.stringMatching(/^[A-Za-z0-9 ,.]+$/);

it('reads what a JSON parser reads, or leaves it to one', () => {
  fc.assert(
    fc.property(word, fc.string({ unit: 'binary' }), (first, text) => {
      const shape = shapeOf(chunk(first), first);
      if (shape === undefined) return;
      const read = textIn(chunk(text), shape);
      if (read !== undefined) expect(read).toBe(text);
      expect(textIn(chunk('plain'), shape)).toBe('plain');
    }),
  );
});

it('is not certain where a text is found twice, or may be written in several ways', () => {
  expect(shapeOf(chunk('m'), 'm')).toBeUndefined();
  expect(shapeOf(chunk('a/b'), 'a/b')).toBeUndefined();
  expect(shapeOf(chunk(''), '')).toBeUndefined();
  expect(shapeOf('{"text":"other"}', 'word')).toBeUndefined();
});

it('leaves events that differ in more than their text to a parser', () => {
  const shape = shapeOf(chunk('word'), 'word') ?? { before: '', after: '' };
  expect(textIn(chunk('end', { finish_reason: 'stop' }), shape)).toBeUndefined();
  expect(textIn(chunk('a"b'), shape)).toBeUndefined();
  expect(textIn(chunk('\n'), shape)).toBeUndefined();
  expect(textIn(`${shape.before}a\u0000${shape.after}`, shape)).toBeUndefined();
  expect(textIn(shape.before, shape)).toBeUndefined();
});
