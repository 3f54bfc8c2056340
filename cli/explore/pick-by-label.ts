import { GreedyVariance } from '../../operators/kernels/gaussian-process/greedy-variance.js';
import { IntegratedVariance } from '../../operators/kernels/gaussian-process/integrated-variance.js';
import { isCopy } from '../../operators/kernels/points.js';
import { placesBy } from '../files/places-by.js';
import type { FileVectors } from '../files/read-vectors.js';
import { compute } from '../threads/compute.js';
import { pairsMs, plainLoopsMs } from '../threads/estimates.js';
import { type ComputeOptions, steppedTask } from '../threads/task.js';
import type { Criterion, ExploredLabel, FilePick } from './explored-file.js';

export interface PickFigures {
  readonly pick: number;
  readonly criterion: Criterion;
  readonly lengthScale: number;
  readonly seed: number;
  /** Of the first pick: its place among the vectors. */
  readonly first: number | undefined;
}

/** Told of the picks so far. */
export type PickOptions = PickFigures & ComputeOptions<number>;

export interface PickJob extends PickFigures, Pick<FileVectors, 'points' | 'labels'> {}

export interface Picked {
  readonly picks: readonly FilePick[];
  readonly informative: boolean | null;
  readonly labels: readonly Omit<ExploredLabel, 'count'>[] | undefined;
}

/** The vectors of one label, or of the whole file. */
interface Turn {
  readonly label: string | undefined;
  readonly size: number;
  /** Whether it can be judged what the length scale tells of it: there are records that differ. */
  readonly isVaried: boolean;
  readonly greedy: GreedyVariance | IntegratedVariance;
  picks: number;
}

/**
 * Picks by a criterion; with labels, these take turns, each with its own Gaussian process.
 *
 * Turns are in the order of the labels' names, that of `first` before them; a label that has no record left is passed over. So labels have
 * equal shares to within one pick, as far as they have records. Many picks are made by a thread. Rejects with the signal's reason.
 */
export async function pickByLabel(
  { points, labels, rows }: FileVectors,
  { signal, progress, ...figures }: PickOptions,
): Promise<Picked> {
  const options = { signal, ...(progress && { progress }) };
  const { picks, ...rest } = await compute(picksByLabel, { points, labels, ...figures }, options);
  return { picks: picks.map((pick) => ({ ...pick, index: rows[pick.index] ?? 0 })), ...rest };
}

/** The picks of `pickByLabel`, by their places among the points. */
export const picksByLabel = steppedTask<PickJob, Picked, number>(
  {
    module: import.meta.url,
    name: 'picksByLabel',
    does: 'picks',
    remedy: 'try a smaller --pick, or a smaller file',
    estimatedMs: ({ points: { size, dimensions }, pick, criterion }) => {
      const variances = plainLoopsMs(size * pick * (dimensions + pick / 2));
      const evaluated = criterion === 'integrated' ? Math.min(size, 1024) : 0;
      return variances + pairsMs(evaluated * size, dimensions) + plainLoopsMs(evaluated * size * pick);
    },
  },
  pickSteps,
);

function* pickSteps(job: PickJob, tell: (picks: number) => void): Generator<undefined, Picked> {
  const turns = turnsOf(job);
  const picks: FilePick[] = [];
  let first = job.first;
  for (let next = 0; picks.length < job.pick; next++) {
    const turn = turns[next % turns.length];
    if (turn === undefined || turn.greedy.remaining === 0) continue;
    const { index, variance } = turn.greedy.next(first);
    first = undefined;
    turn.picks += 1;
    picks.push({ index, variance, ...(turn.label !== undefined && { label: turn.label }) });
    tell(picks.length);
    yield;
  }
  const labels = turns.flatMap((turn) =>
    turn.label === undefined
      ? []
      : [{ label: turn.label, sampled: turn.size, picks: turn.picks, informative: informativeOf(turn) }],
  );
  return { picks, informative: anyInformative(turns), labels: labels.length === 0 ? undefined : labels };
}

function informativeOf({ isVaried, picks, greedy }: Turn): boolean | null {
  return isVaried && picks > 0 ? greedy.informative : null;
}

function anyInformative(turns: readonly Turn[]): boolean | null {
  const judged = turns.flatMap((turn) => informativeOf(turn) ?? []);
  return judged.length === 0 ? null : judged.includes(true);
}

function turnsOf({ points, labels, pick, criterion, lengthScale, seed, first }: PickJob): Turn[] {
  const Greedy = criterion === 'integrated' ? IntegratedVariance : GreedyVariance;
  const common = { points, bandwidth: lengthScale, seed };
  if (labels === null) {
    const greedy = new Greedy({ ...common, expected: pick });
    // without labels, records that are all alike are told of as such
    return [{ label: undefined, size: points.size, isVaried: points.size > 1, greedy, picks: 0 }];
  }
  const opening = first === undefined ? undefined : labels[first];
  const byName = [...placesBy(labels)].sort(
    ([a], [b]) => Number(b === opening) - Number(a === opening) || (a < b ? -1 : 1),
  );
  return byName.map(([label, own]) => {
    const expected = Math.ceil(pick / byName.length);
    const greedy = new Greedy({ ...common, rows: Uint32Array.from(own), expected });
    const [opener = 0] = own;
    const isVaried = own.some((place) => !isCopy(points, place, opener));
    return { label, size: own.length, isVaried, greedy, picks: 0 };
  });
}
