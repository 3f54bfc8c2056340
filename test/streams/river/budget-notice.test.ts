import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it, onTestFinished } from 'vitest';

import { openLog } from '../../../streams/log/open-log.js';
import { budgetNotice, isFed, isNoticed } from '../../../streams/river/budget-notice.js';
import { identityMessage, pipelineTopic, readIdentity } from '../../../streams/river/pipeline-identity.js';

async function opened() {
  const dir = await mkdtemp(join(tmpdir(), 'headwater-notice-'));
  const topics = await openLog({ dir });
  onTestFinished(async () => {
    await topics.close();
    await rm(dir, { recursive: true, force: true });
  });
  await topics.ensure([pipelineTopic]);
  return topics;
}

it('the last notice counts, and a larger budget is another one; the recipe beside it stays readable', async () => {
  const topics = await opened();
  expect(await isNoticed(topics, { tokens: 100 })).toBe(false);
  await topics.append([identityMessage({ name: 'mails' }), budgetNotice({ tokens: 100 })]);
  expect(await isNoticed(topics, { tokens: 100 })).toBe(true);
  expect(await isNoticed(topics, { tokens: 100, usd: 1 })).toBe(false);
  expect(await isNoticed(topics, { tokens: 200 })).toBe(false);
  await topics.append([budgetNotice({ usd: 1 })]);
  expect(await isNoticed(topics, { tokens: 100 })).toBe(false);
  expect(await isNoticed(topics, { usd: 1 })).toBe(true);
  expect(await readIdentity(topics)).toEqual({ name: 'mails' });
});

describe('isFed', () => {
  const stage = (name: string) => ({ name, inFlight: 0, recordsPerSecond: 0, partitions: [] });
  const worker = (stages: readonly string[], silentSince: number | null = null) => ({
    stages: stages.map(stage),
    state: 'running' as const,
    silentSince,
  });

  it('waits for workers whose first stage is earlier, and for those that have not begun', () => {
    expect(isFed(['align', 'shard'], [worker(['refine'])])).toBe(true);
    expect(isFed(['align', 'shard'], [worker(['align']), worker(['manifest']), worker(['judge'])])).toBe(false);
    expect(isFed(['refine'], [worker(['plan', 'manifest'])])).toBe(true);
    expect(isFed(['refine'], [{ ...worker([]), state: 'starting' as const }])).toBe(true);
  });

  it('waits for none that is silent, and for none that only takes in topics of others, which never end', () => {
    expect(isFed(['align'], [worker(['draft'], 1)])).toBe(false);
    expect(isFed(['align'], [worker(['seeds-intake'])])).toBe(false);
    expect(isFed(['align'], [])).toBe(false);
  });

  it('no two wait for one another', () => {
    const all = ['plan', 'draft', 'refine', 'align', 'shard', 'manifest', 'judge'];
    for (const a of all)
      for (const b of all) {
        expect(isFed([a, 'shard'], [worker([b, 'align'])]) && isFed([b, 'align'], [worker([a, 'shard'])])).toBe(false);
      }
  });
});
