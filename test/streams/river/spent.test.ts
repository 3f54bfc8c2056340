import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, it, onTestFinished } from 'vitest';

import type { Call } from '../../../schemas/call.js';
import type { LedgerEntry } from '../../../schemas/ledger-entry.js';
import { recipe as recipeSchema } from '../../../schemas/recipe.js';
import { openLog } from '../../../streams/log/open-log.js';
import { recordMessage } from '../../../streams/record-message.js';
import { idleParts } from '../../../streams/river/parts.js';
import { SpentReader } from '../../../streams/river/spent.js';
import { stagesOf } from '../../../streams/river/stages.js';
import { topicsOf } from '../../../streams/river/topics-of.js';
import { journalTopic } from '../../../streams/stage/stage.js';
import type { Task, Topics } from '../../../streams/topics.js';
import { completion } from '../../engines/answering.js';
import { refinedRecord } from '../../operators/flow/records.js';
import { examples } from '../../schemas/examples.js';

const recipe = recipeSchema.parse({
  name: 'notes',
  domain: { about: 'notes', fields: { text: {} } },
  inputs: { seeds: 'seeds.jsonl' },
  models: { base: { engine: 'openai', url: 'http://127.0.0.1:1/v1', model: 'base' } },
  target: { samples: 1 },
});

async function opened(): Promise<Topics> {
  const dir = await mkdtemp(join(tmpdir(), 'headwater-spent-'));
  const topics = await openLog({ dir });
  onTestFinished(async () => {
    await topics.close();
    await rm(dir, { recursive: true, force: true });
  });
  await topics.ensure(topicsOf(recipe, stagesOf(recipe, idleParts)));
  return topics;
}

function entry(tokens: number, cost: number | null, savedTokens?: number): LedgerEntry {
  const saved = savedTokens === undefined ? {} : { savedCalls: 1, savedTokens, savedCost: 9 };
  const { reason: _, ...ended } = examples['ledger-entry'];
  return { ...ended, outcome: 'accepted', promptTokens: tokens - 1, completionTokens: 1, cost, ...saved };
}

function call(tokens: number, cost: number, reused = false): Call {
  return {
    ...{ role: 'base', model: 'openai/base', prompt: 'p', temperature: 0, randomSeed: 1, finishReason: 'stop' },
    ...{ startedAt: 0, milliseconds: 1, promptTokens: tokens, completionTokens: 0, cost },
    ...(reused && { reused }),
  };
}

/** The only task of a consumer group on a topic. */
async function joined(topics: Topics, group: string, inputs: readonly string[]): Promise<Task> {
  return new Promise((resolve, reject) => {
    topics
      .join({ group, topics: inputs, assigned: resolve, failed: reject })
      .then((membership) => onTestFinished(() => membership.leave()), reject);
  });
}

it('is nothing before anything was asked', async () => {
  expect(await new SpentReader(await opened()).read()).toEqual({ tokens: 0, usd: 0 });
});

it('is the ledger, without what was reused, and unknown where a price was', async () => {
  const topics = await opened();
  const reader = new SpentReader(topics);
  await topics.append([recordMessage('ledger', 0, entry(100, 2)), recordMessage('ledger', 0, entry(50, 1, 30))]);
  expect(await reader.read()).toEqual({ tokens: 120, usd: 3 });
  await topics.append([recordMessage('ledger', 0, entry(10, 0.5))]);
  expect(await reader.read()).toEqual({ tokens: 130, usd: 3.5 });
  await topics.append([recordMessage('ledger', 0, entry(10, null))]);
  expect(await reader.read()).toEqual({ tokens: 140, usd: null });
});

it("counts what the attributes of plans on their way have cost, whose calls are not their drafts'", async () => {
  const topics = await opened();
  await topics.ensure([{ name: 'reasoned', partitions: 1, cleanup: 'delete' }]);
  const { plan } = refinedRecord(0);
  const attributes = { id: '1'.repeat(32), values: {}, calls: [call(70, 0.7), call(7, 0.07, true)] };
  const found = { ...plan, attributes };
  const reasoned = { kind: 'reasoned' as const, id: '2'.repeat(32), plan: found };
  await topics.append([recordMessage('reasoned', 0, reasoned)]);
  expect(await new SpentReader(topics).read()).toEqual({ tokens: 70, usd: 0.7 });
  await topics.append([recordMessage('refined', 0, { ...refinedRecord(0), plan: found, calls: [call(100, 1)] })]);
  expect(await new SpentReader(topics).read()).toEqual({ tokens: 240, usd: 2.4 });
});

it('counts what is on its way: texts that nobody has consumed yet, and answers of uncommitted inputs', async () => {
  const topics = await opened();
  const refined = (calls: readonly Call[]) => ({ ...refinedRecord(0), calls: [...calls] });
  await topics.append([
    recordMessage('refined', 0, refined([call(100, 1)])),
    recordMessage('refined', 0, refined([call(200, 2), call(400, 4, true)])),
  ]);
  const answer = (offset: number, tokens: number, reused = false) => ({
    topic: journalTopic('draft'),
    partition: 0,
    key: `hash ${offset}`,
    value: new TextEncoder().encode(
      JSON.stringify({ ...completion(tokens, 0, tokens / 100), ...(reused && { reused }) }),
    ),
    headers: { 'cause-topic': 'plans', 'cause-offset': `${offset}` },
  });
  await topics.append([answer(0, 1000), answer(1, 2000), answer(2, 4000, true)]);
  expect(await new SpentReader(topics).read()).toEqual({ tokens: 3300, usd: 33 });

  // Once they are committed, their records and the ledger have them.
  const align = await joined(topics, 'align', ['refined']);
  await align.commit({ outputs: [recordMessage('ledger', 0, entry(100, 1))], offsets: new Map([['refined', 1]]) });
  const draft = await joined(topics, 'draft', ['plans', journalTopic('draft')]);
  await draft.commit({ outputs: [], offsets: new Map([['plans', 1]]) });
  expect(await new SpentReader(topics).read()).toEqual({ tokens: 2300, usd: 23 });
});
