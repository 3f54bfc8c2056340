import { squaredDistanceOf } from '../../kernels/vector-distance.js';
import type { Candidate } from './candidate.js';

/** Copies that are passed over on the way to neighbours that are none. */
const mostCopies = 64;

/**
 * The candidates nearest to one of them, nearest first; copies of it, or of each other, come behind all others. At most `count`, and all
 * different. By squared distances in O(candidates x dimensions), unless the caller knows how far each is: `farness [others]`, which is overwritten.
 */
export function nearestCandidates(
  centre: Candidate,
  others: readonly Candidate[],
  count: number,
  farness: Float64Array = squaredDistances(centre, others),
): readonly Candidate[] {
  const itself = others.indexOf(centre);
  if (itself >= 0) farness[itself] = Number.POSITIVE_INFINITY;
  const prints = new Set([centre.print]);
  const fresh: Candidate[] = [];
  const copies: Candidate[] = [];
  while (fresh.length < count && copies.length < mostCopies + count) {
    const least = leastOf(farness);
    const next = others[least];
    if (next === undefined) break;
    farness[least] = Number.POSITIVE_INFINITY;
    (prints.has(next.print) ? copies : fresh).push(next);
    prints.add(next.print);
  }
  return [...fresh, ...copies].slice(0, Math.max(0, count));
}

function squaredDistances(centre: Candidate, others: readonly Candidate[]): Float64Array {
  const distances = new Float64Array(others.length);
  for (let i = 0; i < others.length; i++) {
    distances[i] = squaredDistanceOf((others[i] ?? centre).embedding, centre.embedding);
  }
  return distances;
}

/** Where the least finite value is, the first of equals; -1 where there is none. */
function leastOf(values: Float64Array): number {
  let at = -1;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    if ((values[i] ?? least) >= least) continue;
    at = i;
    least = values[i] ?? least;
  }
  return at;
}
