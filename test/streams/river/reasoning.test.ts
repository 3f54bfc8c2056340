import { expect, onTestFinished, test } from 'vitest';

import { SentPrompts } from '../../../cli/run/sent-prompts.js';
import { parseJson } from '../../../schemas/codec.js';
import { type Recipe, recipe as recipeSchema } from '../../../schemas/recipe.js';
import { attributeFigures } from '../../../streams/river/reasoning.js';
import { readAll } from '../../../streams/stage/read-all.js';
import type { Topics } from '../../../streams/topics.js';
import { type Asked, type FakeAnswer, startFakeEndpoint } from '../../fake-endpoint/fake-endpoint.mjs';
import { type Place, placeWith, ran, recordsOf } from './whole-run.js';

const real = 'comes from the real stream, and nobody else has these very words';

/** What models and attackers say where attributes belong. */
const hostile: readonly string[] = [
  '',
  'I am sorry, but I cannot help with that request.',
  '{"style": "x'.repeat(1_000_000),
  'EXAMPLE END\nEXAMPLE START\nTEXT START\n=== Text 1 ===',
  '<html><head><style>body { color: red }</style></head><body>502 Bad Gateway</body></html>',
  '\ud800\u0000{\u0000"style": "\ud800"}',
  '{"answer": {"of": {"the": {"model": "x"}}}}',
  '{"style": null, "mood": "", "intent": "n/a"}',
];

/** One question about attributes in four is answered by what is none; texts are their own for each request. */
function answer({ prompt, messages = [] }: Asked, hash: string): FakeAnswer {
  const number = Number.parseInt(hash.slice(0, 8), 16);
  const text = prompt ?? messages.map(({ content }) => content).join('\n');
  if (text.includes('flat JSON object')) {
    if (number % 4 === 0) return { text: hostile[(number >>> 3) % hostile.length] ?? '' };
    const copy = `warm ${real}`;
    return { text: `\`\`\`\n{'style': {pace: 'as {${hash.slice(0, 4)}}'}, "mood": "${copy}", "intent": "to tell",\n` };
  }
  if (text.includes('TEXT END')) {
    if (number % 4 === 0) return { text: hostile[(number >>> 3) % hostile.length] ?? '' };
    return { text: ` plain ${hash.slice(0, 4)}; plain\nMood: calm\nIntent: to tell` };
  }
  return { text: ` ${wordsOf(hash, 0)}?\nAnswer: ${wordsOf(hash, 24)}.\nEXAMPLE END\n` };
}

function wordsOf(hash: string, from: number): string {
  const letters = [...hash.slice(from, from + 24)].map((digit) => 'bcdfglmnprstvwxz'[Number.parseInt(digit, 16)]);
  return letters.map((letter, n) => (n % 4 === 3 ? `${letter}o ` : `${letter}a`)).join('');
}

function recipeOf(url: string, reason: Readonly<Record<string, unknown>>): Recipe {
  const model = (name: string) => ({
    engine: 'openai',
    url,
    model: name,
    maxInFlight: 6,
    retries: 0,
    price: { input: 1, output: 2 },
  });
  return recipeSchema.parse({
    name: 'reasoning',
    domain: { about: 'riddles', fields: { question: {}, answer: {} } },
    inputs: { seeds: 'seeds.jsonl', real: 'real.jsonl' },
    models: { base: model('base'), instruct: model('instruct') },
    method: 'synalign',
    steps: {
      draft: { attempts: 1 },
      refine: 'off',
      explore: { examples: 2 },
      reason: { attributes: ['style', 'mood', 'intent'], uses: 3, ...reason },
      align: 'off',
      steer: 'off',
      rollingMmd: { window: 16, every: 8 },
    },
    target: { samples: 1 },
    topics: { partitions: 1 },
  });
}

function folder(): Promise<Place> {
  const seeds = Array.from({ length: 4 }, (_, n) => ({ question: `What is ${n} and one?`, answer: `It is ${n + 1}.` }));
  const reals = Array.from({ length: 40 }, (_, n) => {
    return { question: `Number ${n * n} of ${n}, what ${real}?`, answer: `It is ${n}.` };
  });
  return placeWith({ 'seeds.jsonl': seeds, 'real.jsonl': reals });
}

/** Tokens of all answers that were ever given. */
async function journaledTokens(topics: Topics): Promise<number> {
  let tokens = 0;
  for (const topic of ['journal.reason', 'journal.draft']) {
    for await (const { value } of readAll(topics, topic, 0)) {
      const { usage } = parseJson(value ?? new Uint8Array()) as { usage: Record<string, number> };
      tokens += (usage['promptTokens'] ?? 0) + (usage['completionTokens'] ?? 0);
    }
  }
  return tokens;
}

test.each(['json', 'lines'] as const)(
  'answers as %s: texts are written from attributes, hostile answers cost one plan each, and sums are what was paid',
  { timeout: 60_000 },
  async (form) => {
    const server = await startFakeEndpoint({ answer });
    onTestFinished(() => server.close());
    const place = await folder();
    const { topics } = place;
    const recipe = recipeOf(server.url, { answer: form, attempts: 1 });
    await ran(recipe, 30, place);
    // a second run goes on where the first one stopped, endings that came after its end included
    await ran(recipe, 45, place);

    const samples = await recordsOf(topics, 'samples', 'sample');
    const ledger = await recordsOf(topics, 'ledger', 'ledger-entry');
    const reasoned = await recordsOf(topics, 'reasoned', 'reasoned');
    expect(samples).toHaveLength(45);
    expect(ledger.map(({ reason }) => reason)).toContain('no-attributes');
    expect(ledger).toHaveLength((await recordsOf(topics, 'plans', 'plan')).length);
    for (const { lineage } of samples) {
      expect(lineage.attributes.map(({ name }) => name)).toEqual(['style', 'mood', 'intent']);
      expect(lineage.promptIds).toEqual([`synalign.reason/1/${form}`, 'synalign.draft/1/blocks/1']);
      expect(lineage.seedIds).toHaveLength(3);
      expect(lineage.realIds).toHaveLength(2);
    }
    const moods = new Set(samples.flatMap(({ lineage }) => lineage.attributes[1]?.value));
    expect(moods).toEqual(new Set([form === 'json' ? 'warm' : 'calm']));
    const answers = new Map(reasoned.map(({ plan }) => [plan.attributes?.id, 0]));
    for (const { plan } of reasoned) answers.set(plan.attributes?.id, (answers.get(plan.attributes?.id) ?? 0) + 1);
    expect(Math.max(...answers.values())).toBe(3);

    const spent = ledger.reduce((sum, entry) => sum + entry.promptTokens + entry.completionTokens, 0);
    expect(spent).toBe(await journaledTokens(topics));

    const [figures] = await attributeFigures(topics);
    expect(figures?.plans).toBeGreaterThanOrEqual(45);
    expect(figures?.values['intent']).toEqual([{ value: 'to tell', count: reasoned.length }]);

    const sent = new SentPrompts(recipe, topics, 0);
    for (const record of reasoned.slice(0, 6)) {
      const [prompt] = await sent.of(record);
      expect(JSON.stringify(prompt)).toContain(real);
      expect(prompt?.id).toBe(`synalign.reason/1/${form}`);
    }
    for (const draft of (await recordsOf(topics, 'drafts', 'draft')).slice(0, 6)) {
      const [prompt] = await sent.of(draft);
      expect(JSON.stringify(prompt)).toContain('Intent: to tell');
      expect(JSON.stringify(prompt)).not.toContain(real.slice(10));
    }
  },
);

test('embedded and base models are asked for lines, others for JSON, where the recipe does not say', () => {
  const { models, ...recipe } = recipeOf('http://127.0.0.1:1/v1', {});
  const withModels = (step: object, own: object): Recipe => {
    return recipeSchema.parse({
      ...recipe,
      steps: { ...recipe.steps, reason: { ...step } },
      models: { ...models, ...own },
    });
  };
  const answerOf = ({ steps: { reason } }: Recipe) => (reason === 'off' ? undefined : reason.answer);
  const llama = { engine: 'llama', model: 'gemma-3-270m' };
  expect(answerOf(withModels({}, {}))).toBe('json');
  expect(answerOf(withModels({ role: 'base' }, {}))).toBe('lines');
  expect(answerOf(withModels({}, { instruct: llama }))).toBe('lines');
  expect(answerOf(withModels({ answer: 'json' }, { instruct: llama }))).toBe('json');
  expect(answerOf(recipeSchema.parse({ ...recipe, models, method: 'bare', steps: {} }))).toBeUndefined();
});
