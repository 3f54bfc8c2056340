import { judgedNoise } from '../../kernels/gaussian-process/integrated-variance.js';
import { hashFloat, hashUint32 } from '../../kernels/random.js';
import type { Candidate } from './candidate.js';
import { evaluated, type TakenVariance } from './taken-variance.js';
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
  /** For `integrated`. */
  readonly taken: TakenVariance;
}

/** Candidates that are judged at most: of more, as many spread over all. */
const judged = 128;
/** Scores that differ by a smaller share are equal: above the rounding of float32. */
const tieShare = 1e-6;

/**
 * The candidate that is picked next; undefined where there is none. Of equal ones a hash of the seed decides.
 *
 * `variance`: the greatest variance x demand. `integrated`: the greatest sum_j m_j demand_j c_j(p)^2 / (v(p) + 1e-3), which is the variance that pick p
 * takes from the real distribution, by up to 128 candidates j that each stand for m_j real records. Then up to 128 candidates are judged, others
 * at each draw (stochastic greedy, Mirzasoleiman et al. 2015): O(evaluated judged (m + dimensions)).
 */
export function mostWanted(options: WantedOptions): Wanted | undefined {
  const all = new Pool(options.pool);
  const isIntegrated = options.criterion === 'integrated';
  const looked = all.spread(isIntegrated ? judged : all.size, hashFloat(options.seed, 'judged'));
  const wanted = looked.map(({ tracker, candidate }): Wanted => {
    const variance = tracker.process.varianceOf(candidate);
    return { tracker, candidate, variance, demand: options.demandAt(candidate.embedding) };
  });
  const scores = isIntegrated ? reductions(all, wanted, options) : wanted.map((one) => one.variance * one.demand);
  let best: Wanted | undefined;
  let score = Number.NEGATIVE_INFINITY;
  let rank = 0;
  for (const [i, own] of scores.entries()) {
    const one = wanted[i];
    if (one === undefined || own < score * (1 - tieShare)) continue;
    const ownRank = hashUint32(options.seed, one.candidate.example.id);
    if (own <= score * (1 + tieShare) && ownRank >= rank) continue;
    best = one;
    score = own;
    rank = ownRank;
  }
  return best;
}

/** What each takes from the variances of the real distribution, each weighted by what is missing there. */
function reductions(all: Pool, wanted: readonly Wanted[], options: WantedOptions): readonly number[] {
  const points = all.spread(evaluated, hashFloat(options.seed, 'evaluated'));
  const sums = new Map<Wanted, number>();
  for (const tracker of options.pool) {
    const own = wanted.filter((one) => one.tracker === tracker);
    const weighted = points.flatMap(({ tracker: of, candidate }) =>
      of === tracker ? [{ candidate, weight: of.massOf(candidate) * options.demandAt(candidate.embedding) }] : [],
    );
    const taken = options.taken.by(
      own.map(({ candidate }) => candidate),
      weighted,
      tracker.process.posterior,
    );
    for (const [i, one] of own.entries()) sums.set(one, taken[i] ?? 0);
  }
  return wanted.map((one) => (sums.get(one) ?? 0) / (one.variance + judgedNoise));
}

type Placed = Pick<Wanted, 'tracker' | 'candidate'>;

/** The candidates of all trackers, one behind the other. */
class Pool {
  readonly size: number;

  constructor(private readonly trackers: readonly UncertaintyTracker[]) {
    this.size = trackers.reduce((sum, { candidates }) => sum + candidates.length, 0);
  }

  /** As many of them as wanted, evenly spread from a start in [0, 1). */
  spread(count: number, start: number): readonly Placed[] {
    const taken = Math.min(count, this.size);
    const from = taken < this.size ? start : 0;
    return Array.from({ length: taken }, (_, i) => Math.floor(((i + from) * this.size) / taken)).flatMap((place) =>
      this.#at(place),
    );
  }

  #at(place: number): readonly Placed[] {
    let left = place;
    for (const tracker of this.trackers) {
      const candidate = tracker.candidates[left];
      if (candidate !== undefined) return [{ tracker, candidate }];
      left -= tracker.candidates.length;
    }
    return [];
  }
}
