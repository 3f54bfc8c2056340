import type { WorkerStatus } from '../../streams/river/workers.js';
import { endpointTexts } from './endpoint-text.js';
import { clock } from './render.js';

/** What the supervisor of workers shows. */
export interface WorkersView {
  readonly name: string;
  readonly target: number | null;
  readonly accepted: number;
  readonly acceptedBefore: number;
  readonly elapsedMs: number;
  /** As they report. */
  readonly workers: readonly WorkerStatus[];
  /** Processes that run, of those that shall. */
  readonly running: number;
  readonly wanted: number;
  readonly shardDir: string;
}

/** For a terminal: a line for each worker. */
export function renderWorkersTable(view: WorkersView): string {
  const alive = view.workers.filter(({ silentSince }) => silentSince === null);
  return [
    `${view.name}  ${progress(view)}`,
    '',
    ...alive.flatMap(workerLines),
    '',
    `  shards    in ${view.shardDir}`,
  ].join('\n');
}

/** The same in one line, for a pipe. */
export function renderWorkersLine(view: WorkersView): string {
  return progress(view);
}

function progress({ accepted, acceptedBefore, target, elapsedMs, workers, running, wanted }: WorkersView): string {
  const made = accepted - acceptedBefore;
  const eta = target === null || made === 0 ? undefined : ((target - accepted) * elapsedMs) / made;
  const restoring = workers.flatMap(({ stages }) =>
    stages.flatMap(({ partitions }) => partitions.filter(({ state }) => state === 'restoring')),
  );
  return [
    target === null ? `${grouped(accepted)} accepted` : `${grouped(accepted)} of ${grouped(target)} accepted`,
    clock(elapsedMs),
    ...(eta === undefined ? [] : [`ETA ${clock(eta)}`]),
    `${running} of ${wanted} workers`,
    `${grouped(Math.round(rateOf(workers)))} records/s`,
    ...(restoring.length === 0 ? [] : [`${restoring.length} partitions restoring`]),
  ].join(' · ');
}

function workerLines(worker: WorkerStatus): readonly string[] {
  return [workerLine(worker), ...endpointTexts(worker.endpoints ?? []).map((text) => `    ${text}`)];
}

function workerLine(worker: WorkerStatus): string {
  const held = worker.stages.map(({ name, partitions }) => `${name} ${partitions.length}`).join(', ');
  return `  ${worker.worker.padEnd(28)} ${worker.state.padEnd(18)} ${grouped(Math.round(rateOf([worker])))}/s  ${held}`;
}

function rateOf(workers: readonly WorkerStatus[]): number {
  const alive = workers.filter(({ silentSince }) => silentSince === null);
  return alive.flatMap(({ stages }) => stages).reduce((sum, { recordsPerSecond }) => sum + recordsPerSecond, 0);
}

function grouped(n: number): string {
  return n.toLocaleString('en-US');
}
