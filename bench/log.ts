import { readFileSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openLog } from '../streams/log/open-log.js';
import type { Message, Task, Topics } from '../streams/topics.js';

// Records a second of the embedded log, durable: node dist/bench/log.js [records] [folder]. Prints one JSON document.

const records = Number(process.argv[2] ?? 1_000_000);
const recordBytes = 1024;
const batch = { maxRecords: 500, maxBytes: 16 * 2 ** 20 };
const never = new AbortController().signal;

interface Measure {
  readonly recordsPerSecond: number;
  readonly cpuMsPerThousand: number;
  /** Resident, without the pages of the mapped file where the system tells them apart. */
  readonly memoryMiB: number;
}

const dir = await mkdtemp(join(process.argv[3] ?? tmpdir(), 'headwater-bench-'));
const topics = await openLog({ dir });
try {
  await topics.ensure([
    { name: 'in', partitions: 1, cleanup: 'delete' },
    { name: 'out', partitions: 1, cleanup: 'delete' },
    { name: 'small', partitions: 1, cleanup: 'delete' },
  ]);
  const startMiB = memoryMiB();
  const append = await measure(records, () => appendAll(topics));
  const copy = await measure(records, () => copyAll(topics));
  const read = await measure(records, () => readAll(topics));
  const small = Math.min(5000, records);
  const appendOneByOne = await measure(small, () => appendSingly(topics, small, 1));
  const append64AtOnce = await measure(small * 10, () => appendSingly(topics, small * 10, 64));
  const { size } = await stat(join(dir, 'log.mdb'));
  const fileMiB = Math.round(size / 2 ** 20);
  const node = process.version;
  console.log(
    JSON.stringify({
      node,
      records,
      recordBytes,
      startMiB,
      append,
      copy,
      read,
      appendOneByOne,
      append64AtOnce,
      fileMiB,
    }),
  );
} finally {
  await topics.close();
  await rm(dir, { recursive: true, force: true });
}

async function measure(count: number, work: () => Promise<void>): Promise<Measure> {
  const [started, cpu] = [performance.now(), process.cpuUsage()];
  await work();
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return {
    recordsPerSecond: Math.round(count / seconds),
    cpuMsPerThousand: Math.round((user + system) / count),
    memoryMiB: memoryMiB(),
  };
}

function memoryMiB(): number {
  if (process.platform !== 'linux') return Math.round(process.memoryUsage.rss() / 2 ** 20);
  const kibibytes = /RssAnon:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return Math.round(Number(kibibytes) / 2 ** 10);
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
