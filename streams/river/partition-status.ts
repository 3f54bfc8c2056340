import type { WorkerStatus } from './workers.js';

/** A partition of a stage: who works on it, and how much is left. */
export interface PartitionStatus {
  readonly partition: number;
  /** Who holds it; null where nobody says so. */
  readonly worker: string | null;
  /** Null where nobody holds it. */
  readonly state: 'restoring' | 'running' | null;
  /** Committed and not yet consumed, of all inputs. */
  readonly lag: number;
  readonly recordsPerSecond: number;
  /** While its memory comes back: places read, and all that there are. */
  readonly restored: number | null;
  readonly restoreTotal: number | null;
  /** Milliseconds that its memory took. */
  readonly restoreMs: number | null;
}

interface Lag {
  readonly partition: number;
  readonly lag: number;
}

/** The partitions of a stage, with what the workers that are alive say of them; where two claim one, the newer report counts. */
export function partitionStatuses(
  stage: string,
  lags: readonly Lag[],
  workers: readonly WorkerStatus[],
): readonly PartitionStatus[] {
  const holders = holdersOf(stage, workers);
  const partitions = [...new Set(lags.map(({ partition }) => partition))].sort((a, b) => a - b);
  return partitions.map((partition) => {
    const lag = lags.reduce((sum, each) => sum + (each.partition === partition ? each.lag : 0), 0);
    const { worker, held } = holders.get(partition) ?? {};
    return {
      partition,
      worker: worker ?? null,
      state: held?.state ?? null,
      lag,
      recordsPerSecond: held?.recordsPerSecond ?? 0,
      restored: held?.restored ?? null,
      restoreTotal: held?.restoreTotal ?? null,
      restoreMs: held?.restoreMs ?? null,
    };
  });
}

type Held = WorkerStatus['stages'][number]['partitions'][number];

function holdersOf(stage: string, workers: readonly WorkerStatus[]) {
  const holders = new Map<number, { readonly worker: string; readonly held: Held }>();
  const alive = workers.filter(({ silentSince }) => silentSince === null).sort((a, b) => a.at - b.at);
  for (const { worker, stages } of alive) {
    for (const { name, partitions } of stages) {
      if (name === stage) for (const held of partitions) holders.set(held.partition, { worker, held });
    }
  }
  return holders;
}
