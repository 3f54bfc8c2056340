import type { ExploreStep } from '../../../schemas/steps/synalign.js';
import type { Explored } from './candidate.js';

/** Variance of the noise of what was just seen. */
export const freshNoise = 1e-6;
/** In half-lives: from here on a pick is forgotten, being known to less than a thousandth. */
const forgotten = 10;
/** Of the inducing set, the part that goes at once when it is full, so that the factor is seldom built anew. */
export const thinning = 8;

/** Variance of the noise of a pick of this age, in picks: 1e-6 + 2^(age / halfLife) - 1. */
export function noiseAt(age: number, halfLife: number): number {
  return freshNoise + Math.expm1((Math.LN2 * age) / halfLife);
}

/** The places of the picks that go at the time `now`: those long faded and, where the set is full, its least informative eighth. */
export function leastUseful(
  explored: readonly Explored[],
  now: number,
  { inducing, halfLife }: Pick<ExploreStep, 'inducing' | 'halfLife'>,
  informationOf: () => Float64Array,
): ReadonlySet<number> {
  const gone = new Set<number>();
  for (const [i, { born }] of explored.entries()) {
    if (now - born > forgotten * halfLife) gone.add(i);
  }
  if (explored.length - gone.size < inducing) return gone;
  const information = informationOf();
  const byUse = [...information.keys()].sort((a, b) => (information[a] ?? 0) - (information[b] ?? 0) || a - b);
  for (const i of byUse.slice(0, Math.max(1, Math.floor(inducing / thinning)))) gone.add(i);
  return gone;
}
