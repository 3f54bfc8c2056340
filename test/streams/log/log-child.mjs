// A process that uses the compiled log, for tests with more than one: node log-child.mjs MODE DIR [...]. Reports lines on stdout.
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { openLog } from '../../../dist/streams/log/open-log.js';

const [, , mode, dir, ...rest] = process.argv;
const say = (line) => writeSync(1, `${line}\n`);
const bytes = new TextEncoder();
const numbered = (topic, number, partition = 0) => ({
  topic,
  partition,
  key: `${number}`,
  value: bytes.encode(`${number}`.padEnd(number % 7 === 0 ? 5000 : 50)),
});
const bounds = { maxRecords: 40, maxBytes: 1e6 };
const never = new AbortController().signal;

const modes = {
  /** Appends numbers to `in` and copies them to `left` and `right` until it is killed; says what was confirmed. */
  async crash() {
    const topics = await openLog({ dir });
    await topics.ensure(['in', 'left', 'right'].map((name) => ({ name, partitions: 1, cleanup: 'delete' })));
    await topics.ensure([{ name: 'last', partitions: 1, cleanup: 'compact' }]);
    const [{ high }] = await topics.offsets('in');
    const append = async () => {
      for (let next = high; ; next += 10) {
        const offsets = await topics.append(Array.from({ length: 10 }, (_, index) => numbered('in', next + index)));
        say(`appended ${offsets.at(-1) + 1}`);
      }
    };
    const copy = async (task) => {
      for (let next = task.committed.get('in'); ; ) {
        const messages = await task.fetch('in', next, bounds, never);
        next = messages.at(-1).offset + 1;
        const outputs = messages.flatMap((m) => [
          { ...m, topic: 'left' },
          { ...m, topic: 'right' },
          { ...m, topic: 'last', key: 'last' },
        ]);
        await task.commit({ outputs, offsets: new Map([['in', next]]) });
        say(`committed ${next}`);
      }
    };
    await topics.join({ group: 'copy', topics: ['in'], assigned: (task) => void copy(task) });
    await append();
  },

  /** Appends so many numbers one by one, in the name of this process, and ends by itself. */
  async append() {
    const [topic, name, count] = rest;
    const topics = await openLog({ dir });
    for (let number = 0; number < Number(count); number += 1) {
      const value = bytes.encode(`${name} ${number}`);
      await topics.append([{ topic, partition: 0, key: null, value }]);
    }
    await topics.close();
    say('done');
  },

  /** Joins `group` on `in`, waits for a line and then for its loss, and tries to commit. */
  async zombie() {
    const topics = await openLog({ dir });
    const assigned = new Promise((resolve) => {
      void topics.join({ group: 'group', topics: ['in'], assigned: resolve });
    });
    const task = await assigned;
    const waiting = task.fetch('in', 1e6, bounds, never);
    say('joined');
    const lines = createInterface(process.stdin);
    for await (const line of lines) {
      if (line === 'commit') {
        const outcome = await task.commit({ outputs: [numbered('out', 1)], offsets: new Map([['in', 1]]) }).then(
          () => 'committed',
          (error) => error.code,
        );
        say(outcome);
      }
      if (line === 'wait') say(`fetched ${(await waiting).length}, lost ${task.lost.aborted}`);
    }
    await topics.close();
  },

  /** Appends until the store refuses; then says why, and whether what was confirmed can still be read. */
  async fill() {
    const topics = await openLog({ dir });
    await topics.ensure([{ name: 'in', partitions: 1, cleanup: 'delete' }]);
    let count = 0;
    try {
      for (; ; count += 1)
        await topics.append([{ topic: 'in', partition: 0, key: null, value: new Uint8Array(50_000) }]);
    } catch (error) {
      say(error.code);
    }
    const [{ high }] = await topics.offsets('in');
    say(`${count} ${high}`);
    await topics.close();
  },
};

await modes[mode]();
