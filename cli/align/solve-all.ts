import { HeadwaterError } from '../../schemas/errors.js';
import type { HeldVectors } from '../files/held-vectors.js';
import { compute } from '../threads/compute.js';
import { inParallel } from '../threads/in-parallel.js';
import type { Settings, Watch } from './align-options.js';
import { exactDistances, featureDistances } from './distance-tasks.js';
import type { TwoFeatures } from './each-features.js';
import { FeatureMeans, heldFeatureSums } from './feature-means.js';
import type { RealSide } from './real-side.js';
import { exactWeights, featureWeights, type GroupProgress, type SolvedGroup } from './solve-group.js';

/**
 * The kernel is computed for all pairs of two files while there are at most so many: some 3,000 records each, about two seconds of one processor
 * at 256 dimensions. More dimensions make it slower, and features too, so that they do not decide.
 */
const exactPairs = 2e7;

/** Both sides, and what is asked of them. */
export interface Problem {
  readonly real: RealSide;
  /** The candidates, or so many of them as are solved for together. */
  readonly sample: HeldVectors;
  readonly features: TwoFeatures;
  readonly settings: Settings;
  readonly signal: AbortSignal;
  readonly watch: Watch | undefined;
}

/** What was found for the candidates of each label that the real records have too. */
export interface Solved {
  readonly groups: ReadonlyMap<string | undefined, Group>;
  readonly mmd2Before: number;
  readonly mmd2After: number;
  readonly frequencies: number | null;
}

/** The candidates of a label. */
export interface Group extends SolvedGroup {
  readonly label: string | undefined;
  /** Of the real records whose labels the candidates have too. */
  readonly share: number;
  /** Among the sample. */
  readonly places: Uint32Array;
}

/** Weights for the candidates of each label, and what they make of the distance to the real records. */
export function solveAll(problem: Problem): Promise<Solved> {
  return isExact(problem) ? solveAllExactly(problem) : solveAllInFeatures(problem);
}

function isExact({ real, sample, settings }: Problem): boolean {
  const [n, m] = [sample.size, real.count];
  if (real.held === null || sample.seen > sample.size || settings.objective !== 'kernel') return false;
  return n * n + n * m + (m * m) / 2 <= exactPairs;
}

async function solveAllExactly(problem: Problem): Promise<Solved> {
  const { real: side, sample, settings, signal, watch } = problem;
  const { bandwidth } = problem.features;
  const held = side.held ?? sample;
  const [candidates, real] = [sample.points, held.points];
  const groups = await solveEach(problem, (label, places, options) => {
    const realPlaces = held.placesOf(label);
    return compute(exactWeights, { ...limitsOf(settings), candidates, places, real, realPlaces, bandwidth }, options);
  });
  const job = { candidates, real, bandwidth, ...bothWeights(sample, groups) };
  const { before, after } = await compute(exactDistances, job, {
    signal,
    progress: (share) => watch?.measuring?.(share),
  });
  return { groups, mmd2Before: before, mmd2After: after, frequencies: null };
}

async function solveAllInFeatures(problem: Problem): Promise<Solved> {
  const { real, sample, features, settings, signal, watch } = problem;
  const means = real.means ?? (await meansOfHeld(features, real.held ?? sample, problem));
  const candidates = sample.points;
  const withOthers = sample.seen > sample.size;
  const groups = await solveEach(problem, (label, places, options) => {
    const own = { candidates, places, features: features.fit, target: means.meanOf(label), withOthers };
    return compute(featureWeights, { ...limitsOf(settings), seed: settings.seed, ...own }, options);
  });
  const job = { candidates, features: features.judge, target: means.judgeMean, ...bothWeights(sample, groups) };
  const progress = (share: number) => watch?.measuring?.(share);
  const { before, after } = await compute(featureDistances, job, { signal, progress });
  return { groups, mmd2Before: before, mmd2After: after, frequencies: settings.frequencies };
}

/** Of records that are held. Rejects with the signal's reason. */
export async function meansOfHeld(
  features: TwoFeatures,
  { points, labels }: HeldVectors,
  { signal, watch }: Pick<Problem, 'signal' | 'watch'>,
): Promise<FeatureMeans> {
  const progress = (share: number) => watch?.averaging?.(share);
  return new FeatureMeans(features, await compute(heldFeatureSums, { features, points, labels }, { signal, progress }));
}

interface GroupOptions {
  readonly signal: AbortSignal;
  readonly progress: (progress: GroupProgress) => void;
}

/** Labels have nothing to do with one another: as many at a time as there are processors. */
async function solveEach(
  problem: Problem,
  solve: (label: string | undefined, places: Uint32Array, options: GroupOptions) => Promise<SolvedGroup>,
): Promise<ReadonlyMap<string | undefined, Group>> {
  const { sample, signal, watch } = problem;
  const groups = await inParallel([...sharedLabels(problem)], signal, async ([label, share], signal) => {
    const places = sample.placesOf(label);
    const progress = (so: GroupProgress) =>
      'share' in so ? watch?.preparing?.(label, so.share) : watch?.solving?.(label, so.iterations, so.gap);
    return { ...(await solve(label, places, { signal, progress })), label, share, places };
  });
  return new Map(groups.map((group) => [group.label, group]));
}

function limitsOf({ regularization, cap, minEffectiveShare }: Settings) {
  return { regularization, cap, minEffectiveShare };
}

/** Labels that both sides have, with their shares of the real records that have one of them. */
function sharedLabels({ real, sample, settings }: Problem): ReadonlyMap<string | undefined, number> {
  const there = sample.counts;
  const shared = [...real.counts].filter(([label]) => there.has(label));
  const total = shared.reduce((sum, [, count]) => sum + count, 0);
  if (total === 0) {
    const labels = [...real.counts.keys()].slice(0, 5).join(', ');
    const others = [...there.keys()].slice(0, 5).join(', ');
    throw new HeadwaterError(
      'input-unreadable',
      `no label of '${settings.by}' is in both files: the real ones are ${labels}, those of the candidates ${others}`,
    );
  }
  return new Map(shared.map(([label, count]) => [label, count / total]));
}

/** Of the sample: weights that are even over all candidates, and the ones that were found; each adds up to 1. */
export function bothWeights(sample: HeldVectors, groups: ReadonlyMap<string | undefined, Group>) {
  const fitted = new Float64Array(sample.size);
  for (const { places, weights, share } of groups.values()) {
    for (const [i, at] of places.entries()) fitted[at] = share * (weights[i] ?? 0);
  }
  const even = new Float64Array(sample.size);
  for (const [label, count] of sample.counts) {
    const places = sample.placesOf(label);
    for (const at of places) even[at] = count / sample.seen / places.length;
  }
  return { even, fitted };
}
