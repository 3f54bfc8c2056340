import { parseJson } from '../../schemas/codec.js';
import { HeadwaterError } from '../../schemas/errors.js';
import { type WorkerReport, workerReport } from '../../schemas/worker-report.js';
import { readAll } from '../stage/read-all.js';
import type { Message, TopicSpec, Topics } from '../topics.js';

/** Where workers say what they do: the newest report of each, under its id. */
export const workersTopic: TopicSpec = { name: 'workers', partitions: 1, cleanup: 'compact' };

/** A worker's newest report, and whether it can still be believed. */
export interface WorkerStatus extends WorkerReport {
  /** When it was last heard of, where that is longer ago than three intervals; null while it is alive. */
  readonly silentSince: number | null;
}

/** Reports that may be missed before a worker counts as silent. */
const missedReports = 3;
/** Places at the end of the topic that are looked at: older reports are of workers that have long been silent. */
const lookedAt = 10_000;
/** A worker that was silent for so long is forgotten. */
const forgottenMs = 24 * 60 * 60_000;

/**
 * The workers of a pipeline, those alive first; one that ended in order is not among them, one that was silent for a day is not
 * either. Empty where no worker ever ran. A report that cannot be read is passed over.
 */
export async function readWorkers(topics: Topics, now: number): Promise<readonly WorkerStatus[]> {
  const reports = new Map<string, WorkerReport>();
  try {
    const [{ low, high } = { low: 0, high: 0 }] = await topics.offsets(workersTopic.name);
    for await (const { key, value } of readAll(topics, workersTopic.name, 0, Math.max(low, high - lookedAt))) {
      if (key === null) continue;
      const report = value === null ? undefined : readable(value);
      if (report !== undefined) reports.set(key, report);
      else if (value === null) reports.delete(key);
    }
  } catch (error) {
    if (error instanceof HeadwaterError && error.code === 'topic-unknown') return [];
    throw error;
  }
  return [...reports.values()]
    .filter(({ at }) => now - at < forgottenMs)
    .map((report) => ({ ...report, silentSince: isAlive(report, now) ? null : report.at }))
    .sort((a, b) => Number(a.silentSince !== null) - Number(b.silentSince !== null) || a.startedAt - b.startedAt);
}

/** What takes the report of a worker away that cannot do it itself. */
export function workerGone(worker: string): Message {
  return { topic: workersTopic.name, partition: 0, key: worker, value: null };
}

function isAlive({ at, everyMs }: WorkerReport, now: number): boolean {
  return now - at <= missedReports * everyMs;
}

function readable(value: Uint8Array): WorkerReport | undefined {
  try {
    return workerReport.safeParse(parseJson(value)).data;
  } catch {
    return undefined;
  }
}
