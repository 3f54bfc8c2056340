import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, it, onTestFinished } from 'vitest';

import type { Correction } from '../../../schemas/correction.js';
import { recordId } from '../../../schemas/ids.js';
import { recipe as recipeSchema } from '../../../schemas/recipe.js';
import { openLog } from '../../../streams/log/open-log.js';
import { recordMessage } from '../../../streams/record-message.js';
import { riverStatus } from '../../../streams/river/river-status.js';
import { idleParts, stagesOf } from '../../../streams/river/stages.js';
import { topicsOf } from '../../../streams/river/topics-of.js';

const recipe = recipeSchema.parse({
  name: 'notes',
  domain: { about: 'notes', fields: { text: {} } },
  inputs: { seeds: 'seeds.jsonl' },
  models: { base: { engine: 'openai', url: 'http://127.0.0.1:1/v1', model: 'base' } },
  target: { samples: 1 },
  topics: { partitions: 2 },
});

it('tells the newest correction of a lane by its place, as samples do not come in the order of their times', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'headwater-status-'));
  const topics = await openLog({ dir });
  onTestFinished(async () => {
    await topics.close();
    await rm(dir, { recursive: true, force: true });
  });
  await topics.ensure(topicsOf(recipe, stagesOf(recipe, idleParts)));
  expect((await riverStatus(recipe, topics)).correction).toBeNull();
  const corrections = [correction(0, 8, 5), correction(0, 16, 3), correction(1, 8, 2)];
  await topics.append(corrections.map((made) => recordMessage('corrections', made.lane, made)));
  expect((await riverStatus(recipe, topics)).correction).toEqual(corrections[1]);
});

function correction(lane: number, accepted: number, at: number): Correction {
  return {
    kind: 'correction',
    id: recordId('correction', lane, accepted),
    lane,
    accepted,
    mmd2: 0.1,
    bandwidth: 1,
    frequencies: 16,
    embedder: 'none',
    synthetic: { size: 8, firstOrdinal: 0, lastOrdinal: 7 },
    real: { size: 8, seen: 8 },
    at,
  };
}
