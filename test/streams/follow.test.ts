import { describe, expect, it } from 'vitest';

import { follow } from '../../streams/follow.js';
import { documentRecord, documents, put, stageLog } from './stage/stage-log.js';

const patience = { timeout: 10_000 };

describe('follow', () => {
  it('gives what is there from an offset on, then what comes', patience, async () => {
    const { topics } = await stageLog();
    await put(topics, 'from', documents(600));
    const offsets: number[] = [];
    for await (const { offset } of follow(topics, 'from', 0, 50, new AbortController().signal)) {
      offsets.push(offset);
      if (offset === 599) await put(topics, 'from', [documentRecord(600)]);
      if (offset === 600) break;
    }
    expect(offsets).toEqual(Array.from({ length: 551 }, (_, i) => 50 + i));
  });

  it('waits at the end until something comes', patience, async () => {
    const { topics } = await stageLog();
    const messages = follow(topics, 'from', 0, 0, new AbortController().signal);
    const first = messages.next();
    await put(topics, 'from', [documentRecord(1)]);
    expect((await first).value).toMatchObject({ topic: 'from', offset: 0, headers: { id: documentRecord(1).id } });
    await messages.return(undefined);
  });

  it('ends when it is aborted while it waits, and while its reader is busy', patience, async () => {
    const { topics } = await stageLog();
    const waiting = new AbortController();
    const next = follow(topics, 'from', 0, 0, waiting.signal).next();
    setImmediate(() => waiting.abort());
    expect(await next).toEqual({ done: true, value: undefined });

    await put(topics, 'from', documents(3));
    const reading = new AbortController();
    const offsets: number[] = [];
    for await (const { offset } of follow(topics, 'from', 0, 0, reading.signal)) {
      offsets.push(offset);
      if (offset !== 2) continue;
      reading.abort();
      await put(topics, 'from', [documentRecord(3)]);
    }
    expect(offsets).toEqual([0, 1, 2]);
  });

  it('gives nothing where the signal is aborted already', async () => {
    const { topics } = await stageLog();
    await put(topics, 'from', documents(1));
    expect(await follow(topics, 'from', 0, 0, AbortSignal.abort()).next()).toMatchObject({ done: true });
  });

  it('rejects for a topic that is not there', async () => {
    const { topics } = await stageLog();
    const messages = follow(topics, 'nowhere', 0, 0, new AbortController().signal);
    await expect(messages.next()).rejects.toMatchObject({ code: 'topic-unknown' });
  });
});
