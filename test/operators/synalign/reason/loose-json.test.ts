import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { namedTexts } from '../../../../operators/synalign/reason/loose-json.js';

/** `path/path: text`, one a line. */
function found(answer: string): string[] {
  return namedTexts(answer).map(({ path, text }) => `${path.join('/')}: ${text}`);
}

/** The same of a JSON value, the slow way. */
function flattened(value: unknown, path: readonly string[] = []): { path: readonly string[]; text: string }[] {
  if (value === null) return [];
  if (Array.isArray(value)) return value.flatMap((element) => flattened(element, path));
  if (typeof value === 'object') {
    return Object.entries(value).flatMap(([name, inner]) => flattened(inner, [...path, name]));
  }
  return [{ path, text: String(value) }];
}

describe('named texts of an answer', () => {
  test.each([
    ['a flat object', '{"topic": "rain", "tone": "dry"}'],
    ['in a fence', 'Here it is:\n```json\n{"topic": "rain", "tone": "dry"}\n```\nAnything else?'],
    ['with commas too many', '{"topic": "rain",, "tone": "dry",}'],
    ['with a comma too few', '{"topic": "rain" "tone": "dry"}'],
    ['with single quotes', "{'topic': 'rain', 'tone': 'dry'}"],
    ['without quotes', '{topic: rain, tone: dry}'],
    ['with its end missing', '{"topic": "rain", "tone": "dry"'],
    ['cut within a text', '{"topic": "rain", "tone": "dry", "style": "plain and'],
    ['cut behind a name', '{"topic": "rain", "tone": "dry", "style":'],
    ['with nulls', '{"topic": "rain", "style": null, "intent": None, "tone": "dry"}'],
    ['behind prose in braces', 'A {thought} {} of mine: {"topic": "rain", "tone": "dry"}'],
    ['on one line of many', '\n\n{\n"topic"\n:\n"rain"\n,\n"tone":\n"dry"\n}\n'],
  ])('%s', (_, answer) => {
    expect(found(answer)).toEqual(['topic: rain', 'tone: dry']);
  });

  test('braces, quotes and line breaks within a text are text', () => {
    expect(found('{"tone": "a {dry} one: [so], \\"so\\"", "style": "ends, "now", in\na line"}')).toEqual([
      'tone: a {dry} one: [so], "so"',
      'style: ends, "now", in\na line',
    ]);
    expect(found("{'tone': 'it's dry', 'style': 'as in ''90'}")).toEqual(["tone: it's dry", "style: as in ''90"]);
  });

  test('objects inside one another become paths, lists several texts', () => {
    const answer =
      '{"attributes": {"style": {"pace": "quick", "words": ["short", "plain", 3, true]}}, "tone": ["dry"]}';
    expect(found(answer)).toEqual([
      'attributes/style/pace: quick',
      'attributes/style/words: short',
      'attributes/style/words: plain',
      'attributes/style/words: 3',
      'attributes/style/words: true',
      'tone: dry',
    ]);
    expect(found('[{"tone": "dry"}, {"tone": "warm"}]')).toEqual(['tone: dry', 'tone: warm']);
    expect(found('{"tone": "dry", "style": {"pace": "quick"], "topic": "rain"}')).toContain('tone: dry');
  });

  test('the first object that has texts is taken, and no other', () => {
    expect(found('{"tone": "dry"} or rather {"tone": "warm"}')).toEqual(['tone: dry']);
  });

  test.each([
    ['nothing', ''],
    ['prose', 'I cannot help with that.'],
    ['a list of texts', '["dry", "warm"]'],
    ['an open brace', '{'],
    ['closing ones', '}}]]'],
    ['names alone', '{"tone", "style"}'],
    ['NULs', '\0\0{\0}\0'],
  ])('%s holds none', (_, answer) => {
    expect(namedTexts(answer)).toEqual([]);
  });

  test('a lone text that is cut is kept', () => {
    expect(found('{"tone": "dry and w')).toEqual(['tone: dry and w']);
  });

  test('escapes are undone, and those that JSON does not know are the character', () => {
    expect(found(String.raw`{"tone": "a\tb \u0041\ud83d\ude00 \q \u00g \\ \/"}`)).toEqual([
      'tone: a\tb A😀 q u00g \\ /',
    ]);
    expect(found('{"tone": "dry\\')).toEqual(['tone: dry']);
  });

  test('of valid JSON it gives what JSON.parse does', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 30 });
    const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
    const leaf = fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null), fc.array(text, { maxLength: 3 }));
    const object = fc.dictionary(name, fc.oneof(leaf, fc.dictionary(name, leaf, { maxKeys: 3 })), { maxKeys: 6 });
    fc.assert(
      fc.property(
        object,
        fc.nat(3),
        fc.constantFrom('', 'Sure:\n```\n', '"quoted" it\'s '),
        (value, indent, before) => {
          const json = JSON.stringify(value, null, indent);
          expect(namedTexts(`${before}${json}\n`)).toEqual(flattened(JSON.parse(json)));
        },
      ),
      { numRuns: 500 },
    );
  });

  test('any cut of an object gives texts of the whole one, but for the last', () => {
    const json = '{"topic": "rain, {heavy}", "style": {"pace": "quick"}, "tone": ["dry", "w\\"arm"], "length": 12}';
    const whole = found(json);
    for (let end = 0; end < json.length; end++) {
      const texts = found(json.slice(0, end));
      expect(whole.slice(0, Math.max(0, texts.length - 1))).toEqual(texts.slice(0, -1));
    }
  });

  test.each([
    ['braces', '{'.repeat(5_000_000)],
    ['brackets', '[{'.repeat(3_000_000)],
    ['opened names', '{"a":'.repeat(2_000_000)],
    ['lists in lists', `{"a":${'['.repeat(5_000_000)}`],
    ['quotes', `{"a":${'"'.repeat(10_000_000)}`],
    ['quotes and space', `{"a":"${'" '.repeat(5_000_000)}`],
    ['empty objects', '{}'.repeat(5_000_000)],
    ['text', `{"tone": "${'dry '.repeat(2_500_000)}"}`],
  ])('10 MB of %s end soon', (_, answer) => {
    const started = performance.now();
    const texts = namedTexts(answer);
    expect(performance.now() - started).toBeLessThan(1000);
    expect(texts.length).toBeLessThanOrEqual(256);
    for (const { text } of texts) expect(text.length).toBeLessThanOrEqual(2 ** 16);
  });
});
