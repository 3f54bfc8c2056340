import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

import { loadInputs } from '../../../cli/run/load-inputs.js';
import { SentPrompts } from '../../../cli/run/sent-prompts.js';
import { journaled } from '../../../engines/journaled.js';
import { openai } from '../../../engines/openai/openai.js';
import { type AnyRecord, decode, type Kind, parseJson, type RecordOfKind } from '../../../schemas/codec.js';
import { type Recipe, recipe as recipeSchema } from '../../../schemas/recipe.js';
import { openLog } from '../../../streams/log/open-log.js';
import { readSeeds, seedMessages } from '../../../streams/river/load-input.js';
import { idleParts, type JournaledModel } from '../../../streams/river/parts.js';
import { attributeFigures } from '../../../streams/river/reasoning.js';
import { ensureTopics, startRiver } from '../../../streams/river/river.js';
import { runnableStages } from '../../../streams/river/stages.js';
import { labelledTargets, readTargets, shareOut } from '../../../streams/river/targets.js';
import { readAll } from '../../../streams/stage/read-all.js';
import type { Topics } from '../../../streams/topics.js';
import { type Asked, type FakeAnswer, startFakeEndpoint } from '../../fake-endpoint/fake-endpoint.mjs';
import { HashingEmbedder } from '../../operators/synalign/hashing-embedder.js';

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

async function folder(): Promise<{ readonly dir: string; readonly topics: Topics }> {
  const dir = await mkdtemp(join(tmpdir(), 'headwater-reasoning-'));
  const lines = (count: number, object: (n: number) => unknown) =>
    Array.from({ length: count }, (_, n) => `${JSON.stringify(object(n))}\n`).join('');
  await writeFile(
    join(dir, 'seeds.jsonl'),
    lines(4, (n) => ({ question: `What is ${n} and one?`, answer: `It is ${n + 1}.` })),
  );
  const realLine = (n: number) => ({ question: `Number ${n * n} of ${n}, what ${real}?`, answer: `It is ${n}.` });
  await writeFile(join(dir, 'real.jsonl'), lines(40, realLine));
  await mkdir(join(dir, 'out'));
  const topics = await openLog({ dir: join(dir, 'topics') });
  onTestFinished(async () => {
    await topics.close();
    await rm(dir, { recursive: true, force: true });
  });
  return { dir, topics };
}

async function ran(recipe: Recipe, total: number, { dir, topics }: Awaited<ReturnType<typeof folder>>): Promise<void> {
  await ensureTopics(recipe, topics);
  const told = await readTargets(topics, 'seeds', 1);
  const targets = labelledTargets(shareOut(total, 1), undefined, told);
  const seeds = await readSeeds({ source: 'seeds.jsonl', base: dir, domain: recipe.domain, now: Date.now });
  const isFirst = told.every((target) => target === undefined);
  const own = { topic: 'seeds', partitions: 1, now: Date.now };
  await topics.append(seedMessages(isFirst ? seeds : { seeds: [], dead: [] }, own, targets));
  const modelOf = (role: 'base' | 'instruct'): JournaledModel | undefined => {
    const config = recipe.models[role];
    if (config?.engine !== 'openai') return undefined;
    const { url, model, maxInFlight, retries } = config;
    const asked = openai({ url, model, maxInFlight, retries });
    onTestFinished(() => asked.close());
    return (journal) => journaled(asked, journal);
  };
  const river = await startRiver({
    recipe,
    topics,
    targets: targets.map((target) => target.total),
    parts: {
      ...idleParts,
      base: modelOf('base'),
      instruct: modelOf('instruct'),
      embedder: new HashingEmbedder(),
      shardDir: join(dir, 'out'),
    },
  });
  const ended = new AbortController();
  const loading = loadInputs({ recipe, topics, base: dir, stages: runnableStages }, ended.signal);
  expect(await Promise.race([river.done, loading.then(() => river.done)])).toBe('complete');
  ended.abort();
  await loading;
}

async function all<K extends Kind>(topics: Topics, topic: string, kind: K): Promise<readonly RecordOfKind<K>[]> {
  const records: RecordOfKind<K>[] = [];
  const isWanted = (record: AnyRecord): record is RecordOfKind<K> => record.kind === kind;
  for await (const { value, headers } of readAll(topics, topic, 0)) {
    const record = decode(value ?? new Uint8Array(), headers);
    if (isWanted(record)) records.push(record);
  }
  return records;
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

    const samples = await all(topics, 'samples', 'sample');
    const ledger = await all(topics, 'ledger', 'ledger-entry');
    const reasoned = await all(topics, 'reasoned', 'reasoned');
    expect(samples).toHaveLength(45);
    expect(ledger.map(({ reason }) => reason)).toContain('no-attributes');
    expect(ledger).toHaveLength((await all(topics, 'plans', 'plan')).length);
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
    for (const draft of (await all(topics, 'drafts', 'draft')).slice(0, 6)) {
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
