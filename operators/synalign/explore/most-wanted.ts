import { judgedNoise } from '../../kernels/gaussian-process/integrated-variance.js';
import { hashFloat, hashUint32 } from '../../kernels/random.js';
import type { Candidate } from './candidate.js';
import type { UncertaintyTracker } from './uncertainty-tracker.js';

export interface Wanted {
  readonly tracker: UncertaintyTracker;
  readonly candidate: Candidate;
  readonly variance: number;
  readonly demand: number;
}

export interface WantedOptions {
  /** Whose candidates can be picked; those of two are independent. */
  readonly pool: readonly UncertaintyTracker[];
  readonly criterion: 'integrated' | 'variance';
  /** Of equal candidates, and of those that are looked at. */
  readonly seed: number;
  readonly demandAt: (embedding: Float32Array) => number;
}

/** Candidates that a pick is judged by, and that are judged, at most: of more, as many spread over all. */
const evaluated = 128;
const judged = 128;
/** Scores that differ by a smaller share are equal. */
const tieShare = 1e-9;

/**
 * The candidate that is picked next; undefined where there is none. Of equal ones a hash of the seed decides.
 *
 * `variance`: the greatest variance x demand. `integrated`: the greatest sum_j m_j demand_j c_j(p)^2 / (v(p) + 1e-3), which is the variance that pick p
 * takes from the real distribution, by up to 128 candidates j that each stand for m_j real records. Then up to 128 candidates are judged, others
 * at each draw (stochastic greedy, Mirzasoleiman et al. 2015): O(evaluated judged (m + dimensions)).
 */
export function mostWanted(options: WantedOptions): Wanted | undefined {
  const all = options.pool.flatMap((tracker) => tracker.candidates.map((candidate) => ({ tracker, candidate })));
  const isIntegrated = options.criterion === 'integrated';
  const looked = isIntegrated ? spread(all, judged, hashFloat(options.seed, 'judged')) : all;
  const scoreOf = isIntegrated ? reduction(all, options) : varianceTimesDemand;
  let best: Wanted | undefined;
  let score = Number.NEGATIVE_INFINITY;
  let rank = 0;
  for (const { tracker, candidate } of looked) {
    const variance = candidate.projection?.variance ?? 1;
    const wanted: Wanted = { tracker, candidate, variance, demand: options.demandAt(candidate.embedding) };
    const own = scoreOf(wanted);
    if (own < score * (1 - tieShare)) continue;
    const ownRank = hashUint32(options.seed, candidate.example.id);
    if (own <= score * (1 + tieShare) && ownRank >= rank) continue;
    best = wanted;
    score = own;
    rank = ownRank;
  }
  return best;
}

function varianceTimesDemand({ variance, demand }: Wanted): number {
  return variance * demand;
}

type Placed = Pick<Wanted, 'tracker' | 'candidate'>;

/** What a pick takes from the variances of the real distribution, each weighted by what is missing there. */
function reduction(all: readonly Placed[], { seed, demandAt }: WantedOptions): (wanted: Wanted) => number {
  const points = spread(all, evaluated, hashFloat(seed, 'evaluated')).map(({ tracker, candidate }) => {
    return { tracker, candidate, weight: tracker.massOf(candidate) * demandAt(candidate.embedding) };
  });
  return ({ tracker, candidate, variance }) => {
    let sum = 0;
    for (const point of points) {
      if (point.tracker === tracker) sum += point.weight * tracker.covariance(point.candidate, candidate) ** 2;
    }
    return sum / (variance + judgedNoise);
  };
}

/** As many of them as wanted, evenly spread from a start in [0, 1). */
function spread(all: readonly Placed[], count: number, start: number): readonly Placed[] {
  if (all.length <= count) return all;
  return Array.from({ length: count }, (_, i) => all[Math.floor(((i + start) * all.length) / count)]).flatMap(
    (one) => one ?? [],
  );
}
