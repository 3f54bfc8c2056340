// A process that measures itself: `node --expose-gc idler.mjs '{settings}'`; one line of JSON on standard output, then it closes
// its topics with work under way and must end without being told.
import { setTimeout as delay } from 'node:timers/promises';

import { openKafka } from '../../dist/streams/kafka/open-kafka.js';
import { copyTask } from './copy-task.mjs';

const idleMs = 5000;
const total = 300_000;
const batch = 5000;

let negativeTimers = 0;
const { setTimeout: real } = globalThis;
globalThis.setTimeout = Object.assign(
  (run, ms, ...rest) => {
    if (ms < 0) negativeTimers++;
    return real(run, ms, ...rest);
  },
  { ...real },
);

const topics = await openKafka(JSON.parse(process.argv[2]));
let copied = 0;
for (let number = 0; number < 6; number++) {
  const assigned = (task) => {
    if (number > 0)
      return void task.fetch('input', task.committed.get('input'), { maxRecords: 1, maxBytes: 1 }, task.lost);
    copyTask(task, {
      input: 'input',
      output: 'output',
      maxRecords: 1000,
      committed: (_, __, count) => (copied += count),
    });
  };
  await topics.join({ group: `idle-${number}`, topics: ['input'], assigned });
}
await delay(1000);
const cpu = process.cpuUsage();
negativeTimers = 0;
await delay(idleMs);
const { user, system } = process.cpuUsage(cpu);
const cpuShare = (user + system) / 1000 / idleMs;
const idleTimers = negativeTimers;

let before = 0;
for (let sent = 0; sent < total; sent += batch) {
  await topics.append(
    Array.from({ length: batch }, (_, _index) => ({
      topic: 'input',
      partition: 0,
      key: null,
      value: Buffer.from('small'),
    })),
  );
  while (copied < sent + batch) await delay(5);
  if (sent === total / 3) before = await live();
}
const growthBytes = (await live()) - before;

const many = Array.from({ length: batch }, () => ({
  topic: 'input',
  partition: 0,
  key: null,
  value: Buffer.from('last'),
}));
const underWay = topics.append(many).catch(() => undefined);
const begun = Date.now();
await topics.close();
await underWay;
const closed = Date.now();
process.stdout.write(
  `${JSON.stringify({ cpuShare, negativeTimers: idleTimers, growthBytes, closeMs: closed - begun, closed })}\n`,
);

async function live() {
  await delay(200);
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
