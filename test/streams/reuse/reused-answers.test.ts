import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it, onTestFinished } from 'vitest';

import type { Completion } from '../../../operators/language-model.js';
import { recordId } from '../../../schemas/ids.js';
import { openLog } from '../../../streams/log/open-log.js';
import { ReusedAnswers } from '../../../streams/reuse/reused-answers.js';
import { journalTopic } from '../../../streams/stage/stage.js';
import type { Message, TopicSpec, Topics } from '../../../streams/topics.js';

const never = new AbortController().signal;
const drafts = journalTopic('draft');

async function opened(retention?: TopicSpec['retention']): Promise<Topics> {
  const dir = await mkdtemp(join(tmpdir(), 'headwater-reuse-'));
  const topics = await openLog({ dir });
  onTestFinished(async () => {
    await topics.close();
    await rm(dir, { recursive: true, force: true });
  });
  await topics.ensure([
    { name: drafts, partitions: 2, cleanup: 'delete', ...(retention && { retention }) },
    { name: journalTopic('refine'), partitions: 1, cleanup: 'delete' },
    { name: 'plans', partitions: 1, cleanup: 'delete' },
  ]);
  return topics;
}

const request = (n: number) => recordId('request', n);

function answer(text: string, cost: number | null = 0.25): Completion {
  const usage = { promptTokens: 4, completionTokens: 2 };
  return { text, finishReason: 'stop', usage, model: 'test/m', cost, startedAt: 1, milliseconds: 2, attempts: 1 };
}

function journaled(topic: string, partition: number, n: number, value: unknown = answer(`answer ${n}`)): Message {
  const bytes = value instanceof Uint8Array ? value : new TextEncoder().encode(JSON.stringify(value));
  return { topic, partition, key: request(n), value: bytes };
}

describe('answers of other pipelines', () => {
  it('are found on all journals, partitions and pipelines, and on no other topic', async () => {
    const [one, other] = [await opened(), await opened()];
    await one.append([journaled(drafts, 0, 0), journaled(drafts, 1, 1), journaled('plans', 0, 9)]);
    await one.append([journaled(journalTopic('refine'), 0, 2), journaled(drafts, 0, 3)]);
    await other.append([journaled(drafts, 1, 4), journaled(drafts, 1, 0, answer('of the second'))]);
    const answers = await ReusedAnswers.open([one, other], never);
    expect(answers.size).toBe(5);
    for (let n = 0; n < 5; n += 1) expect(await answers.find(request(n))).toEqual(answer(`answer ${n}`));
    expect(await answers.find(request(9))).toBeUndefined();
  });

  it('come with what they had cost, and whether they were reused there', async () => {
    const topics = await opened();
    const kept = { ...answer('a', null), reused: true };
    await topics.append([journaled(drafts, 0, 0, kept)]);
    expect(await (await ReusedAnswers.open([topics], never)).find(request(0))).toEqual(kept);
  });

  it('are not there where they are damaged, removed, or under a key that is no hash', async () => {
    const topics = await opened();
    await topics.append([
      journaled(drafts, 0, 0, new Uint8Array([0xff, 0xfe])),
      journaled(drafts, 0, 1, { text: 'half an answer' }),
      journaled(drafts, 0, 2, [1, 2]),
      { topic: drafts, partition: 0, key: request(3), value: null },
      { topic: drafts, partition: 0, key: null, value: new Uint8Array([1]) },
      { topic: drafts, partition: 0, key: 'no hash', value: new Uint8Array([1]) },
      journaled(drafts, 0, 4),
    ]);
    const answers = await ReusedAnswers.open([topics], never);
    for (let n = 0; n < 4; n += 1) expect(await answers.find(request(n))).toBeUndefined();
    expect(await answers.find(request(4))).toEqual(answer('answer 4'));
  });

  it('are not there any more where retention has dropped them since', async () => {
    const topics = await opened({ bytes: 200_000 });
    const large = (n: number) => journaled(drafts, 0, n, answer('x'.repeat(90_000)));
    for (const n of [0, 1]) await topics.append([large(n)]);
    const answers = await ReusedAnswers.open([topics], never);
    expect(await answers.find(request(0))).toBeDefined();
    for (const n of [2, 3, 4]) await topics.append([large(n)]);
    expect((await topics.offsets(drafts))[0]?.low).toBeGreaterThan(0);
    expect(await answers.find(request(0))).toBeUndefined();
  });

  it('are those that were there when it was opened', async () => {
    const topics = await opened();
    const answers = await ReusedAnswers.open([topics], never);
    await topics.append([journaled(drafts, 0, 0)]);
    expect(answers.size).toBe(0);
    expect(await answers.find(request(0))).toBeUndefined();
  });

  it('stop being read when the signal is aborted', async () => {
    const topics = await opened();
    await expect(ReusedAnswers.open([topics], AbortSignal.abort('stopped'))).rejects.toBe('stopped');
  });
});
