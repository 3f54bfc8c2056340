import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';

import { type FakeEndpointProcess, spawnFakeEndpoint } from '../fake-endpoint/child.js';
import type { FakeEndpointSettings } from '../fake-endpoint/fake-endpoint.mjs';
import type { TestBroker } from '../kafka/broker.js';
import { deleteTopics } from './kafka/delete-topics.js';

/** Accepted samples that the recipe asks for. */
export const samples = 40;
/** Requests that each of the two models has open at once. */
export const maxInFlight = 8;
/** Real records that the recipe's file holds; one more line of it is no JSON. */
export const realRecords = 60;
/** Lines of the inputs that cannot be records: one of the seeds, and the last one of the real file. */
export const badLines = 2;

/** What a pipeline runs on: the log in its data folder, or a broker that several scenes may share, each with topics of its own. */
export type Transport = { readonly kind: 'log' } | { readonly kind: 'kafka'; readonly broker: TestBroker };

/** What the recipe does: `synalign` explores, reasons, aligns and steers. */
export type Method = 'bare' | 'synalign';

export interface SceneOptions {
  readonly lanes: number;
  /** @default the log */
  readonly transport?: Transport;
  /** @default bare */
  readonly method?: Method;
  /** The endpoint takes ten times as long, and for one request in twenty a second. @default false */
  readonly slow?: boolean;
  /** Another endpoint than that of the cycles. */
  readonly endpoint?: FakeEndpointSettings;
  /** Requests that each of the two models has open at once. @default 8 */
  readonly inFlight?: number;
}

/** A recipe with its inputs, the endpoint that it asks, and the folders of one pipeline. */
export interface Scene {
  readonly lanes: number;
  readonly transport: Transport;
  /** Of the topics on the broker. */
  readonly prefix: string;
  readonly dir: string;
  readonly recipe: string;
  /** The data folder of the first worker; on the log there is one. */
  readonly data: string;
  readonly out: string;
  readonly endpoint: FakeEndpointProcess;
  /** Stops the endpoint, and removes all files and topics. */
  close(): Promise<void>;
}

/** After such a silence Kafka gives the partitions of a worker to others: the shortest that a broker takes. */
export const sessionMs = 6000;

/** Sets a scene in a folder of its own; those with the same number of lanes have the same results, whatever they run on. */
export async function setScene(options: SceneOptions): Promise<Scene> {
  const { lanes, transport = { kind: 'log' }, method = 'bare', slow = false, inFlight = maxInFlight } = options;
  const dir = await mkdtemp(join(tmpdir(), 'headwater-crash-'));
  const prefix = basename(dir);
  const settings = slow ? { latencyMs: 50, slowest: { share: 0.05, factor: 20 } } : fast;
  const endpoint = await spawnFakeEndpoint(
    options.endpoint ?? { ...settings, answers: resolve('test/crash/answers.mjs') },
  );
  const recipe = join(dir, 'recipe.yaml');
  await writeFile(recipe, recipeText(endpoint.url, inFlight, topicsText(transport, lanes, prefix), method));
  await writeFile(join(dir, 'seeds.jsonl'), lines([...seeds.slice(0, 2), '{"question": 1', ...seeds.slice(2)]));
  await writeFile(join(dir, 'real.jsonl'), lines([...realLines(), 'not JSON']));
  const out = join(dir, 'out');
  await mkdir(out);
  return {
    lanes,
    transport,
    prefix,
    dir,
    recipe,
    data: join(dir, 'data'),
    out,
    endpoint,
    close: async () => {
      await endpoint.close();
      await rm(dir, { recursive: true, force: true });
      if (transport.kind === 'kafka') await deleteTopics(transport.broker, prefix);
    },
  };
}

const fast = { latencyMs: 8, slowest: { share: 0.1, factor: 6 } };

function topicsText(transport: Transport, lanes: number, prefix: string): string {
  if (transport.kind === 'log') return `{partitions: ${lanes}}`;
  const brokers = transport.broker.brokers.map((broker) => `'${broker}'`).join(', ');
  return `{kind: kafka, brokers: [${brokers}], prefix: ${prefix}, session: ${sessionMs}, partitions: ${lanes}}`;
}

/** The four steps, small enough that each goes round several times. */
const synalignSteps = `
method: synalign
steps:
  draft: {attempts: 2, examples: 2}
  explore: {examples: 2, inducing: 16, candidates: 32, halfLife: 8}
  reason: {answer: json, attributes: [topic, tone], uses: 3}
  align: {buffer: 16, every: 8}
  rollingMmd: {window: 16, frequencies: 32, every: 4, drift: {window: 4, reference: 16, expectedRunTime: 20}}`;
const bareSteps = `
steps: {draft: {attempts: 2, examples: 2}, rollingMmd: {window: 16, frequencies: 32, every: 4}}`;

function recipeText(url: string, inFlight: number, topics: string, method: Method): string {
  const model = (name: string) =>
    `{engine: openai, url: '${url}', model: ${name}, maxInFlight: ${inFlight}, price: {input: 1, output: 4}}`;
  return `name: crash
domain:
  about: grade-school math word problems, each with a worked answer
  fields: {question: {title: Question}, answer: {title: Answer}}
  vary: {place: [a farm, a shop, a trip]}
inputs: {seeds: seeds.jsonl, real: real.jsonl}
models: {base: ${model('base')}, instruct: ${model('instruct')}}${method === 'bare' ? bareSteps : synalignSteps}
target: {samples: ${samples}}
shards: {rows: 5}
topics: ${topics}
`;
}

const seeds: readonly string[] = [
  ['A farm has 3 hens and each lays 2 eggs a day. How many eggs in a week?', 'Six eggs a day make 42 in seven days.'],
  ['Tom buys four pens at 2 dollars each. What change does he get from 20 dollars?', 'The pens cost 8, so he gets 12.'],
  ['A train leaves at noon and goes 60 miles an hour for three hours. How far is that?', 'That is 180 miles.'],
  ['Ann reads 15 pages every evening. On which evening does she end page 90?', 'After six evenings she is at page 90.'],
].map(([question, answer]) => JSON.stringify({ question, answer, place: 'a shop' }));

function realLines(): readonly string[] {
  return Array.from({ length: realRecords }, (_, i) =>
    JSON.stringify({
      question: `A shop sells ${i + 1} pears and ${2 * i + 3} plums a day. How many fruits in ${(i % 5) + 1} days?`,
      answer: `It sells ${3 * i + 4} a day, so ${(3 * i + 4) * ((i % 5) + 1)} in all.`,
    }),
  );
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}
