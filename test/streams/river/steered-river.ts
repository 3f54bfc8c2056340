import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { loadInputs } from '../../../cli/run/load-inputs.js';
import { journaled } from '../../../engines/journaled.js';
import { openai } from '../../../engines/openai/openai.js';
import { type AnyRecord, decode, type Kind, type RecordOfKind } from '../../../schemas/codec.js';
import type { Correction } from '../../../schemas/correction.js';
import { recordId } from '../../../schemas/ids.js';
import type { Real } from '../../../schemas/real.js';
import { type Recipe, recipe as recipeSchema } from '../../../schemas/recipe.js';
import { openLog } from '../../../streams/log/open-log.js';
import { recordMessage } from '../../../streams/record-message.js';
import { readSeeds, seedMessages } from '../../../streams/river/load-input.js';
import { idleParts } from '../../../streams/river/parts.js';
import { ensureTopics, startRiver } from '../../../streams/river/river.js';
import { runnableStages } from '../../../streams/river/stages.js';
import { readAll } from '../../../streams/stage/read-all.js';
import type { Topics } from '../../../streams/topics.js';
import { HashingEmbedder } from '../../operators/synalign/hashing-embedder.js';
import { biasedReasoner, biasedWriter, drawTheme, textAbout, type WriterOptions } from './mixture.js';

export interface SteeredOptions {
  readonly writer: WriterOptions;
  /** Whether the model names the theme, and writes about the one that it is told, rather than that of its examples. */
  readonly reasons?: boolean;
  /** Of the real stream, by theme. */
  readonly real: readonly number[];
  readonly realRecords: number;
  readonly samples: number;
  /** Of the two that are compared. */
  readonly window: number;
  readonly steps?: Readonly<Record<string, unknown>>;
  readonly domain?: Readonly<Record<string, unknown>>;
  readonly drift?: object;
  readonly seed?: number;
  /** When so many samples are there, the real stream goes over to other shares, with as many records as before. */
  readonly turn?: { readonly after: number; readonly to: readonly number[] };
}

export interface Steered {
  readonly corrections: readonly Correction[];
  /** The samples' texts, in order. */
  readonly samples: readonly string[];
  readonly labels: readonly (string | undefined)[];
}

/** Runs a river of one lane to its end, whose base model writes from a mixture of its own. */
export async function runSteered(options: SteeredOptions): Promise<Steered> {
  const dir = await mkdtemp(join(tmpdir(), 'headwater-steered-'));
  const { startFakeEndpoint } = await fakeEndpoint();
  const model = options.reasons ? biasedReasoner : biasedWriter;
  const server = await startFakeEndpoint({ answer: model(options.writer) });
  const topics = await openLog({ dir: join(dir, 'topics') });
  const asked = openai({ url: server.url, model: 'base', maxInFlight: 16 });
  try {
    await mkdir(join(dir, 'out'));
    const recipe = recipeOf(server.url, options);
    await writeFile(join(dir, 'seeds.jsonl'), lines(realTexts(options.real, 4, 'seed')));
    await writeFile(join(dir, 'real.jsonl'), lines(realTexts(options.real, options.realRecords, 'real')));
    await ensureTopics(recipe, topics);
    const seeds = await readSeeds({ source: 'seeds.jsonl', base: dir, domain: recipe.domain, now: Date.now });
    const first = { topic: 'seeds', partitions: 1, now: Date.now };
    await topics.append(seedMessages(seeds, first, [{ total: options.samples }]));
    let accepted = 0;
    let turned = false;
    const river = await startRiver({
      recipe,
      topics,
      targets: [options.samples],
      parts: {
        ...idleParts,
        base: (journal) => journaled(asked, journal),
        embedder: new HashingEmbedder(64),
        shardDir: join(dir, 'out'),
      },
      committed: ({ stage, outcomes }) => {
        if (stage !== 'align') return;
        for (const outcome of outcomes) {
          if (outcome.kind !== 'emitted') continue;
          accepted += outcome.outputs.filter(({ kind }) => kind === 'sample').length;
        }
        if (turned || options.turn === undefined || accepted < options.turn.after) return;
        turned = true;
        turnReal(topics, options.turn.to, options.realRecords).catch((error) => river.done.catch(() => error));
      },
    });
    const ended = new AbortController();
    const loading = loadInputs({ recipe, topics, base: dir, stages: runnableStages }, ended.signal);
    await Promise.race([river.done, loading.then(() => river.done)]);
    ended.abort();
    await loading;
    const samples = await all(topics, 'samples', 'sample');
    return {
      corrections: await all(topics, 'corrections', 'correction'),
      samples: samples.map(({ fields }) => fields['body'] ?? ''),
      labels: samples.map(({ label }) => label),
    };
  } finally {
    await asked.close();
    await topics.close();
    await server.close();
    await rm(dir, { recursive: true, force: true });
  }
}

/** By its place in the repository: what a benchmark compiles lies elsewhere, and this is no TypeScript. */
function fakeEndpoint(): Promise<typeof import('../../fake-endpoint/fake-endpoint.mjs')> {
  return import(pathToFileURL(resolve('test/fake-endpoint/fake-endpoint.mjs')).href);
}

function recipeOf(
  url: string,
  { window, steps, domain, drift = {}, samples, seed = 7, reasons = false }: SteeredOptions,
): Recipe {
  return recipeSchema.parse({
    name: 'steered',
    domain: { about: 'notes', fields: { body: {} }, ...domain },
    inputs: { seeds: 'seeds.jsonl', real: 'real.jsonl' },
    models: { base: { engine: 'openai', url, model: 'base', maxInFlight: 16 } },
    method: 'synalign',
    steps: {
      draft: { attempts: 1 },
      // As many as four themes need: a draw takes time with them.
      explore: { inducing: 32, candidates: 128 },
      refine: 'off',
      reason: reasons ? { attributes: ['topic'], role: 'base', answer: 'lines', uses: 2 } : 'off',
      align: 'off',
      dedupe: 'off',
      measure: 'off',
      rollingMmd: { window, frequencies: 256, every: 8, ...drift },
      ...steps,
    },
    window: 16,
    target: { samples },
    seed,
  });
}

function realTexts(shares: readonly number[], count: number, name: string): readonly object[] {
  return Array.from({ length: count }, (_, n) => {
    // Evenly, so that the stream has its shares from the start.
    const theme = drawTheme(shares, ((n * 0.618_033_988_75) % 1) as number);
    return { body: textAbout(theme, `${name}${n}`), kind: theme };
  });
}

async function turnReal(topics: Topics, shares: readonly number[], count: number): Promise<void> {
  const reals = realTexts(shares, count, 'turned').map((object): Real => {
    const { body, kind } = object as { readonly body: string; readonly kind: string };
    return { kind: 'real', id: recordId('real', body), fields: { body }, label: kind, origin: {} };
  });
  await topics.append(reals.map((real) => recordMessage('real', 0, real)));
}

function lines(objects: readonly object[]): string {
  return `${objects.map((object) => JSON.stringify(object)).join('\n')}\n`;
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
