import { kernelRowSums, kernelSum } from '../../operators/kernels/mmd/gram.js';
import type { Points } from '../../operators/kernels/points.js';
import { HeadwaterError } from '../../schemas/errors.js';
import type { Settings, Watch } from './align-options.js';
import { eachFeatures, FeatureMeans, type TwoFeatures } from './feature-means.js';
import type { HeldVectors } from './held-vectors.js';
import type { RealSide } from './real-side.js';
import { type SolvedGroup, type SolveSettings, solveExactly, solveInFeatures } from './solve-group.js';

/** All pairs of two files are at most so many where the kernel is computed for them: a second or two of work at 256 dimensions. */
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
  const { real, sample } = problem;
  const { bandwidth } = problem.features;
  const held = real.held ?? sample;
  const groups = await solveEach(problem, (label, candidates, solving) =>
    solveExactly(candidates, held.pointsAt(held.placesOf(label)), bandwidth, solving),
  );
  const [y, x] = [sample.points, held.points];
  const within = kernelSum(x, x, bandwidth) / x.size ** 2;
  const across = kernelRowSums(y, x, bandwidth);
  const distance = (weights: Float64Array) => {
    const own = kernelRowSums(y, y, bandwidth, { weights });
    return within + weights.reduce((sum, w, i) => sum + w * ((own[i] ?? 0) - (2 * (across[i] ?? 0)) / x.size), 0);
  };
  const { even, fitted } = bothWeights(sample, groups);
  return { groups, mmd2Before: distance(even), mmd2After: distance(fitted), frequencies: null };
}

async function solveAllInFeatures(problem: Problem): Promise<Solved> {
  const { real, sample, features, settings, signal } = problem;
  const means = real.means ?? (await FeatureMeans.of(features, real.held ?? sample, signal));
  const groups = await solveEach(problem, (label, candidates, solving) =>
    solveInFeatures(candidates, features.fit, means.meanOf(label), solving),
  );
  const { even, fitted } = bothWeights(sample, groups);
  const target = means.judgeMean;
  const [before, after] = [target.slice(), target.slice()];
  eachFeatures(features.judge, sample.points, (at, phi) => {
    const [a, b] = [even[at] ?? 0, fitted[at] ?? 0];
    for (let i = 0; i < phi.length; i++) {
      before[i] = (before[i] ?? 0) - a * (phi[i] ?? 0);
      after[i] = (after[i] ?? 0) - b * (phi[i] ?? 0);
    }
  });
  const squares = (vector: Float64Array) => vector.reduce((sum, value) => sum + value * value, 0);
  return { groups, mmd2Before: squares(before), mmd2After: squares(after), frequencies: settings.frequencies };
}

async function solveEach(
  problem: Problem,
  solve: (label: string | undefined, candidates: Points, solving: SolveSettings) => Promise<SolvedGroup>,
): Promise<ReadonlyMap<string | undefined, Group>> {
  const { sample, settings, signal, watch } = problem;
  const groups = new Map<string | undefined, Group>();
  for (const [label, share] of sharedLabels(problem)) {
    const places = sample.placesOf(label);
    const progress = (iterations: number, gap: number) => watch?.solving?.(label, iterations, gap);
    const group = await solve(label, sample.pointsAt(places), { ...settings, signal, progress });
    groups.set(label, { ...group, label, share, places });
  }
  return groups;
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
