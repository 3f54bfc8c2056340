import { decode } from '../../schemas/codec.js';
import type { Correction } from '../../schemas/correction.js';
import type { LedgerEntry } from '../../schemas/ledger-entry.js';
import type { Quality } from '../../schemas/quality.js';
import type { Recipe } from '../../schemas/recipe.js';
import { addOutcomes, countsKey, noOutcomes, type OutcomeCounts } from '../stage/outcome-counts.js';
import { readAll } from '../stage/read-all.js';
import type { Stage } from '../stage/stage.js';
import type { Topics } from '../topics.js';
import { hasMore } from './is-dry.js';
import { isMmdKey, type MergedCorrection, mergedCorrection } from './merged-correction.js';
import { type PartitionStatus, partitionStatuses } from './partition-status.js';
import { idleParts } from './parts.js';
import { type JudgeStatus, judgeStatus, newestQuality } from './quality-status.js';
import { reasonerOf } from './reasoner.js';
import { attributeFigures } from './reasoning.js';
import { stageMemories } from './stage-memories.js';
import { stagesOf } from './stages.js';
import { isExplorationKey, isWeightKey, type SynalignStatus, synalignStatus } from './synalign-status.js';
import { readWorkers, type WorkerStatus } from './workers.js';

export interface StageStatus {
  readonly name: string;
  readonly counts: OutcomeCounts;
  /** Committed and not yet consumed, by input and partition. */
  readonly lags: readonly { readonly topic: string; readonly partition: number; readonly lag: number }[];
  /** The same by partition, with who holds it. */
  readonly partitions: readonly PartitionStatus[];
  /** Committed, over the workers' last report intervals. */
  readonly recordsPerSecond: number;
}

export interface LedgerSums {
  readonly accepted: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly dead: Readonly<Record<string, number>>;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** US dollars that were paid; null where a price is not known. */
  readonly cost: number | null;
  /** `cost` by accepted sample; null where it is not known, or nothing is accepted. */
  readonly costPerAccepted: number | null;
  /** Plans whose lines have ended, the accepted ones among them. */
  readonly ended: number;
  /** `accepted` of `ended`; null where none has ended. */
  readonly yield: number | null;
  /** The ends without a sample, by stage, then by reason or code. */
  readonly endings: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Requests that were not asked, since other runs had paid for their answers. */
  readonly savedCalls: number;
  /** What those had read and written, which is among the tokens. */
  readonly savedTokens: number;
  /** What those had cost, in US dollars; null where a price is not known. */
  readonly savedCost: number | null;
}

export interface RiverStatus {
  readonly stages: readonly StageStatus[];
  readonly ledger: LedgerSums;
  /** The newest of any lane, without its witness, which is for machines. */
  readonly correction: Correction | null;
  /** Of all lanes as one. */
  readonly merged: MergedCorrection | null;
  /** Null where nothing is explored or weighted. */
  readonly synalign: SynalignStatus | null;
  /** The last measurement of each lane. */
  readonly quality: readonly Quality[];
  /** Null where nothing was judged. */
  readonly judge: JudgeStatus | null;
  readonly deadLetters: number;
  readonly workers: readonly WorkerStatus[];
}

/** The sums of a ledger without entries. */
export const noLedger: LedgerSums = {
  accepted: 0,
  dropped: {},
  dead: {},
  promptTokens: 0,
  completionTokens: 0,
  cost: 0,
  costPerAccepted: null,
  ended: 0,
  yield: null,
  endings: {},
  savedCalls: 0,
  savedTokens: 0,
  savedCost: 0,
};

/** Where a river stands, from its topics alone: it may run meanwhile, or have ended long ago. */
export async function riverStatus(recipe: Recipe, topics: Topics, now = Date.now()): Promise<RiverStatus> {
  const workers = await readWorkers(topics, now);
  const [stages, ledger, newest, plan, align, attributes, quality, judge, deadLetters] = await Promise.all([
    Promise.all(stagesOf(recipe, idleParts).map((stage) => stageStatus(topics, stage, workers))),
    ledgerSums(topics),
    newestCorrections(topics),
    stageMemories(topics, 'plan', isExplorationKey),
    stageMemories(topics, 'align', (key) => isMmdKey(key) || isWeightKey(key)),
    reasonerOf(recipe) === undefined ? [] : attributeFigures(topics),
    newestQuality(topics),
    judgeStatus(topics),
    countMessages(topics, 'dead-letters'),
  ]);
  const correction = newestOf(newest);
  const merged = mergedCorrection(recipe, align, newest);
  const synalign = synalignStatus(recipe, { plan, align, attributes });
  return { stages, ledger, correction, merged, synalign, quality, judge, deadLetters, workers };
}

async function stageStatus(
  topics: Topics,
  { name, inputs }: Stage,
  workers: readonly WorkerStatus[],
): Promise<StageStatus> {
  const [counts, lags] = await Promise.all([stageCounts(topics, name), stageLags(topics, name, inputs)]);
  const partitions = partitionStatuses(name, lags, workers);
  const recordsPerSecond = partitions.reduce((sum, partition) => sum + partition.recordsPerSecond, 0);
  return { name, counts, lags, partitions, recordsPerSecond: Math.round(recordsPerSecond * 10) / 10 };
}

/** How many records left a stage in which way, over all partitions. */
export async function stageCounts(topics: Topics, stage: string): Promise<OutcomeCounts> {
  const values = await stateValues(topics, stage, countsKey);
  return (values as readonly OutcomeCounts[]).reduce(addOutcomes, noOutcomes);
}

/** The samples that all lanes have accepted. */
export async function acceptedSamples(topics: Topics): Promise<number> {
  const values = await stateValues(topics, 'align', 'quota/accepted');
  return (values as readonly number[]).reduce((sum, accepted) => sum + accepted, 0);
}

async function stateValues(topics: Topics, stage: string, wanted: string): Promise<readonly unknown[]> {
  const memories = await stageMemories(topics, stage, (key) => key === wanted);
  return memories.flatMap((memory) => (memory.has(wanted) ? [memory.get(wanted)] : []));
}

/** Offsets that marks alone may take at the end of a partition. */
const fewOffsets = 16;

/** Committed and not yet consumed, by input and partition. */
export async function stageLags(
  topics: Topics,
  stage: string,
  inputs: readonly string[],
): Promise<StageStatus['lags']> {
  const [committed, ends] = await Promise.all([
    topics.committed(stage),
    Promise.all(inputs.map((topic) => topics.offsets(topic))),
  ]);
  return Promise.all(
    inputs.flatMap((topic, index) =>
      (ends[index] ?? []).map(async ({ low, high }, partition) => {
        const mine = committed.find((offset) => offset.topic === topic && offset.partition === partition);
        const next = Math.max(low, mine?.offset ?? 0);
        const behind = Math.max(0, high - next);
        // Behind the last message there may be marks of its transaction, which nobody consumes.
        const isEnd = behind > 0 && behind <= fewOffsets && !(await hasMore(topics, topic, partition, next));
        return { topic, partition, lag: isEnd ? 0 : behind };
      }),
    ),
  );
}

/** What the ledger says of all plans that have ended. */
export async function ledgerSums(topics: Topics): Promise<LedgerSums> {
  let sums = noLedger;
  for await (const record of records(topics, 'ledger'))
    if (record.kind === 'ledger-entry') sums = withEntry(sums, record);
  return sums;
}

function perAccepted(cost: number | null, accepted: number): number | null {
  return cost === null || accepted === 0 ? null : cost / accepted;
}

function withEnding(endings: LedgerSums['endings'], { stage, outcome, reason = 'unknown' }: LedgerEntry) {
  if (outcome === 'accepted') return endings;
  const ofStage = endings[stage] ?? {};
  return { ...endings, [stage]: { ...ofStage, [reason]: (ofStage[reason] ?? 0) + 1 } };
}

function withEntry(sums: LedgerSums, entry: LedgerEntry): LedgerSums {
  const { outcome, reason = 'unknown' } = entry;
  const counted =
    outcome === 'accepted'
      ? { accepted: sums.accepted + 1 }
      : { [outcome]: { ...sums[outcome], [reason]: (sums[outcome][reason] ?? 0) + 1 } };
  const accepted = counted.accepted ?? sums.accepted;
  const ended = sums.ended + 1;
  const cost = added(sums.cost, entry.cost);
  return {
    ...sums,
    ...counted,
    ended,
    yield: accepted / ended,
    endings: withEnding(sums.endings, entry),
    costPerAccepted: perAccepted(cost, accepted),
    promptTokens: sums.promptTokens + entry.promptTokens,
    completionTokens: sums.completionTokens + entry.completionTokens,
    cost,
    savedCalls: sums.savedCalls + (entry.savedCalls ?? 0),
    savedTokens: sums.savedTokens + (entry.savedTokens ?? 0),
    savedCost: added(sums.savedCost, entry.savedCost === undefined ? 0 : entry.savedCost),
  };
}

/** Null where one is not known. */
function added(sum: number | null, more: number | null): number | null {
  return sum === null || more === null ? null : sum + more;
}

/** The last correction; null where there was none. */
export async function newestCorrection(topics: Topics): Promise<Correction | null> {
  return newestOf(await newestCorrections(topics));
}

/** The last correction of each lane: within a lane, times do not ascend, since samples come in the order of their plans. */
async function newestCorrections(topics: Topics): Promise<readonly Correction[]> {
  const last = new Map<number, Correction>();
  for await (const record of records(topics, 'corrections')) {
    if (record.kind === 'correction') last.set(record.lane, record);
  }
  return [...last.values()].sort((a, b) => a.lane - b.lane);
}

function newestOf(corrections: readonly Correction[]): Correction | null {
  const [newest] = [...corrections].sort((a, b) => b.at - a.at);
  if (newest === undefined) return null;
  const { witness: _, ...shown } = newest;
  return shown;
}

/** Offsets alone do not tell: not each one has a message. */
async function countMessages(topics: Topics, topic: string): Promise<number> {
  let count = 0;
  const { length: partitions } = await topics.offsets(topic);
  for (let partition = 0; partition < partitions; partition++) {
    for await (const _ of readAll(topics, topic, partition)) count++;
  }
  return count;
}

async function* records(topics: Topics, topic: string) {
  const { length: partitions } = await topics.offsets(topic);
  for (let partition = 0; partition < partitions; partition++) {
    for await (const { value, headers } of readAll(topics, topic, partition))
      if (value !== null) yield decode(value, headers);
  }
}
