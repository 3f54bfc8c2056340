import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { loadInputs } from '../../../cli/run/load-inputs.js';
import { journaled } from '../../../engines/journaled.js';
import { openai } from '../../../engines/openai/openai.js';
import { apportion } from '../../../operators/kernels/apportion.js';
import { type AnyRecord, decode, type Kind, type RecordOfKind } from '../../../schemas/codec.js';
import { recordId } from '../../../schemas/ids.js';
import type { LedgerEntry } from '../../../schemas/ledger-entry.js';
import type { Plan } from '../../../schemas/plan.js';
import { type Recipe, recipe as recipeSchema } from '../../../schemas/recipe.js';
import { openLog } from '../../../streams/log/open-log.js';
import { readSeeds, seedMessages } from '../../../streams/river/load-input.js';
import { idleParts, type JournaledModel } from '../../../streams/river/parts.js';
import { ensureTopics, startRiver } from '../../../streams/river/river.js';
import { runnableStages } from '../../../streams/river/stages.js';
import { labelledTargets, readTargets, shareOut } from '../../../streams/river/targets.js';
import { readAll } from '../../../streams/stage/read-all.js';
import type { Topics } from '../../../streams/topics.js';
import { type Asked, type FakeAnswer, startFakeEndpoint } from '../../fake-endpoint/fake-endpoint.mjs';
import { HashingEmbedder } from '../../operators/synalign/hashing-embedder.js';

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

const lines = (count: number, object: (n: number) => unknown) =>
  `${Array.from({ length: count }, (_, n) => JSON.stringify(object(n))).join('\n')}\n`;

/** A folder with the inputs, and the topics of a pipeline on two lanes. */
async function folder(): Promise<{ readonly dir: string; readonly topics: Topics }> {
  const dir = await mkdtemp(join(tmpdir(), 'headwater-exactly-'));
  const kindOf = (n: number) => label.values[n % 3];
  const example = (n: number) => ({ question: `What is ${n} and one?`, answer: `It is ${n + 1}.`, kind: kindOf(n) });
  await writeFile(join(dir, 'seeds.jsonl'), lines(6, example));
  await writeFile(
    join(dir, 'documents.jsonl'),
    lines(7, (n) => ({ title: `No. ${n}`, text: `A text about ${n}.` })),
  );
  await writeFile(join(dir, 'real.jsonl'), lines(30, example));
  await writeFile(
    join(dir, 'drafts.jsonl'),
    lines(20, (n) => {
      const [question = '', answer = ''] = textOf(recordId('text', n)).split('\n');
      return { question: `${question.slice(10)} ${n}`, answer: answer.slice(8), kind: kindOf(n) };
    }),
  );
  await mkdir(join(dir, 'out'));
  const topics = await openLog({ dir: join(dir, 'topics') });
  onTestFinished(async () => {
    await topics.close();
    await rm(dir, { recursive: true, force: true });
  });
  return { dir, topics };
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

/** Runs a recipe until its lanes have so many samples. */
async function ran(recipe: Recipe, total: number, { dir, topics }: Awaited<ReturnType<typeof folder>>): Promise<void> {
  await ensureTopics(recipe, topics);
  const told = await readTargets(topics, 'seeds', lanes);
  const targets = labelledTargets(shareOut(total, lanes), recipe.domain.label, told);
  const isFirst = told.every((target) => target === undefined);
  const seeds = await readSeeds({ source: 'seeds.jsonl', base: dir, domain: recipe.domain, now: Date.now });
  const own = { topic: 'seeds', partitions: lanes, now: Date.now };
  await topics.append(seedMessages(isFirst ? seeds : { seeds: [], dead: [] }, own, targets));
  const modelOf = (role: 'base' | 'instruct'): JournaledModel | undefined => {
    const config = recipe.models[role];
    if (config?.engine !== 'openai') return undefined;
    const { url, model, maxInFlight, retries, timeoutMs } = config;
    const asked = openai({ url, model, maxInFlight, retries, timeoutMs });
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
  for (let lane = 0; lane < lanes; lane++) {
    for await (const { value, headers } of readAll(topics, topic, lane)) {
      const record = decode(value ?? new Uint8Array(), headers);
      if (isWanted(record)) records.push(record);
    }
  }
  return records;
}

/** Exactly so many samples, of each label what its share is, and one end for each plan. */
async function expectExactly(total: number, topics: Topics): Promise<readonly Plan[]> {
  const samples = await all(topics, 'samples', 'sample');
  const plans = await all(topics, 'plans', 'plan');
  const ledger = await all(topics, 'ledger', 'ledger-entry');
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
  const reasons = reasonsOf(await all(place.topics, 'ledger', 'ledger-entry'));
  for (const reason of ['endpoint-refused', 'unparsable', 'cut']) expect(reasons).toContain(reason);
  for (const { group, ordinal, lane } of plans) {
    expect(group !== undefined).toBe(way === 'sequential' || way === 'in-one');
    if (group !== undefined)
      expect({ lane, ordinal }).toEqual({ lane, ordinal: group.number * group.size + group.place });
  }
  if ('inputs' in more && 'documents' in more.inputs) {
    expect(plans.every(({ document }) => document !== undefined)).toBe(true);
    const [sample] = await all(place.topics, 'samples', 'sample');
    expect(sample?.lineage.documentIds).toHaveLength(1);
  }
  if (way === 'few-shot') {
    const [sample] = await all(place.topics, 'samples', 'sample');
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
