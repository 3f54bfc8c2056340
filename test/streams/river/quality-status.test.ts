import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import type { Verdict } from '../../../schemas/verdict.js';
import { openLog } from '../../../streams/log/open-log.js';
import { recordMessage } from '../../../streams/record-message.js';
import { judgeStatus, judgeStatusOf, newestQuality } from '../../../streams/river/quality-status.js';
import { examples } from '../../schemas/examples.js';

function verdict(lane: number, running: Partial<Verdict['running']>, spent: Partial<Verdict['spent']> = {}): Verdict {
  const { running: before, spent: spentBefore } = examples.verdict;
  return { ...examples.verdict, lane, running: { ...before, ...running }, spent: { ...spentBefore, ...spent } };
}

test('the last records of each lane, from the topics; none where an older version made the folder', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'headwater-quality-'));
  const topics = await openLog({ dir });
  onTestFinished(async () => {
    await topics.close();
    await rm(dir, { recursive: true, force: true });
  });
  expect([await newestQuality(topics), await judgeStatus(topics)]).toEqual([[], null]);
  const cleanup = 'delete' as const;
  await topics.ensure([
    { name: 'quality', partitions: 2, cleanup },
    { name: 'verdicts', partitions: 2, cleanup },
  ]);
  expect([await newestQuality(topics), await judgeStatus(topics)]).toEqual([[], null]);
  const at = (lane: number, accepted: number) =>
    recordMessage('quality', lane, { ...examples.quality, lane, accepted });
  await topics.append([at(0, 8), at(1, 8), at(0, 16)]);
  await topics.append([recordMessage('verdicts', 1, verdict(1, { judged: 3, disguised: 1 }))]);
  expect((await newestQuality(topics)).map(({ lane, accepted }) => [lane, accepted])).toEqual([
    [0, 16],
    [1, 8],
  ]);
  expect(await judgeStatus(topics)).toMatchObject({ judged: 3, disguised: 1, rate: 1 / 3 });
});

test('of several lanes, counts and costs add up, and e-values multiply', () => {
  const cost = { calls: 2, promptTokens: 10, completionTokens: 1, cost: 0.5 };
  const status = judgeStatusOf([
    verdict(0, { judged: 10, disguised: 4, unreadable: 1, logDetectable: 2, decision: 'undecided' }, cost),
    verdict(1, { judged: 30, disguised: 16, unreadable: 2, logDetectable: 2.5, decision: 'undecided' }, cost),
  ]);
  expect(status).toMatchObject({
    judged: 40,
    disguised: 20,
    unreadable: 3,
    rate: 0.5,
    logDetectable: 4.5,
    // 4.5 is over log(2 / 0.05), which neither lane has alone
    decision: 'detectable',
    spent: { calls: 4, promptTokens: 20, completionTokens: 2, cost: 1 },
  });
  expect(status?.lanes.map(({ lane }) => lane)).toEqual([0, 1]);
});

test("one lane's decision stands, whatever its e-values are now", () => {
  const status = judgeStatusOf([verdict(0, { decision: 'mode-seeking', logModeSeeking: 0.1 }, { cost: null })]);
  expect(status).toMatchObject({ decision: 'mode-seeking', spent: { cost: null } });
});
