import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

import { SentPrompts } from '../../../cli/run/sent-prompts.js';
import { encode } from '../../../schemas/codec.js';
import { recordId } from '../../../schemas/ids.js';
import { openLog } from '../../../streams/log/open-log.js';
import type { Topics } from '../../../streams/topics.js';
import { callRecord, planRecord, refinedRecord } from '../../operators/flow/records.js';
import { problems } from '../../streams/shards/samples.js';

const drafts = 10_200;

async function topicsOfDrafts(): Promise<Topics> {
  const dir = await mkdtemp(join(tmpdir(), 'headwater-prompts-'));
  const topics = await openLog({ dir });
  onTestFinished(async () => {
    await topics.close();
    await rm(dir, { recursive: true, force: true });
  });
  await topics.ensure(['drafts', 'plans'].map((name) => ({ name, partitions: 1, cleanup: 'delete' as const })));
  await topics.append(
    Array.from({ length: drafts }, (_, n) => {
      const { fields } = refinedRecord(n);
      const draft = {
        kind: 'draft' as const,
        id: recordId('draft', n),
        plan: planOf(n),
        fields,
        calls: [callRecord(n)],
      };
      return { topic: 'drafts', partition: 0, key: draft.id, ...encode(draft) };
    }),
  );
  return topics;
}

const groupOf = (n: number) => ({ number: n, place: 0, size: 2 });
const planOf = (n: number) => planRecord(n, { group: groupOf(n) });

test('a draft that is gone does not hide those that are there', async () => {
  const sent = new SentPrompts({ domain: problems, steps: { reason: 'off' } }, await topicsOfDrafts(), 0);
  const promptsOf = (n: number) => sent.of(refinedRecord(n, { group: groupOf(n) }));
  expect(await promptsOf(drafts + 5)).toMatchObject([{ notShown: 'its draft is no longer on the topic drafts' }]);
  for (const n of [0, 150, drafts - 1]) {
    expect(await promptsOf(n)).toMatchObject([{ id: 'bare.draft/1/blocks/1', prompt: expect.any(String) }]);
  }
});
