import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

import type { WorkerReport } from '../../schemas/worker-report.js';
import type { Holding } from '../stage/run-stage.js';
import type { Committed } from '../stage/run-task.js';
import type { Message, Topics } from '../topics.js';
import type { StageAtWork, WorkerState } from './worker-state.js';
import { workersTopic } from './workers.js';

export interface WorkerReportsOptions {
  readonly topics: Pick<Topics, 'append'>;
  readonly state: WorkerState;
  /** @default host, process id and something random */
  readonly worker?: string;
  /** @default 5000 */
  readonly everyMs?: number;
  /** Changes within this time are told together. @default 250 */
  readonly soonMs?: number;
  /** @default Date.now */
  readonly now?: () => number;
}

/** Numbers by stage and partition. */
type ByPlace = Map<string, Map<number, number>>;

/** How long the end of a worker waits for its last words: with no broker nobody would hear them. */
const lastWordsMs = 2000;
const bytes = new TextEncoder();

/**
 * Tells on the topic `workers` what this process does: at once, then every few seconds and soon after each change.
 *
 * One report is on its way at a time, so none pile up while the broker is away; the next one says what holds by then. That a report
 * cannot be written harms nothing: the next one is tried all the same.
 */
export class WorkerReports {
  readonly worker: string;
  readonly #startedAt: number;
  readonly #everyMs: number;
  readonly #soonMs: number;
  readonly #now: () => number;
  /** Records committed since the last interval ended, by stage and partition. */
  #committed: ByPlace = new Map();
  /** The same a second in the last interval. */
  #rates: ReadonlyMap<string, ReadonlyMap<number, number>> = new Map();
  #intervalFrom: number;
  #writing: Promise<void> | undefined;
  /** Whether there is something to tell that the report on its way does not know. */
  #isNews = false;
  #soon: NodeJS.Timeout | undefined;
  readonly #interval: NodeJS.Timeout;
  #stopped = false;

  constructor(private readonly options: WorkerReportsOptions) {
    const { worker, everyMs = 5000, soonMs = 250, now = Date.now, state } = options;
    this.worker = worker ?? `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
    this.#everyMs = everyMs;
    this.#soonMs = soonMs;
    this.#now = now;
    this.#startedAt = now();
    this.#intervalFrom = this.#startedAt;
    this.#interval = setInterval(() => this.#tick(), everyMs);
    this.#interval.unref();
    state.onChange(() => this.#changed());
    this.#write();
  }

  /** To be told what stages commit. */
  readonly committed = ({ stage, partition, outcomes }: Pick<Committed, 'stage' | 'partition' | 'outcomes'>): void => {
    const byPartition = this.#committed.get(stage) ?? new Map<number, number>();
    this.#committed.set(stage, byPartition.set(partition, (byPartition.get(partition) ?? 0) + outcomes.length));
  };

  #changed(): void {
    if (this.#stopped || this.#soon !== undefined) return;
    this.#soon = setTimeout(() => {
      this.#soon = undefined;
      this.#write();
    }, this.#soonMs);
    this.#soon.unref();
  }

  /** The worker is no more: its report is taken away. Waits for two seconds at most. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    clearInterval(this.#interval);
    clearTimeout(this.#soon);
    const patience = new AbortController();
    const removed = (this.#writing ?? Promise.resolve()).then(() => this.#append(null));
    await Promise.race([removed, delay(lastWordsMs, undefined, { signal: patience.signal }).catch(() => undefined)]);
    patience.abort();
  }

  #tick(): void {
    const at = this.#now();
    const seconds = Math.max(at - this.#intervalFrom, 1) / 1000;
    this.#rates = new Map(
      [...this.#committed].map(([stage, byPartition]) => [
        stage,
        new Map([...byPartition].map(([partition, count]) => [partition, count / seconds])),
      ]),
    );
    this.#committed = new Map();
    this.#intervalFrom = at;
    this.#write();
  }

  #write(): void {
    this.#isNews = true;
    this.#writing ??= this.#writeNews().finally(() => {
      this.#writing = undefined;
    });
  }

  async #writeNews(): Promise<void> {
    while (this.#isNews && !this.#stopped) {
      this.#isNews = false;
      await this.#append(this.#report());
    }
  }

  /** What cannot be told now is told next time. */
  async #append(report: WorkerReport | null): Promise<void> {
    const value = report === null ? null : bytes.encode(JSON.stringify(report));
    const message: Message = {
      topic: workersTopic.name,
      partition: 0,
      key: this.worker,
      value,
      timestamp: this.#now(),
    };
    await this.options.topics.append([message]).catch(() => undefined);
  }

  #report(): WorkerReport {
    const { state } = this.options;
    const endpoints = [...state.endpoints()];
    return {
      worker: this.worker,
      host: hostname(),
      pid: process.pid,
      startedAt: this.#startedAt,
      at: this.#now(),
      everyMs: this.#everyMs,
      state: state.state,
      stages: state.stages.map((stage) => this.#stage(stage)),
      ...(endpoints.length === 0 ? {} : { endpoints }),
    };
  }

  #stage({ name, inFlight, holdings }: StageAtWork): WorkerReport['stages'][number] {
    const rates = this.#rates.get(name);
    const partitions = [...holdings]
      .sort((a, b) => a.partition - b.partition)
      .map((holding) => partitionReport(holding, rounded(rates?.get(holding.partition) ?? 0)));
    const recordsPerSecond = rounded([...(rates?.values() ?? [])].reduce((sum, rate) => sum + rate, 0));
    return { name, inFlight, recordsPerSecond, partitions };
  }
}

function partitionReport(
  { partition, restoreMs, restoring }: Holding,
  recordsPerSecond: number,
): WorkerReport['stages'][number]['partitions'][number] {
  return {
    partition,
    state: restoreMs === null ? 'restoring' : 'running',
    restoreMs: restoreMs === null ? null : Math.round(restoreMs),
    restored: restoring?.read ?? null,
    restoreTotal: restoring?.total ?? null,
    recordsPerSecond,
  };
}

/** To a tenth. */
function rounded(rate: number): number {
  return Math.round(rate * 10) / 10;
}
