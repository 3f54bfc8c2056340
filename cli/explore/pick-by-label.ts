import { setImmediate } from 'node:timers/promises';

import { GreedyVariance } from '../../operators/kernels/gaussian-process/greedy-variance.js';
import { IntegratedVariance } from '../../operators/kernels/gaussian-process/integrated-variance.js';
import type { FileVectors } from '../files/read-vectors.js';
import type { Criterion, ExploredLabel, FilePick } from './explored-file.js';

export interface PickOptions {
  readonly pick: number;
  readonly criterion: Criterion;
  readonly lengthScale: number;
  readonly seed: number;
  /** Of the first pick: its place among the vectors. */
  readonly first: number | undefined;
  readonly signal: AbortSignal;
  readonly progress?: (picks: number) => void;
}

export interface Picked {
  readonly picks: readonly FilePick[];
  readonly informative: boolean;
  readonly labels: readonly ExploredLabel[] | undefined;
}

/** The vectors of one label, or of the whole file. */
interface Turn {
  readonly label: string | undefined;
  readonly count: number;
  readonly greedy: GreedyVariance | IntegratedVariance;
  picks: number;
}

/**
 * Picks by a criterion; with labels, these take turns, each with its own Gaussian process.
 *
 * Turns are in the order of the labels' names, that of `first` before them; a label that has no record left is passed over. So labels have
 * equal shares to within one pick, as far as they have records. Rejects with the signal's reason.
 */
export async function pickByLabel(vectors: FileVectors, options: PickOptions): Promise<Picked> {
  const turns = turnsOf(vectors, options);
  const picks: FilePick[] = [];
  let first = options.first;
  for (let next = 0; picks.length < options.pick; next++) {
    const turn = turns[next % turns.length];
    if (turn === undefined || turn.greedy.remaining === 0) continue;
    const { index, variance } = turn.greedy.next(first);
    first = undefined;
    turn.picks += 1;
    picks.push({ index: vectors.rows[index] ?? 0, variance, ...(turn.label !== undefined && { label: turn.label }) });
    options.progress?.(picks.length);
    // a pick can take a second: signals are heard between two
    await setImmediate();
    options.signal.throwIfAborted();
  }
  const labels = turns.flatMap(({ label, count, picks, greedy: { informative } }) =>
    label === undefined ? [] : [{ label, count, picks, informative }],
  );
  const informative = turns.some(({ greedy }) => greedy.informative);
  return { picks, informative, labels: labels.length === 0 ? undefined : labels };
}

function turnsOf({ points, labels }: FileVectors, { criterion, lengthScale, seed, first }: PickOptions): Turn[] {
  const Greedy = criterion === 'integrated' ? IntegratedVariance : GreedyVariance;
  const common = { points, bandwidth: lengthScale, seed };
  if (labels === null) return [{ label: undefined, count: points.size, greedy: new Greedy(common), picks: 0 }];
  const places = new Map<string, number[]>();
  for (const [place, label] of labels.entries()) {
    const own = places.get(label);
    if (own === undefined) places.set(label, [place]);
    else own.push(place);
  }
  const opening = first === undefined ? undefined : labels[first];
  const byName = [...places].sort(([a], [b]) => Number(b === opening) - Number(a === opening) || (a < b ? -1 : 1));
  return byName.map(([label, own]) => {
    const greedy = new Greedy({ ...common, rows: Uint32Array.from(own) });
    return { label, count: own.length, greedy, picks: 0 };
  });
}
