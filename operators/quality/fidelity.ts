import type { Across, Within } from '../kernels/diversity/neighbours.js';

/** How well one set stands in for another, by balls around their points that reach to the k-th nearest of their own set. */
export interface Fidelity {
  /** The share of real points whose ball has a synthetic point in it: 0 to 1. */
  readonly coverage: number;
  /** The coverage to expect of as many synthetic points from the real distribution itself. */
  readonly coverageExpected: number;
  /** The standard error of `coverage` as a share of independent points. */
  readonly coverageError: number;
  /** How many real balls a synthetic point is in, over k: 1 is expected where the distributions are equal; from 0, may exceed 1. */
  readonly density: number;
  /** The share of synthetic points that are in some real point's ball: 0 to 1. */
  readonly precision: number;
  /** The share of real points that are in some synthetic point's ball: 0 to 1. */
  readonly recall: number;
}

/**
 * Coverage, density, precision and recall of synthetic points (`b` of `pairs`) against real ones (`a`), all of unit norm.
 *
 * Naeem et al., "Reliable fidelity and diversity metrics for generative models", ICML 2020; precision and recall as in
 * Kynkäänniemi et al., NeurIPS 2019. Balls are closed: a copy of a real point is in that point's ball, and in those of
 * its neighbours. Coverage and precision look alike, but one outlier among the real points, with its wide ball, raises
 * precision, and leaves coverage as it is.
 */
export function fidelity(pairs: Across, neighbours: number, real: Within): Fidelity {
  const reals = pairs.nearestOfA.length;
  const synthetics = pairs.nearestOfB.length;
  const covered = pairs.nearestOfA.reduce((sum, nearest, i) => sum + (nearest >= (real.rim[i] ?? 1) ? 1 : 0), 0);
  const coverage = covered / reals;
  return {
    coverage,
    coverageExpected: expectedCoverage(reals, synthetics, neighbours),
    coverageError: Math.sqrt((coverage * (1 - coverage)) / reals),
    density: pairs.ballHits / (neighbours * synthetics),
    precision: pairs.bInBalls / synthetics,
    recall: pairs.aInBalls / reals,
  };
}

/**
 * The coverage of `synthetics` points by the distribution of the `reals` points: whatever that is, as long as no two
 * distances are equal.
 *
 * A point stays uncovered where the k nearest among all others are real: 1 - prod (reals - 1 - i) / (reals - 1 + synthetics - i).
 */
export function expectedCoverage(reals: number, synthetics: number, neighbours: number): number {
  let uncovered = 1;
  for (let i = 0; i < neighbours; i++) uncovered *= (reals - 1 - i) / (reals - 1 + synthetics - i);
  return 1 - uncovered;
}
