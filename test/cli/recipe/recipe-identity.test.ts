import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { loadRecipe } from '../../../cli/recipe/load-recipe.js';
import { recipeIdentity } from '../../../cli/recipe/recipe-identity.js';
import { openDataFolder } from '../../../streams/data-folder.js';
import before from './identity-before-synalign.json' with { type: 'json' };

async function identity(...set: string[]) {
  const { recipe } = await loadRecipe('emails', { set }, { KEY: 'x' });
  return recipeIdentity(recipe);
}

test.each([
  'target={endless: true}',
  'window=9',
  'models.base.threads=3',
  'models.instruct.sequences=2',
  'shards.every=30s',
  'topics.dir=elsewhere',
  'topics.retention={age: 1h}',
  'steps.rollingMmd.alpha=0.01',
])('%s belongs to the same data folder', async (set) => {
  expect(await identity(set)).toEqual(await identity());
});

test.each([
  'steps.explore.criterion=integrated',
  'steps.reason.role=instruct',
  'steps.reason.answer=lines',
  'steps.align.as=weights',
  'steps.steer.strength=1',
])('with the method synalign, the default %s belongs to the same data folder', async (set) => {
  const synalign = ['method=synalign', 'inputs.real=real.jsonl'];
  expect(await identity(...synalign, set)).toEqual(await identity(...synalign));
});

test('a drift by the test that is the default belongs to the same data folder', async () => {
  expect(await identity('steps.rollingMmd.drift={test: calibrated}')).toEqual(
    await identity('steps.rollingMmd.drift={}'),
  );
  expect(await identity('steps.rollingMmd.drift={test: newma}')).not.toEqual(
    await identity('steps.rollingMmd.drift={}'),
  );
});

test.each([
  ['seed=8', 'seed'],
  ['models.base.temperature=0.8', 'models.base.temperature'],
  ['models.base.model=other', 'models.base.model'],
  ['domain.vary.tone=[a]', 'domain.vary.tone'],
  ['topics.partitions=2', 'topics.partitions'],
  ['steps.refine=off', 'steps.refine'],
  ['steps.explore={}', 'steps.explore'],
  ['steps.align={}', 'steps.align'],
  ['steps.rollingMmd.drift={}', 'steps.rollingMmd.drift'],
])('%s may not, at %s', async (set, path) => {
  const [before, after] = [await identity(), await identity(set)];
  const at = (value: unknown) =>
    path.split('.').reduce<unknown>((inner, key) => (Object(inner) as Record<string, unknown>)[key], value);
  expect(at(after)).not.toEqual(at(before));
});

const kafka = (...keys: string[]) => `topics={${['kind: kafka', ...keys].join(', ')}}`;

test.each([
  'brokers: [other:9093]',
  'clientId: worker-7',
  'replicas: 3',
  'session: 20s',
  'compression: gzip',
  'commit: {every: 100ms, records: 10}',
  'ssl: {ca: ca.pem}',
  'sasl: {mechanism: plain, username: u, password: $KEY}',
  'dir: elsewhere',
  'retention: {age: 1h}',
  'prefix: emails',
])('with Kafka, %s belongs to the same pipeline', async (keys) => {
  expect(await identity(kafka(keys))).toEqual(await identity(kafka()));
});

test.each(['prefix: other', 'partitions: 2'])('with Kafka, %s does not', async (keys) => {
  expect(await identity(kafka(keys))).not.toEqual(await identity(kafka()));
});

test('the log and Kafka are two pipelines; so are two maps of a topic, but not two registries', async () => {
  expect(await identity(kafka())).not.toEqual(await identity());
  const real = (map: string, url: string) =>
    `inputs.real={topic: t, map: ${map}, format: avro, registry: {url: '${url}'}}`;
  const both = '{subject: $.s, body: $.b}';
  const before = await identity(kafka(), real(both, 'http://a'));
  expect(await identity(kafka(), real(both, 'http://b'))).toEqual(before);
  expect(await identity(kafka(), real('{subject: $.s, body: $.c}', 'http://a'))).not.toEqual(before);
});

test('the order of fields may not change', async () => {
  expect((await identity())['fieldOrder']).toEqual(['subject', 'body']);
});

test('the endpoint of a model may move', async () => {
  const at = (url: string) => `models.base={engine: openai, url: '${url}', model: m, key: $KEY, maxInFlight: 8}`;
  expect(await identity(at('http://a.test/v1'))).toEqual(await identity(at('http://b.test/v1')));
});

test('a folder that the version before method synalign wrote still opens with the same recipe', async () => {
  expect(await identity()).toEqual(before);
  const dir = await mkdtemp(join(tmpdir(), 'headwater-identity-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  await writeFile(join(dir, 'pipeline.json'), JSON.stringify({ format: 3, recipe: before }));
  const folder = await openDataFolder({ dir, recipe: await identity() });
  expect(folder.isNew).toBe(false);
  await folder.close();
  const synalign = await identity('method=synalign');
  await expect(openDataFolder({ dir, recipe: synalign })).rejects.toMatchObject({ code: 'data-foreign' });
});
