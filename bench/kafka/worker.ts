import { Kafka, logLevel } from 'kafkajs';

import { openKafka } from '../../streams/kafka/open-kafka.js';
import type { Topics } from '../../streams/topics.js';
import type { Job, Order, Report } from './job.js';
import { Meter } from './meter.js';
import { joinPlain } from './plain-copy.js';
import { joinStage, restoreStage } from './stage-copy.js';

// A worker process of the benchmark, whose processor time and memory are its own and not the broker's: takes orders, sends reports.

interface Copying {
  readonly meter: Meter;
  readonly inFlight: () => number;
  readonly leave: () => Promise<unknown>;
}

const [address = ''] = process.argv.slice(2);
const settings = { brokers: [address], prefix: 'bench', clientId: `bench-${process.pid}` };
let topics: Promise<Topics> | undefined;
let copying: Copying | undefined;

process.on('message', (order: Order) => {
  obey(order).catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});
process.once('disconnect', () => process.exit());
tell({ type: 'holds', partitions: 0 });

async function obey(order: Order): Promise<void> {
  if (order.type === 'join') copying = await join(order.job);
  else if (order.type === 'restore') {
    tell({ type: 'restored', milliseconds: await restoreStage(order.stage, 'empty', await ours()) });
  } else if (copying === undefined) throw new Error(`there is nothing to ${order.type}`);
  else if (order.type === 'go') copying.meter.go();
  else if (order.type === 'weigh') weigh(copying);
  else await stop(copying);
}

async function join(job: Job): Promise<Copying> {
  const meter = new Meter((records) => tell({ type: 'copied', records }));
  if (job.rival !== 'stage') {
    // As it comes: none of what we do to kafkajs is done in the process of this rival.
    const client = new Kafka({ ...settings, logLevel: logLevel.NOTHING });
    const { leave } = await joinPlain(job, client, meter, (partitions) => tell({ type: 'holds', partitions }));
    return { meter, inFlight: () => 0, leave };
  }
  const run = await joinStage(job, await ours(), meter);
  run.done.catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
  const watch = setInterval(() => tell({ type: 'holds', partitions: run.partitions.length }), 100);
  meter.started.then(() => clearInterval(watch));
  const leave = async () => {
    if (job.stalled) run.abandon();
    else run.drain();
    await run.done;
  };
  return { meter, inFlight: () => run.inFlight, leave };
}

function ours(): Promise<Topics> {
  topics ??= openKafka(settings);
  return topics;
}

function weigh({ inFlight }: Copying): void {
  // Twice, since what is finalized in the first is freed in the second.
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  tell({ type: 'weight', mebibytes: (heapUsed + external) / 2 ** 20, inFlight: inFlight() });
}

async function stop({ meter, leave }: Copying): Promise<void> {
  await leave();
  tell({ type: 'copy', copy: meter.result() });
}

function tell(report: Report): void {
  process.send?.(report);
}
