import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openKafka } from '../../streams/kafka/open-kafka.js';
import { startBroker, type TestBroker } from './broker.js';
import { joinCopying, message, never, type Scene, scene, wide } from './scene.js';

describe('a broker that takes connections and says nothing', () => {
  let broker: TestBroker;
  let copy: Scene;

  beforeAll(async () => {
    broker = await startBroker();
    copy = await scene(broker);
  });
  afterAll(async () => {
    await broker?.continue();
    await copy?.close();
    await broker?.stop();
  });

  it('is unreachable when the patience is over', async () => {
    await broker.freeze();
    const begun = Date.now();
    const opening = openKafka({ ...copy.settings, patienceMs: 2000 });
    await expect(opening).rejects.toMatchObject({
      code: 'broker-unreachable',
      message: expect.stringMatching(
        /^no Kafka broker answers at 127\.0\.0\.1:\d+ \(.*\): start it, or check topics\.brokers/,
      ),
    });
    expect(Date.now() - begun).toBeLessThan(4000);
    await broker.continue();
  });

  it('does not hold up closing, whatever is under way', async () => {
    const topics = await openKafka(copy.settings);
    await joinCopying(topics, copy.group);
    await copy.feed(10);
    await copy.copied();
    await broker.freeze();
    const calls = [
      topics.append([message('input', 'x')]),
      topics.read('input', 0, 0, wide),
      topics.appendAfter('lock', async () => [message('input', 'y')]),
    ].map((call) => call.catch((error: unknown) => error));
    const begun = Date.now();
    await topics.close();
    expect(Date.now() - begun).toBeLessThan(5000);
    for (const result of await Promise.all(calls)) expect(result).toMatchObject({ code: 'store-closed' });
    await broker.continue();
  });

  it('does not hold up a fetch that is given up', async () => {
    const topics = await openKafka(copy.settings);
    const { tasks, membership } = await joinCopying(topics, 'another', { input: 'input', output: 'output' });
    await expect.poll(() => tasks.size, { timeout: 20_000 }).toBe(1);
    await broker.freeze();
    const stop = new AbortController();
    const fetching = tasks.get(0)?.fetch('input', 1_000_000, wide, stop.signal);
    stop.abort();
    expect(await fetching).toEqual([]);
    expect(never.aborted).toBe(false);
    const begun = Date.now();
    await membership.leave();
    expect(Date.now() - begun).toBeLessThan(6000);
    await topics.close();
    await broker.continue();
  });
});
