import { squaredDistanceOf } from '../../kernels/vector-distance.js';
import type { Candidate } from './candidate.js';

/** Copies that are passed over on the way to neighbours that are none. */
const mostCopies = 64;

/**
 * The candidates nearest to one of them, nearest first; copies of it, or of each other, come behind all others. At most `count`, and all
 * different. O(candidates x dimensions).
 */
export function nearestCandidates(
  centre: Candidate,
  others: readonly Candidate[],
  count: number,
): readonly Candidate[] {
  const distances = Float64Array.from(others, (other) => squaredDistanceOf(other.embedding, centre.embedding));
  distances[others.indexOf(centre)] = Number.POSITIVE_INFINITY;
  const prints = new Set([centre.print]);
  const fresh: Candidate[] = [];
  const copies: Candidate[] = [];
  while (fresh.length < count && copies.length < mostCopies + count) {
    const least = leastOf(distances);
    const next = others[least];
    if (next === undefined) break;
    distances[least] = Number.POSITIVE_INFINITY;
    (prints.has(next.print) ? copies : fresh).push(next);
    prints.add(next.print);
  }
  return [...fresh, ...copies].slice(0, Math.max(0, count));
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
