import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { decode } from '../../../schemas/codec.js';
import { openLog } from '../../../streams/log/open-log.js';
import { startTicker } from '../../../streams/river/ticker.js';
import { readAll } from '../../../streams/stage/read-all.js';
import type { Topics } from '../../../streams/topics.js';

let dir: string;
let topics: Topics;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'headwater-ticker-'));
  topics = await openLog({ dir });
  await topics.ensure(['samples', 'ticks'].map((name) => ({ name, partitions: 2, cleanup: 'delete' })));
});

afterEach(async () => {
  await topics.close();
  await rm(dir, { recursive: true });
});

async function ticks(lane: number): Promise<readonly unknown[]> {
  const found = [];
  for await (const { value, headers } of readAll(topics, 'ticks', lane)) {
    if (value !== null && headers['schema'] !== undefined) found.push(decode(value, headers));
  }
  return found;
}

describe('startTicker', () => {
  it('puts a tick behind new samples, on their lane, and none where nothing came', async () => {
    await topics.append([{ topic: 'samples', partition: 1, key: null, value: new Uint8Array([1]) }]);
    let turns = 0;
    let stop = () => {};
    await new Promise<void>((resolve, failed) => {
      // The clock is read at every turn, so its readings count the turns.
      const now = () => {
        turns++;
        if (turns === 4) resolve();
        return 1000 * turns;
      };
      stop = startTicker({ topics, lanes: () => [0, 1], everyMs: 5, now, failed });
    });
    stop();
    expect(await ticks(0)).toEqual([]);
    expect(await ticks(1)).toMatchObject([{ kind: 'tick', reason: 'interval', lane: 1, total: null, at: 1000 }]);
  });

  it('stops and tells when the topic cannot be written', async () => {
    await topics.append([{ topic: 'samples', partition: 0, key: null, value: new Uint8Array([1]) }]);
    await topics.close();
    const error = await new Promise((resolve) => {
      startTicker({ topics, lanes: () => [0, 1], everyMs: 5, now: () => 1, failed: resolve });
    });
    expect(error).toMatchObject({ code: 'store-closed' });
  });
});
