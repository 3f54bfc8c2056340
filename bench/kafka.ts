import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

import { decode } from '../schemas/codec.js';
import { kafkaClient } from '../streams/kafka/client.js';
import { openKafka } from '../streams/kafka/open-kafka.js';
import { recordMessage } from '../streams/record-message.js';
import { readAll } from '../streams/stage/read-all.js';
import { stateTopic } from '../streams/stage/stage.js';
import { cleaned, loadDocuments, loadMemory, logBytes, setCompactionLag } from './kafka/contents.js';
import { copyWith, Worker } from './kafka/crew.js';
import type { Copy, Job, Rival } from './kafka/job.js';
import { type Cost, costLine, growthOf, median, printMachine, stopwatch, verdict } from './report.js';
import thresholds from './thresholds/kafka.json' with { type: 'json' };

/**
 * What exactly once costs on Kafka: documents of 1 KiB are copied from topic to topic by a stage, and by plain kafkajs transactions
 * with the same number of records in each. Then: four partitions, two workers, what a worker holds, and how soon a memory of 100,000
 * keys is back.
 *
 * `npm run bench -- kafka [--records N] [--rounds N] [--dir FOLDER]`. Starts a broker of its own, which needs Java; each rival runs in a
 * process of its own, so the broker's processor time is not in the figures, though it shares the machine. Every round reads the
 * same topic from its start, after one that warms up. Exits with 1 where a bound of `bench/thresholds/kafka.json` is missed.
 */

const { values: options } = parseArgs({
  options: {
    records: { type: 'string', default: '40000' },
    rounds: { type: 'string', default: '5' },
    dir: { type: 'string', default: tmpdir() },
    credit: { type: 'string', default: '2048' },
    flags: { type: 'string', default: '' },
    only: { type: 'string', default: 'one,four,weight,restore' },
  },
});
const records = Number(options.records);
const rounds = Number(options.rounds);
const credit = Number(options.credit);
const flags = options.flags.split(' ').filter((flag) => flag !== '');
const rivals: readonly Rival[] = ['stage', 'plain', 'plain with codec'];
const keys = 100_000;
const writings = 4;
const figures: Record<string, number> = {};

const dir = await mkdtemp(join(options.dir, 'headwater-bench-'));
const { start }: typeof import('../deploy/kafka/broker.mjs') = await import(
  pathToFileURL('deploy/kafka/broker.mjs').href
);
const broker = await start({ dir, properties: { 'log.cleaner.backoff.ms': 500 } });
const settings = { brokers: [`127.0.0.1:${broker.port}`], prefix: 'bench', clientId: 'bench' };
const topics = await openKafka(settings);
const client = kafkaClient(settings);
const producer = client.producer({ maxInFlightRequests: 1 });
const workers: Worker[] = [];
try {
  printMachine(['kafkajs', 'rxjs', 'zod']);
  console.log(`Apache Kafka 4.1.0 on the same cores; ${records} records a round and partition, ${rounds} rounds`);
  await topics.ensure([
    { name: 'from', partitions: 1, cleanup: 'delete' },
    { name: 'four', partitions: 4, cleanup: 'delete' },
    { name: 'documents', partitions: 4, cleanup: 'delete' },
    { name: 'copies', partitions: 4, cleanup: 'delete' },
    { name: 'empty', partitions: 1, cleanup: 'delete' },
  ]);
  await producer.connect();
  await loadDocuments(producer, 'from', 1, records);
  if (options.only.includes('one')) await onePartition();
  if (options.only.includes('four')) await fourPartitions();
  if (options.only.includes('weight')) await whatIsHeld();
  if (options.only.includes('restore')) await restoring();
  verdict(thresholds, figures);
} finally {
  await Promise.all(workers.map((worker) => worker.end()));
  await topics.close();
  await producer.disconnect();
  await broker.kill('SIGKILL');
  await rm(dir, { recursive: true, force: true });
}
process.exit();

async function onePartition(): Promise<void> {
  const crews = new Map<Rival, Worker>();
  for (const rival of rivals) crews.set(rival, await started());
  const copies = new Map<Rival, Copy[]>(rivals.map((rival) => [rival, []]));
  let batch = 1000;
  for (let round = 0; round <= rounds; round++) {
    for (const [rival, worker] of crews) {
      const job = { ...jobOf(rival, `${rival.replaceAll(' ', '-')}-${round}`, 'from', 1), batch };
      const [copy] = await copyWith([worker], job, records);
      if (copy === undefined) continue;
      if (round > 0) copies.get(rival)?.push(copy);
      else if (rival === 'stage') await checkCopies();
      // The others get transactions as large as ours were.
      if (rival === 'stage') batch = Math.round(copy.records / copy.transactions);
    }
  }
  const cpu = new Map<Rival, number>();
  for (const [rival, list] of copies) {
    print(`${rival}, one partition`, list);
    cpu.set(rival, median(list.map(({ cpuMs, records }) => (1000 * cpuMs) / records)));
  }
  const codec = codecCost();
  const [stage = Number.NaN, plain = Number.NaN, recoding = Number.NaN] = rivals.map((rival) => cpu.get(rival));
  console.log(`our codec alone: ${codec.toFixed(1)} CPU-ms per 1,000 records (decode, check, encode)`);
  console.log(
    `stage over plain kafkajs: ${percent(stage / plain)}; without our codec ${percent((stage - codec) / plain)}; over plain with codec ${percent(stage / recoding)}`,
  );
  const own = copies.get('stage') ?? [];
  figures['cpuOverPlain'] = stage / plain;
  figures['cpuOverPlainWithCodec'] = stage / recoding;
  figures['recordsPerSecond'] = median(own.map((copy) => costOf([copy]).perSecond));
  figures['recordLatencyMs'] = median(own.map(({ recordLatencyMs }) => recordLatencyMs));
  figures['transactionMs'] = median(own.map(({ transactionMs }) => transactionMs));
  await endAll();
}

/** The copies of the first round are the originals, in their order, to the byte. */
async function checkCopies(): Promise<void> {
  const originals = readAll(topics, 'from', 0);
  let count = 0;
  for await (const { value } of readAll(topics, 'documents', 0)) {
    const original = (await originals.next()).value?.value;
    if (value == null || original == null || !Buffer.from(value).equals(original)) {
      throw new Error(`copy ${count} is not the same as its original`);
    }
    count++;
  }
  if (count !== records) throw new Error(`${records} documents were copied into ${count}`);
}

async function fourPartitions(): Promise<void> {
  await loadDocuments(producer, 'four', 4, 2 * records);
  const [one, other] = [await started(), await started()];
  const alone: Copy[] = [];
  const together: (readonly Copy[])[] = [];
  const memoryMiB: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const [copy] = await copyWith([one], jobOf('stage', `alone-${round}`, 'four', 4), 2 * records);
    if (copy === undefined) continue;
    memoryMiB.push(...copy.memoryMiB);
    if (round > 0) alone.push(copy);
  }
  for (let round = 0; round <= Math.min(rounds, 3); round++) {
    const both = await copyWith([one, other], jobOf('stage', `together-${round}`, 'four', 4), 2 * records);
    memoryMiB.push(...(both[0]?.memoryMiB ?? []));
    if (round > 0) together.push(both);
  }
  print('stage, four partitions, one worker', alone);
  const costs = together.map(costOf);
  console.log(costLine('stage, four partitions, two workers', costs, 'records'));
  const copied = 2 * records * (rounds + 1.5 + Math.min(rounds, 3) / 2);
  console.log(
    `memory of a worker over ${copied} records: ${memoryMiB
      .filter((_, index) => index % Math.ceil(memoryMiB.length / 12) === 0)
      .map((value) => value.toFixed(0))
      .join(' ')} MiB`,
  );
  figures['recordsPerSecondOfFour'] = median(alone.map((copy) => costOf([copy]).perSecond));
  figures['memoryGrowthMiB'] = growthOf(memoryMiB);
  await endAll();
}

/** What credit holds, at two credits: the operator keeps all that it takes. */
async function whatIsHeld(): Promise<void> {
  const weights: { readonly credit: number; readonly mebibytes: number; readonly inFlight: number }[] = [];
  for (const held of [2048, 16_384]) {
    const worker = await started(['--expose-gc']);
    const job: Job = { ...jobOf('stage', `held-${held}`, 'from', 1), credit: held, stalled: true };
    const ready = worker.wait('holds', ({ partitions }) => partitions === 1);
    worker.order({ type: 'join', job });
    await ready;
    const empty = await worker.ask({ type: 'weigh' }, 'weight');
    worker.order({ type: 'go' });
    let full = await worker.ask({ type: 'weigh' }, 'weight');
    for (let before = -1; before !== full.inFlight || full.inFlight === 0; ) {
      before = full.inFlight;
      await new Promise((resolve) => setTimeout(resolve, 300));
      full = await worker.ask({ type: 'weigh' }, 'weight');
    }
    weights.push({ credit: held, mebibytes: full.mebibytes - empty.mebibytes, inFlight: full.inFlight });
    await worker.end();
  }
  for (const { credit: held, mebibytes, inFlight } of weights) {
    console.log(
      `credit ${held}, ${inFlight} records inside the operator: ${mebibytes.toFixed(1)} MiB, bound ${boundMiB(held).toFixed(1)} MiB`,
    );
  }
  figures['heldShareOfBound'] = Math.max(...weights.map(({ credit: held, mebibytes }) => mebibytes / boundMiB(held)));
}

/** Of what a task holds: each record as its message and as an object, and a fetch of 4 MiB with its messages. */
function boundMiB(held: number): number {
  return (held * 4 * 1024) / 2 ** 20 + 16;
}

async function restoring(): Promise<void> {
  const stage = 'remember';
  const topic = stateTopic(stage);
  await topics.ensure([{ name: topic, partitions: 1, cleanup: 'compact' }]);
  const admin = client.admin();
  await admin.connect();
  await setCompactionLag(admin, topic, 3_600_000);
  await loadMemory(producer, topic, keys, writings);
  const folder = join(dir, 'data', `bench.${topic}-0`);
  const bytes = logBytes(folder);
  const before = await restored(stage);
  await setCompactionLag(admin, topic, 0);
  const left = await cleaned(folder, bytes);
  const after = await restored(stage);
  await admin.disconnect();
  const line = (what: string, size: number, times: readonly number[]) =>
    console.log(
      `${what.padEnd(38)}${(size / 2 ** 20).toFixed(1)} MiB, ${median(times).toFixed(0)} ms (slowest ${Math.max(...times).toFixed(0)})`,
    );
  line(`${keys} keys written ${writings} times`, bytes, before);
  line('the same, compacted', left, after);
  figures['restoreMs'] = median(after);
}

async function restored(stage: string): Promise<readonly number[]> {
  const worker = await started();
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    times.push((await worker.ask({ type: 'restore', stage }, 'restored')).milliseconds);
  }
  await worker.end();
  return times;
}

async function started(more: readonly string[] = flags): Promise<Worker> {
  const worker = await Worker.start([settings.brokers[0] ?? ''], more);
  workers.push(worker);
  return worker;
}

async function endAll(): Promise<void> {
  await Promise.all(workers.splice(0).map((worker) => worker.end()));
}

function jobOf(rival: Rival, group: string, topic: string, partitions: number): Job {
  return { rival, group, topic, partitions, credit, batch: 1000 };
}

function print(name: string, copies: readonly Copy[]): void {
  console.log(
    costLine(
      name,
      copies.map((copy) => costOf([copy])),
      'records',
    ),
  );
  const each = (value: (copy: Copy) => number) => median(copies.map(value)).toFixed(0);
  console.log(
    `${' '.repeat(38)}${each((copy) => copy.records / copy.transactions)} records a transaction, 95 % of them done ${each(({ recordLatencyMs }) => recordLatencyMs)} ms after their fetch, 95 % of transactions in ${each(({ transactionMs }) => transactionMs)} ms`,
  );
}

/** Of workers that copied together. */
function costOf(copies: readonly Copy[]): Cost {
  const sum = (value: (copy: Copy) => number) => copies.reduce((total, copy) => total + value(copy), 0);
  const [from, to] = [Math.min(...copies.map((copy) => copy.from)), Math.max(...copies.map((copy) => copy.to))];
  const count = sum((copy) => copy.records);
  return { perSecond: (1000 * count) / (to - from), cpuMsPerThousand: (1000 * sum(({ cpuMs }) => cpuMs)) / count };
}

/** CPU-ms per 1,000 documents to decode, check and encode them. */
function codecCost(): number {
  const words = 'the river rises when it rains for a week, and falls when it does not. '.repeat(14).slice(0, 870);
  const { value, headers = {} } = recordMessage('from', 0, {
    kind: 'document',
    id: '0'.repeat(32),
    text: words,
    origin: { file: 'river.txt', line: 1 },
  });
  const times = 50_000;
  const once = () => recordMessage('documents', 0, decode(value ?? new Uint8Array(), headers));
  for (let i = 0; i < times; i++) once();
  const lap = stopwatch();
  for (let i = 0; i < times; i++) once();
  return lap(times).cpuMsPerThousand;
}

function percent(ratio: number): string {
  return `${ratio >= 1 ? '+' : ''}${(100 * (ratio - 1)).toFixed(0)} %`;
}
