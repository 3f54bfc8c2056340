import { decode, parseJson } from '../../schemas/codec.js';
import type { Correction } from '../../schemas/correction.js';
import type { LedgerEntry } from '../../schemas/ledger-entry.js';
import type { Recipe } from '../../schemas/recipe.js';
import { addOutcomes, countsKey, noOutcomes, type OutcomeCounts } from '../stage/outcome-counts.js';
import { readAll } from '../stage/read-all.js';
import { stateTopic } from '../stage/stage.js';
import type { Topics } from '../topics.js';
import { inputsOf, type StageName, stageNames } from './stages.js';

export interface StageStatus {
  readonly name: StageName;
  readonly counts: OutcomeCounts;
  /** Committed and not yet consumed, by input and partition. */
  readonly lags: readonly { readonly topic: string; readonly partition: number; readonly lag: number }[];
}

export interface LedgerSums {
  readonly accepted: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly dead: Readonly<Record<string, number>>;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** US dollars; null where a price is not known. */
  readonly cost: number | null;
}

export interface RiverStatus {
  readonly stages: readonly StageStatus[];
  readonly ledger: LedgerSums;
  readonly correction: Correction | null;
  readonly deadLetters: number;
}

/** The sums of a ledger without entries. */
export const noLedger: LedgerSums = {
  accepted: 0,
  dropped: {},
  dead: {},
  promptTokens: 0,
  completionTokens: 0,
  cost: 0,
};

/** Where a river stands, from its topics alone: it may run meanwhile, or have ended long ago. */
export async function riverStatus(recipe: Recipe, topics: Topics): Promise<RiverStatus> {
  const stages: StageStatus[] = [];
  for (const name of stageNames) {
    stages.push({
      name,
      counts: await stageCounts(topics, name),
      lags: await stageLags(topics, name, inputsOf(recipe, name)),
    });
  }
  return {
    stages,
    ledger: await ledgerSums(topics),
    correction: await newestCorrection(topics),
    deadLetters: (await topics.offsets('dead-letters')).reduce((sum, { low, high }) => sum + high - low, 0),
  };
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
  const topic = stateTopic(stage);
  const values: unknown[] = [];
  const { length: partitions } = await topics.offsets(topic);
  for (let partition = 0; partition < partitions; partition++) {
    for await (const { key, value } of readAll(topics, topic, partition)) {
      if (key === wanted && value !== null) values[partition] = parseJson(value);
    }
  }
  return values.filter((value) => value !== undefined);
}

/** Committed and not yet consumed, by input and partition. */
export async function stageLags(
  topics: Topics,
  stage: string,
  inputs: readonly string[],
): Promise<StageStatus['lags']> {
  const committed = await topics.committed(stage);
  const lags = [];
  for (const topic of inputs) {
    for (const [partition, { low, high }] of (await topics.offsets(topic)).entries()) {
      const mine = committed.find((offset) => offset.topic === topic && offset.partition === partition);
      lags.push({ topic, partition, lag: Math.max(0, high - Math.max(low, mine?.offset ?? 0)) });
    }
  }
  return lags;
}

/** What the ledger says of all plans that have ended. */
export async function ledgerSums(topics: Topics): Promise<LedgerSums> {
  let sums = noLedger;
  for await (const record of records(topics, 'ledger'))
    if (record.kind === 'ledger-entry') sums = withEntry(sums, record);
  return sums;
}

function withEntry(sums: LedgerSums, entry: LedgerEntry): LedgerSums {
  const { outcome, reason = 'unknown' } = entry;
  const counted =
    outcome === 'accepted'
      ? { accepted: sums.accepted + 1 }
      : { [outcome]: { ...sums[outcome], [reason]: (sums[outcome][reason] ?? 0) + 1 } };
  return {
    ...sums,
    ...counted,
    promptTokens: sums.promptTokens + entry.promptTokens,
    completionTokens: sums.completionTokens + entry.completionTokens,
    cost: sums.cost === null || entry.cost === null ? null : sums.cost + entry.cost,
  };
}

/** The last correction; null where there was none. */
export async function newestCorrection(topics: Topics): Promise<Correction | null> {
  /** The last of each lane: within a lane, times do not ascend, since samples come in the order of their plans. */
  const last = new Map<number, Correction>();
  for await (const record of records(topics, 'corrections')) {
    if (record.kind === 'correction') last.set(record.lane, record);
  }
  return [...last.values()].sort((a, b) => b.at - a.at)[0] ?? null;
}

async function* records(topics: Topics, topic: string) {
  const { length: partitions } = await topics.offsets(topic);
  for (let partition = 0; partition < partitions; partition++) {
    for await (const { value, headers } of readAll(topics, topic, partition))
      if (value !== null) yield decode(value, headers);
  }
}
