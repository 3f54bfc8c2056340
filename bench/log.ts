import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openLog } from '../streams/log/open-log.js';
import type { Message, Task, Topics } from '../streams/topics.js';
import { type Cost, costLine, printMachine, residentMiB, timed } from './report.js';

// Records a second of the embedded log, durable: `npm run bench -- log [records] [folder]`.

const records = Number(process.argv[2] ?? 1_000_000);
const recordBytes = 1024;
const batch = { maxRecords: 500, maxBytes: 16 * 2 ** 20 };
const never = new AbortController().signal;

const dir = await mkdtemp(join(process.argv[3] ?? tmpdir(), 'headwater-bench-'));
const topics = await openLog({ dir });
try {
  await topics.ensure([
    { name: 'in', partitions: 1, cleanup: 'delete' },
    { name: 'out', partitions: 1, cleanup: 'delete' },
    { name: 'small', partitions: 1, cleanup: 'delete' },
  ]);
  printMachine(['lmdb']);
  console.log(`${records} records of ${recordBytes} bytes; ${residentMiB().toFixed(0)} MiB resident at the start`);
  print('append, 500 at once', await timed(records, () => appendAll(topics)));
  print('copy through a group', await timed(records, () => copyAll(topics)));
  print('read', await timed(records, () => readAll(topics)));
  const small = Math.min(5000, records);
  print('append, one by one', await timed(small, () => appendSingly(topics, small, 1)));
  print('append, 64 callers', await timed(small * 10, () => appendSingly(topics, small * 10, 64)));
  const { size } = await stat(join(dir, 'log.mdb'));
  console.log(`the file has ${Math.round(size / 2 ** 20)} MiB`);
} finally {
  await topics.close();
  await rm(dir, { recursive: true, force: true });
}

function print(name: string, cost: Cost): void {
  console.log(`${costLine(name, [cost], 'records')}, ${residentMiB().toFixed(0)} MiB resident`);
}

async function appendAll(log: Topics): Promise<void> {
  for (let sent = 0; sent < records; sent += batch.maxRecords) {
    const count = Math.min(batch.maxRecords, records - sent);
    await log.append(Array.from({ length: count }, (_, index) => record('in', sent + index)));
  }
}

async function copyAll(log: Topics): Promise<void> {
  const tasks: Task[] = [];
  const membership = await log.join({ group: 'copy', topics: ['in'], assigned: (task) => tasks.push(task) });
  const [task] = tasks;
  if (task === undefined) throw new Error('the log assigned no task');
  for (let next = 0; next < records; ) {
    const messages = await task.fetch('in', next, batch, never);
    const outputs = messages.map((message) => ({ ...message, topic: 'out' }));
    next = (messages.at(-1)?.offset ?? records) + 1;
    await task.commit({ outputs, offsets: new Map([['in', next]]) });
  }
  await membership.leave();
}

async function readAll(log: Topics): Promise<void> {
  for (let next = 0; next < records; ) {
    const messages = await log.read('out', 0, next, batch);
    next = (messages.at(-1)?.offset ?? records) + 1;
  }
}

async function appendSingly(log: Topics, count: number, inFlight: number): Promise<void> {
  let sent = 0;
  const writer = async () => {
    while (sent < count) {
      sent += 1;
      await log.append([record('small', sent)]);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, writer));
}

function record(topic: string, serial: number): Message {
  const value = Buffer.alloc(recordBytes, serial & 0xff);
  value.writeDoubleLE(serial, 0);
  return { topic, partition: 0, key: `${serial}`, value, headers: { schema: 'bench/1' } };
}
