import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { map } from 'rxjs';

import type { Outcome } from '../operators/flow/outcome.js';
import type { AnyRecord } from '../schemas/codec.js';
import type { Document } from '../schemas/document.js';
import { recordId } from '../schemas/ids.js';
import { openLog } from '../streams/log/open-log.js';
import { recordMessage } from '../streams/record-message.js';
import { onKinds } from '../streams/stage/on-kinds.js';
import { runStage } from '../streams/stage/run-stage.js';
import { type Stage, stateTopic } from '../streams/stage/stage.js';
import type { Topics } from '../streams/topics.js';
import { type Cost, costLine, growthOf, median, printMachine, residentMiB, stopwatch, verdict } from './report.js';
import thresholds from './thresholds/stage.json' with { type: 'json' };

/**
 * What the runtime of a stage costs: documents of 1 KiB are read, checked, copied by an operator, written and committed.
 *
 * `npm run bench -- stage [--records N] [--dir FOLDER]`. The documents lie on an embedded log already; each tenth of them is a
 * repeat, after the first, which warms up. Exits with 1 where a bound of `bench/thresholds/stage.json` is missed.
 */

const { values: options } = parseArgs({
  options: { records: { type: 'string', default: '1000000' }, dir: { type: 'string', default: tmpdir() } },
});
const records = Number(options.records);
const repeats = 10;
const textBytes = 1024;

const copy: Stage = {
  name: 'copy',
  inputs: ['from'],
  credit: 8192,
  stateful: false,
  journaled: false,
  operator: () =>
    onKinds(
      ['document'],
      map((input): Outcome<Document, Document> => ({ kind: 'emitted', input, outputs: [input] })),
    ),
};

const dir = await mkdtemp(join(options.dir, 'headwater-bench-'));
const topics = await openLog({ dir });
try {
  await topics.ensure([
    { name: 'from', partitions: 1, cleanup: 'delete' },
    { name: 'documents', partitions: 1, cleanup: 'delete', retention: { bytes: 64 * 2 ** 20 } },
    { name: stateTopic(copy.name), partitions: 1, cleanup: 'compact' },
  ]);
  printMachine(['rxjs', 'zod', 'lmdb']);
  await load(topics);
  const { costs, memoryMiB } = await copyAll(topics);
  const figures = {
    recordsPerSecond: median(costs.map(({ perSecond }) => perSecond)),
    cpuMsPerThousand: median(costs.map(({ cpuMsPerThousand }) => cpuMsPerThousand)),
    memoryGrowthMiB: growthOf(memoryMiB),
  };
  console.log(costLine(`a stage that copies ${records} documents`, costs, 'records'));
  console.log(`memory after each tenth: ${memoryMiB.map((value) => value.toFixed(0)).join(' ')} MiB`);
  verdict(thresholds, figures);
} finally {
  await topics.close();
  await rm(dir, { recursive: true, force: true });
}

async function load(log: Topics): Promise<void> {
  const batch = 1000;
  for (let next = 0; next < records; next += batch) {
    const count = Math.min(batch, records - next);
    await log.append(Array.from({ length: count }, (_, i) => recordMessage('from', 0, documentOf(next + i))));
  }
}

async function copyAll(
  log: Topics,
): Promise<{ readonly costs: readonly Cost[]; readonly memoryMiB: readonly number[] }> {
  const costs: Cost[] = [];
  const memoryMiB: number[] = [];
  const lap = stopwatch();
  let copied = 0;
  let measured = 0;
  const run = await runStage({
    stage: copy,
    topics: log,
    committed: ({ outcomes }) => {
      copied += outcomes.length;
      if (copied < ((costs.length + 1) * records) / repeats) return;
      costs.push(lap(copied - measured));
      memoryMiB.push(residentMiB());
      measured = copied;
      if (copied === records) run.drain();
    },
  });
  await run.done;
  await checkCopies(log);
  return { costs: costs.slice(1), memoryMiB };
}

/** The last copy is the last original, to the byte. */
async function checkCopies(log: Topics): Promise<void> {
  const [mark] = await log.offsets('documents');
  const [last] = await log.read('documents', 0, records - 1, { maxRecords: 1, maxBytes: 1 });
  const original = recordMessage('from', 0, documentOf(records - 1)).value ?? new Uint8Array();
  if (mark?.high === records && last?.value != null && Buffer.from(last.value).equals(original)) return;
  throw new Error(`${records} documents were copied into ${mark?.high}, the last one is not the same`);
}

function documentOf(ordinal: number): AnyRecord {
  const words = `Document ${ordinal} says: the river rises when it rains for a week, and falls when it does not. `;
  const text = words.repeat(Math.ceil(textBytes / words.length)).slice(0, textBytes);
  return {
    kind: 'document',
    id: recordId('document', ordinal),
    text,
    origin: { file: 'river.txt', line: ordinal + 1 },
  };
}
