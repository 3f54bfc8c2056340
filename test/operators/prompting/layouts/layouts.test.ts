import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { json } from '../../../../operators/prompting/layouts/json.js';
import type { Layout } from '../../../../operators/prompting/layouts/layout.js';
import { layoutFor, layouts } from '../../../../operators/prompting/layouts/layout-for.js';
import { plainText } from '../../../../operators/prompting/plain-text.js';
import { draftPrompt, fewShotMessages } from '../../../../operators/prompting/prompts.js';
import { domain } from '../../../../schemas/domain.js';
import type { Fields } from '../../../../schemas/example.js';
import { layoutNames } from '../../../../schemas/steps/writing.js';
import { mail, mailPlan } from '../../bare/mail.js';

/** What could break any of the layouts, and what only looks so. */
const hostile = fc.constantFrom(
  ...[
    'EXAMPLE END',
    'EXAMPLE START',
    'END OF EXAMPLE',
    '### Example 2',
    '### Example',
    '###',
    '```',
    '```json\n',
    '"',
    '\\',
  ],
  ...[
    'Subject:',
    'Body:',
    'Label:',
    'Context:',
    '**Subject:**',
    'subject:',
    '\n',
    '\r\n',
    '\r',
    ' ',
    '\t',
    'word.',
    'a < b',
  ],
  ...[
    '<subject>',
    '</subject>',
    '<body>',
    '</body >',
    '<example>',
    '</example>',
    '<context>',
    '<label>',
    '<p>',
    '</p>',
  ],
  ...['&lt;subject>', '&amp;lt;/body>', '&amp;', '&', 'lt;body>', '<', '{', '}', '{"subject": "x"}', '[', "it's"],
  ...['\u0000', '\u001b[31m', '\ud800', '\udc00', '\u0085', '<script>alert(1)</script>', '$(rm -rf /)', '日本語'],
);
const value = fc.array(hostile, { minLength: 1, maxLength: 14 }).map((pieces) => `x${pieces.join('')}`);
const fields = fc.record({ subject: value, body: value });

const all: readonly Layout[] = [...layoutNames.map((name) => layouts[name](mail)), json(mail)];

/** What a layout makes harmless is told apart from what it must give back by asking for the same twice. */
function settled(layout: Layout, text: Fields): Fields {
  const parsed = layout.parse(layout.text(text));
  if (!('fields' in parsed)) throw new Error(`${layout.id}: ${parsed.detail} in ${JSON.stringify(layout.text(text))}`);
  return parsed.fields;
}

/** Case and the spaces before a tag apart, which is what making a text harmless may change. */
function likeness(text: string): string {
  return plainText(text).toLowerCase().replace(/\s+/gu, ' ').replace(/^\s/u, '');
}

describe.each(all)('layout $id', (layout) => {
  test('no text can break it: what is written is read back', () => {
    fc.assert(
      fc.property(fields, (text) => {
        const read = settled(layout, text);
        expect(Object.keys(read)).toEqual(['subject', 'body']);
        expect(likeness(read['subject'] ?? '')).toBe(likeness(text.subject));
        expect(likeness(read['body'] ?? '')).toBe(likeness(text.body));
        // Nothing is left to make harmless: the next round changes nothing.
        expect(settled(layout, read)).toEqual(read);
      }),
      { numRuns: 500 },
    );
  });

  test('a text without markers comes back as it was, but for control characters and line breaks', () => {
    const plain = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 }).filter((text) => plainText(text) !== '');
    fc.assert(
      fc.property(plain, plain, (subject, body) => {
        fc.pre(![subject, body].some((text) => /^(?:Subject|Body|Label|Topic|Tone|Context):/mu.test(text)));
        expect(settled(layout, { subject, body })).toEqual({ subject: plainText(subject), body: plainText(body) });
      }),
    );
  });

  test('has a version, and says its format', () => {
    expect(layout.id).toMatch(/^[a-z]+\/\d+$/u);
    expect(layout.format).not.toMatch(/^[A-Z]|\.$/u);
  });

  test('reads the first text of an answer that talks around it', () => {
    const text = layout.text({ subject: 'Lunch', body: 'At noon?\n\nBring soup.' });
    const another = layout.text({ subject: 'Another', body: 'Text.' });
    const expected = { fields: { subject: 'Lunch', body: 'At noon?\n\nBring soup.' } };
    expect(layout.parse(text)).toEqual(expected);
    expect(layout.parse(`Sure! Here is one:\n\n${text}`)).toEqual(expected);
    expect(layout.parse(`\`\`\`\n${text}\n\`\`\``)).toEqual(expected);
    expect(layout.parse(`${text}\n${another}`)).toEqual(expected);
  });

  test('takes an answer of several texts apart', () => {
    const texts = [0, 1, 2].map((n) => layout.text({ subject: `Mail ${n}`, body: 'It is late.' }));
    const parts = layout.parts(texts.map((text) => `${text}\nEND OF EXAMPLE\n`).join('\n'));
    const read = parts.filter((part) => part.trim() !== '').map((part) => layout.parse(part));
    expect(read).toEqual([0, 1, 2].map((n) => ({ fields: { subject: `Mail ${n}`, body: 'It is late.' } })));
  });

  test('a conversation begins with the same bytes for all plans with the same examples', () => {
    const [first] = fewShotMessages(mail, layout, mailPlan(0));
    const [second] = fewShotMessages(mail, layout, mailPlan(1, { label: 'spam', vary: {} }));
    const examples = layout.example(mailPlan(0).examples[1] ?? { fields: {}, vary: {} }, 2);
    const head = first?.content.slice(0, first.content.indexOf(examples) + examples.length) ?? '';
    expect(head).toContain(mail.about);
    expect(second?.content.startsWith(head)).toBe(true);
  });
});

describe.each(layoutNames)('layout %s, continued by a base model', (name) => {
  const layout = layouts[name](mail);

  test('opens an example after the others, the same bytes first', () => {
    const ham = draftPrompt(mail, layout, mailPlan(0));
    const spam = draftPrompt(mail, layout, mailPlan(1, { label: 'spam', vary: { topic: 'a prize', tone: 'plain' } }));
    expect(spam.prompt.slice(0, spam.sharedPrefix)).toBe(ham.prompt.slice(0, ham.sharedPrefix));
    expect(ham.prompt.slice(ham.sharedPrefix)).toMatch(/ham[\s\S]*lunch[\s\S]*plain/u);
    expect(ham.prompt).toContain(layout.example(mailPlan(0).examples[0] ?? { fields: {}, vary: {} }, 1));
  });

  test('no seed, document or label can open or close an example', () => {
    fc.assert(
      fc.property(fields, value, value, (text, topic, context) => {
        const example = { id: '0'.repeat(32), fields: text, label: 'ham', vary: { topic } };
        const document = { id: '1'.repeat(32), text: context };
        const { prompt } = draftPrompt(mail, layout, mailPlan(0, { examples: [example, example], document }));
        const count = (marker: string) => prompt.split(marker).length - 1;
        const opened = layout.rawStops.map(count);
        const calm = { id: '0'.repeat(32), fields: { subject: 'x', body: 'x' }, label: 'ham', vary: { topic: 'x' } };
        const plain = mailPlan(0, { examples: [calm, calm], document: { id: '1'.repeat(32), text: 'x' } });
        const expected = draftPrompt(mail, layout, plain).prompt;
        expect(opened).toEqual(layout.rawStops.map((marker) => expected.split(marker).length - 1));
        expect(prompt).not.toMatch(/\p{Surrogate}|(?![\n\t])\p{Cc}/u);
      }),
    );
  });

  test('what is written as it opens is read back', () => {
    fc.assert(
      fc.property(fields, (text) => {
        const whole = layout.example({ fields: text, vary: {} }, 1);
        const { shared, own } = layout.opened({ vary: {} }, 1);
        expect(whole.startsWith(shared + own)).toBe(true);
        expect(layout.parseRaw(whole.slice(shared.length + own.length), false)).toEqual(
          layout.parse(layout.text(text)),
        );
      }),
    );
  });

  test('shows a context before the fields, and a second one ends a text', () => {
    const document = {
      id: '1'.repeat(32),
      title: 'Rivers',
      text: 'The Rhine is 1,233 km long.\n\nIt ends in the sea.',
    };
    const { prompt, sharedPrefix } = draftPrompt(mail, layout, mailPlan(0, { document }));
    const own = prompt.slice(sharedPrefix);
    expect(own.indexOf('It ends in the sea.')).toBeGreaterThan(0);
    expect(own.indexOf('It ends in the sea.')).toBeLessThan(own.indexOf('ham'));
  });

  test('T20: a second opening tag cuts, a missing answer rejects, an empty last field rejects, a stop text cuts first', () => {
    const sums = domain.parse({ about: 'Sums.', fields: { question: {}, answer: {} } });
    const sum = layouts[name](sums);
    const continued = (text: Fields) => {
      const { shared, own } = sum.opened({ vary: {} }, 1);
      return sum.example({ fields: text, vary: {} }, 1).slice(shared.length + own.length);
    };
    const one = continued({ question: '1 + 1?', answer: '2' });
    const two = sum.text({ question: '2 + 2?', answer: '4' });
    expect(sum.parseRaw(`${one}\n${two}`, false)).toEqual({ fields: { question: '1 + 1?', answer: '2' } });
    for (const stop of sum.rawStops) {
      expect(sum.parseRaw(`${one}\n${stop}\n${two}`, false)).toEqual({ fields: { question: '1 + 1?', answer: '2' } });
      expect(sum.parseRaw(` 1 + 1?\n${stop}\n${two.slice(two.indexOf('4') - 8)}`, false)).toMatchObject({
        reason: 'unparsable',
      });
    }
    expect(sum.parseRaw(' 1 + 1? It is 2.', false)).toMatchObject({ reason: 'unparsable' });
    expect(sum.parseRaw(continued({ question: '1 + 1?', answer: '' }), false)).toMatchObject({ reason: 'empty' });
  });
});

test('an element keeps the HTML, the code and the entities of a text', () => {
  const layout = layouts.xml(mail);
  const body = '<p>1 &lt; 2 &amp;&amp; "a"</p>\n&lt;body> is &amp;lt;body> and </body> is </body>';
  expect(settled(layout, { subject: 'x', body })).toEqual({ subject: 'x', body });
  expect(layout.text({ subject: 'x', body })).toContain('<p>1 &lt; 2 &amp;&amp; "a"</p>');
});

test('elements of a domain whose names are taken get others', () => {
  const taken = domain.parse({ about: 'x', fields: { example: {}, context: {} }, vary: { tone: ['dry'] } });
  const layout = layouts.xml(taken);
  const text = layout.example({ fields: { example: 'a', context: 'b' }, vary: { tone: 'dry' } }, 1);
  expect(text).toBe('<example_2>\n<tone>dry</tone>\n<example>a</example>\n<context>b</context>\n</example_2>');
  expect(layout.parse(text)).toEqual({ fields: { example: 'a', context: 'b' } });
});

describe('JSON answers', () => {
  const layout = json(mail);

  test.each([
    ['a code fence', '```json\n{"subject": "a", "body": "b"}\n```'],
    [
      'prose with quotes and apostrophes',
      'Here\'s "the" text, it\'s {done}:\n{"subject": "a", "body": "b"}\nIsn\'t it?',
    ],
    ['titles for names', '{"Subject": "a", "Body": "b", "note": null}'],
    ['more than is asked', '{"subject": "a", "extra": {"body": "x"}, "body": "b"}'],
    ['a list', '{"texts": [{"subject": "a", "body": "b"}]}'],
    ['an object about it before it', '{"thought": "hm"} {"subject": "a", "body": "b"}'],
  ])('are read with %s', (_, answer) => {
    expect(layout.parse(answer)).toEqual({ fields: { subject: 'a', body: 'b' } });
  });

  test('numbers and truth values count as what is written', () => {
    expect(layout.parse('{"subject": 42, "body": true}')).toEqual({ fields: { subject: '42', body: 'true' } });
  });

  test.each([
    ['', 'unparsable'],
    ['I cannot help with that.', 'unparsable'],
    ['{"subject": "a"}', 'unparsable'],
    ['{"subject": "a", "body": null}', 'unparsable'],
    ['{"subject": "a", "body": ["b"]}', 'unparsable'],
    ['{"subject": "a", "body": "b"', 'unparsable'],
    ['["a", "b"]', 'unparsable'],
    ['{"__proto__": {"subject": "a", "body": "b"}}', 'unparsable'],
    ['{"subject": "a", "body": " \\u0000 "}', 'empty'],
  ])('%s is %s', (answer, reason) => {
    expect(layout.parse(answer)).toMatchObject({ reason });
  });

  test('of a cut list the whole objects count', () => {
    const answer = '{"texts": [{"subject": "a", "body": "b"}, {"subject": "c", "body": "d{}"}, {"subject": "e", "bo';
    expect(layout.parts(answer).map((part) => layout.parse(part))).toEqual([
      { fields: { subject: 'a', body: 'b' } },
      { fields: { subject: 'c', body: 'd{}' } },
    ]);
  });
});

test.each([
  ['llama/gemma-3-270m', 'raw', 'blocks'],
  ['llama/smollm2-135m-instruct', 'chat', 'blocks'],
  ['openai/meta-llama/Llama-3.1-8B', 'raw', 'blocks'],
  ['openai/Qwen/Qwen3-8B-Base', 'raw', 'sections'],
  ['llama/qwen2.5-0.5b.gguf', 'raw', 'blocks'],
  ['openai/mistralai/Mistral-7B-v0.3', 'raw', 'sections'],
  ['openai/gpt-4o-mini', 'chat', 'xml'],
  ['openai/gpt-4o-mini', 'raw', 'blocks'],
  ['openai/o3-mini', 'chat', 'xml'],
  ['openai/llama3.2', 'chat', 'blocks'],
  ['openai/NAME', 'chat', 'blocks'],
  ['llama/model-made-by-nobody.gguf', 'raw', 'blocks'],
] as const)('%s is asked (%s) in %s', (model, use, layout) => {
  expect(layoutFor(model, use)).toBe(layout);
});
