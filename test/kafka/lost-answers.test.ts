import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openKafka } from '../../streams/kafka/open-kafka.js';
import type { Topics } from '../../streams/topics.js';
import { type FaultyBroker, startFaultyBroker } from './faulty-broker.js';
import type { Api, Lost } from './faulty-proxy.js';
import { joinCopying, message, readAll, type Scene, scene, textOf } from './scene.js';

const lost: readonly Lost[] = ['request', 'answer'];
const cuts = (apis: readonly Api[]) => apis.flatMap((api) => lost.map((what) => [what, api] as const));

describe('connections that break at a chosen request', () => {
  let broker: FaultyBroker;
  let copy: Scene;
  let topics: Topics;

  beforeAll(async () => {
    broker = await startFaultyBroker();
    copy = await scene(broker);
    topics = await openKafka(copy.settings);
  });
  afterAll(async () => {
    await topics?.close();
    await copy?.close();
    await broker?.stop();
  });

  const committing = cuts(['Produce', 'AddPartitionsToTxn', 'AddOffsetsToTxn', 'TxnOffsetCommit', 'EndTxn']);
  const reopening = cuts(['InitProducerId', 'OffsetFetch', 'FindCoordinator']);

  it('lose and double nothing of a copy, whatever is lost of a commit, a fetch, or the membership', async () => {
    const { membership, errors } = await joinCopying(topics, copy.group);
    for (const [what, api] of [...committing, ...cuts(['Fetch', 'Heartbeat'])]) {
      const cut = broker.proxy.cutNext(api, what);
      await copy.feed(7);
      await cut;
      await copy.copied();
    }
    for (const [what, api] of reopening) {
      const cuts = [broker.proxy.cutNext('EndTxn', 'answer'), broker.proxy.cutNext(api, what)];
      await copy.feed(3);
      await Promise.all(cuts);
      await copy.copied();
    }
    expect(errors).toEqual([]);
    await membership.leave();
    await copy.isExact();
  });

  it.each(cuts(['Produce', 'AddPartitionsToTxn', 'EndTxn', 'InitProducerId', 'ListOffsets']))(
    'append once where the %s of %s is lost',
    async (what, api) => {
      const name = `append-${what}-${api}`;
      await topics.ensure([{ name, partitions: 1, cleanup: 'delete' }]);
      await topics.append([message(name, 'first')]);
      const cut = broker.proxy.cutNext(api, what);
      // A writer keeps its producer id, until a commit is in doubt.
      const opening = api === 'InitProducerId' ? [broker.proxy.cutNext('EndTxn', 'request')] : [];
      const offsets = await topics.append([message(name, 'a'), message(name, 'b')]);
      await Promise.all([cut, ...opening]);
      await topics.append([message(name, 'last')]);
      const found = await readAll(topics, name);
      expect(found.map(textOf)).toEqual(['first', 'a', 'b', 'last']);
      expect(found.slice(1, 3).map(({ offset }) => offset)).toEqual(offsets);
    },
  );

  it.each(cuts(['Produce', 'EndTxn', 'InitProducerId', 'ListOffsets']))(
    'decide anew where the %s of %s is lost under a lock',
    async (what, api) => {
      const name = `lock-${what}-${api}`;
      await topics.ensure([{ name, partitions: 1, cleanup: 'delete' }]);
      const addOne = async () => [message(name, String((await readAll(topics, name)).length))];
      const cut = broker.proxy.cutNext(api, what);
      const once = async () => {
        const before = (await readAll(topics, name)).length;
        await topics.appendAfter(name, async () => ((await readAll(topics, name)).length > before ? [] : addOne()));
      };
      await once();
      await cut;
      await once();
      expect((await readAll(topics, name)).map(textOf)).toEqual(['0', '1']);
    },
  );

  it.each(cuts(['Metadata', 'Fetch', 'ListOffsets', 'OffsetFetch']))(
    'answer as if nothing had been where the %s of %s is lost',
    async (what, api) => {
      const name = `ask-${what}-${api}`;
      const fresh = await openKafka(copy.settings);
      try {
        const cut = broker.proxy.cutNext(api, what);
        await fresh.ensure([{ name, partitions: 2, cleanup: 'compact' }]);
        expect(await fresh.list()).toContainEqual(expect.objectContaining({ name, partitions: 2 }));
        expect(await fresh.offsets(name)).toEqual([
          { low: 0, high: 0 },
          { low: 0, high: 0 },
        ]);
        expect(await fresh.read(name, 1, 0, { maxRecords: 1, maxBytes: 1 })).toEqual([]);
        expect(await fresh.committed('nobody')).toEqual([]);
        await cut;
        const again = broker.proxy.cutNext('Metadata', what);
        expect(await fresh.list()).toContainEqual(expect.objectContaining({ name }));
        await again;
      } finally {
        await fresh.close();
      }
    },
  );
});
