import { decode } from '../../schemas/codec.js';
import { recordMessage } from '../../streams/record-message.js';
import { readAll } from '../../streams/stage/read-all.js';
import { median, stopwatch } from '../report.js';
import { loadDocuments } from './contents.js';
import { costOf, printCopies } from './copy-cost.js';
import { copyWith, type Worker } from './crew.js';
import type { Copy, Rival } from './job.js';
import type { Site } from './site.js';

const rivals: readonly Rival[] = ['stage', 'plain', 'plain with codec'];

/** Our stage against plain kafkajs, in turns: each copies the same records in transactions of the same size. */
export async function onePartition(site: Site): Promise<Readonly<Record<string, number>>> {
  const { records, rounds } = site.options;
  await loadDocuments(site.producer, 'from', 1, records);
  const workers = new Map<Rival, Worker>();
  for (const rival of rivals) workers.set(rival, await site.worker());
  const copies = new Map<Rival, Copy[]>(rivals.map((rival) => [rival, []]));
  let batch = 1000;
  for (let round = 0; round <= rounds; round++) {
    for (const [rival, worker] of workers) {
      const job = { ...site.job(rival, `${rival.replaceAll(' ', '-')}-${round}`, 'from', 1), batch };
      const [copy] = await copyWith([worker], job, records);
      if (copy === undefined) continue;
      if (round > 0) copies.get(rival)?.push(copy);
      else if (rival === 'stage') await checkCopies(site);
      // The others get transactions as large as ours were.
      if (rival === 'stage') batch = Math.round(copy.records / copy.transactions);
    }
  }
  await site.endWorkers();
  for (const [rival, list] of copies) printCopies(`${rival}, one partition`, list);
  return figuresOf(copies);
}

function figuresOf(copies: ReadonlyMap<Rival, readonly Copy[]>): Readonly<Record<string, number>> {
  const of = (rival: Rival) => copies.get(rival) ?? [];
  const cpu = (rival: Rival) => median(of(rival).map((copy) => costOf([copy]).cpuMsPerThousand));
  const [stage, plain, recoding] = [cpu('stage'), cpu('plain'), cpu('plain with codec')];
  const codec = codecCost();
  const shares = [
    `over plain kafkajs ${percent(stage / plain)}`,
    `without our codec ${percent((stage - codec) / plain)}`,
    `over plain kafkajs with our codec ${percent(stage / recoding)}`,
  ];
  console.log(`our codec alone: ${codec.toFixed(1)} CPU-ms per 1,000 (decode, check, encode)`);
  console.log(`CPU of the stage: ${shares.join(', ')}`);
  return {
    cpuOverPlain: stage / plain,
    recordsPerSecond: median(of('stage').map((copy) => costOf([copy]).perSecond)),
    recordLatencyMs: median(of('stage').map(({ recordLatencyMs }) => recordLatencyMs)),
    transactionMs: median(of('stage').map(({ transactionMs }) => transactionMs)),
  };
}

/** The copies of the first round are the originals, in their order, to the byte. */
async function checkCopies({ topics, options }: Site): Promise<void> {
  const originals = readAll(topics, 'from', 0);
  let count = 0;
  for await (const { value } of readAll(topics, 'documents', 0)) {
    const original = (await originals.next()).value?.value;
    if (value == null || original == null || !Buffer.from(value).equals(original)) {
      throw new Error(`copy ${count} is not the same as its original`);
    }
    count++;
  }
  if (count !== options.records) throw new Error(`${options.records} documents were copied into ${count}`);
}

/** CPU-ms per 1,000 documents to decode, check and encode them, with nothing else going on. */
function codecCost(): number {
  const text = 'the river rises when it rains for a week, and falls when it does not. '.repeat(14).slice(0, 870);
  const origin = { file: 'river.txt', line: 1 };
  const { value, headers = {} } = recordMessage('from', 0, { kind: 'document', id: '0'.repeat(32), text, origin });
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
