import { expect, onTestFinished, test } from 'vitest';

import { apportion } from '../../../operators/kernels/apportion.js';
import { recordId } from '../../../schemas/ids.js';
import type { LedgerEntry } from '../../../schemas/ledger-entry.js';
import type { Plan } from '../../../schemas/plan.js';
import { type Recipe, recipe as recipeSchema } from '../../../schemas/recipe.js';
import type { Topics } from '../../../streams/topics.js';
import { type Asked, type FakeAnswer, startFakeEndpoint } from '../../fake-endpoint/fake-endpoint.mjs';
import { type Place, placeWith, ran, recordsOf } from './whole-run.js';

const lanes = 2;
const label = { field: 'kind', values: ['money', 'time', 'space'], shares: [5, 3, 2] };
const end = '\nEXAMPLE END\n';

/** A text of words that no other request has; one request in four gets something that is none. */
function answer({ prompt, messages = [] }: Asked, hash: string): FakeAnswer {
  const fate = Number.parseInt(hash.slice(8, 16), 16) / 2 ** 32;
  if (fate < 0.1) return { text: 'Nothing comes to mind.' };
  if (fate < 0.2) return { text: textOf(hash), finishReason: 'length' };
  if (fate < 0.25) return { text: '' };
  if (prompt !== undefined) return { text: `${textOf(hash).slice('Question:'.length)}${end}` };
  const texts = Number(/Write (\d+) new texts/.exec(messages.at(-1)?.content ?? '')?.[1] ?? 1);
  if (texts === 1) return { text: textOf(hash) };
  // The last one is cut off now and then.
  const all = Array.from({ length: texts }, (_, n) => `${textOf(`${hash.slice(4)}${n}`)}${end}`);
  return { text: fate < 0.5 ? all.slice(0, -1).join('') : all.join('') };
}

function textOf(hash: string): string {
  const word = (n: number) => [...hash.slice(n, n + 5)].map((digit) => 'bcdfglmnprstvwxz'[Number.parseInt(digit, 16)]);
  const words = Array.from({ length: 12 }, (_, n) => `${word(2 * n).join('a')}o`);
  return `Question: How does the ${words.slice(0, 6).join(' ')} go?\nAnswer: It goes with ${words.slice(6).join(' ')}.`;
}

/** The inputs of a pipeline on two lanes. */
function folder(): Promise<Place> {
  const kindOf = (n: number) => label.values[n % 3];
  const example = (n: number) => ({ question: `What is ${n} and one?`, answer: `It is ${n + 1}.`, kind: kindOf(n) });
  const several = (length: number, object: (n: number) => unknown) => Array.from({ length }, (_, n) => object(n));
  return placeWith({
    'seeds.jsonl': several(6, example),
    'documents.jsonl': several(7, (n) => ({ title: `No. ${n}`, text: `A text about ${n}.` })),
    'real.jsonl': several(30, example),
    'drafts.jsonl': several(20, (n) => {
      const [question = '', answer = ''] = textOf(recordId('text', n)).split('\n');
      return { question: `${question.slice(10)} ${n}`, answer: answer.slice(8), kind: kindOf(n) };
    }),
  });
}

function recipeOf(
  url: string,
  draft: Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, unknown>>,
): Recipe {
  const model = (name: string) => ({ engine: 'openai', url, model: name, maxInFlight: 6, retries: 0, timeoutMs: 5000 });
  const { inputs, refine = 'off', ...rest } = more;
  return recipeSchema.parse({
    name: 'exactly',
    domain: { about: 'riddles', fields: { question: {}, answer: {} }, label, vary: { tone: ['dry', 'warm'] } },
    inputs: { seeds: 'seeds.jsonl', ...(typeof inputs === 'object' ? inputs : {}) },
    models: { base: model('base'), instruct: model('instruct') },
    steps: { draft: { attempts: 1, ...draft }, refine, rollingMmd: 'off' },
    target: { samples: 1 },
    topics: { partitions: lanes },
    shards: { rows: 10 },
    ...rest,
  });
}

/** Exactly so many samples, of each label what its share is, and one end for each plan. */
async function expectExactly(total: number, topics: Topics): Promise<readonly Plan[]> {
  const samples = await recordsOf(topics, 'samples', 'sample');
  const plans = await recordsOf(topics, 'plans', 'plan');
  const ledger = await recordsOf(topics, 'ledger', 'ledger-entry');
  const counts = label.values.map((value) => samples.filter((sample) => sample.label === value).length);
  expect(counts).toEqual(apportion(label.shares, total));
  expect(new Set(samples.map(({ id }) => id)).size).toBe(total);
  const sorted = (ids: readonly string[]) => ids.toSorted();
  expect(sorted(ledger.map(({ planId }) => planId))).toEqual(sorted(plans.map(({ id }) => id)));
  const labels = new Map(plans.map((plan) => [plan.id, plan.label]));
  expect(ledger.every((entry) => entry.label === labels.get(entry.planId))).toBe(true);
  expect(ledger.filter(({ outcome }) => outcome === 'accepted')).toHaveLength(total);
  return plans;
}

const reasonsOf = (ledger: readonly LedgerEntry[]) => new Set(ledger.map(({ reason }) => reason));

const grounded = { inputs: { documents: 'documents.jsonl' } };

test.each([
  ['base', { way: 'base', personas: true }, grounded],
  ['few-shot', { way: 'few-shot', from: 'real', personas: ['a clerk', 'a cook'] }, { inputs: { real: 'real.jsonl' } }],
  ['sequential', { way: 'sequential', group: 3 }, grounded],
  ['in-one', { way: 'in-one', group: 4 }, grounded],
])('%s: exactly as many, of each label, whatever fails; and again for more', async (way, draft, more) => {
  const server = await startFakeEndpoint({
    answer,
    faults: [{ kind: 'status', status: 400, share: 0.1, times: 1000 }],
  });
  onTestFinished(() => server.close());
  const place = await folder();
  const recipe = recipeOf(server.url, draft, more);
  await ran(recipe, 41, place);
  const plans = await expectExactly(41, place.topics);
  const reasons = reasonsOf(await recordsOf(place.topics, 'ledger', 'ledger-entry'));
  for (const reason of ['endpoint-refused', 'unparsable', 'cut']) expect(reasons).toContain(reason);
  for (const { group, ordinal, lane } of plans) {
    expect(group !== undefined).toBe(way === 'sequential' || way === 'in-one');
    if (group !== undefined)
      expect({ lane, ordinal }).toEqual({ lane, ordinal: group.number * group.size + group.place });
  }
  if ('inputs' in more && 'documents' in more.inputs) {
    expect(plans.every(({ document }) => document !== undefined)).toBe(true);
    const [sample] = await recordsOf(place.topics, 'samples', 'sample');
    expect(sample?.lineage.documentIds).toHaveLength(1);
  }
  if (way === 'few-shot') {
    const [sample] = await recordsOf(place.topics, 'samples', 'sample');
    expect(sample?.lineage).toMatchObject({ seedIds: [], documentIds: [] });
    expect(sample?.lineage.realIds).toHaveLength(3);
  }
  await ran(recipe, 60, place);
  await expectExactly(60, place.topics);
});

test('given: exactly as many, of each label, from texts that go round', async () => {
  const server = await startFakeEndpoint({ answer });
  onTestFinished(() => server.close());
  const place = await folder();
  const refine = { attempts: 3, minCosine: -1, minLengthRatio: 0 };
  const recipe = recipeOf(server.url, { way: 'given' }, { inputs: { drafts: 'drafts.jsonl' }, refine });
  await ran(recipe, 30, place);
  const plans = await expectExactly(30, place.topics);
  expect(new Set(plans.map(({ given }) => given?.id)).size).toBe(20);
  for (const { lane, ordinal, given } of plans) {
    const first = plans.find((plan) => plan.lane === lane && plan.ordinal === ordinal % 10);
    expect(given).toEqual(first?.given);
  }
});
