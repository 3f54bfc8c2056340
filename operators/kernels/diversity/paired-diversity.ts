import type { Points } from '../points.js';

/** Whether the second of paired sets is as diverse as the first. */
export interface PairedDiversity {
  readonly pairs: number;
  /** Of a vector and its partner, on average. */
  readonly cosine: number;
  /** Mean pairwise cosine within the first set, and within the second; 0 under two pairs. */
  readonly before: number;
  readonly after: number;
  /** after - before: above 0, the second set is more alike. */
  readonly difference: number;
  /** Of the difference, by the jackknife over pairs; null under three. */
  readonly standardError: number | null;
  /** Of no difference, two-sided, normal; null where there is no standard error, or it is 0. */
  readonly pValue: number | null;
}

/**
 * The paired check that refining preserves diversity: mean pairwise cosine of drafts against that of refined texts.
 *
 * Row i of one set belongs to row i of the other. Both means are over the same pairs of indices, so what the texts have in common
 * cancels. With c_i the mean of cos(after_i, after_j) - cos(before_i, before_j) over j, the difference D is the mean of c_i, leaving i
 * out gives (n D - 2 c_i) / (n - 2), and the jackknife variance is (n - 1) / n x 4 / (n - 2)^2 x sum (c_i - D)^2 (Efron and Stein 1981;
 * D is a difference of two U-statistics). Where the mean cosine is
 * near 0 the standard error is too large, so the test too careful. A figure of one look: of many looks, one in twenty is below p = 0.05. Rows are unit vectors;
 * zero rows on either side must be left out by the caller. O(n d) time, O(n + d) memory.
 */
export function pairedDiversity(before: Points, after: Points): PairedDiversity {
  const { size, dimensions } = before;
  if (after.size !== size || after.dimensions !== dimensions) {
    throw new TypeError(`points: expected pairs, got ${size} x ${dimensions} and ${after.size} x ${after.dimensions}`);
  }
  const first = othersOf(before);
  const second = othersOf(after);
  const difference = second.mean - first.mean;
  let squares = 0;
  for (let i = 0; i < size; i++) squares += ((second.each[i] ?? 0) - (first.each[i] ?? 0) - difference) ** 2;
  const standardError = size < 3 ? null : Math.sqrt((((size - 1) / size) * 4 * squares) / (size - 2) ** 2);
  return {
    pairs: size,
    cosine: meanOfPartners(before, after),
    before: first.mean,
    after: second.mean,
    difference,
    standardError,
    pValue: standardError === null || standardError === 0 ? null : twoSided(difference / standardError),
  };
}

/** Mean dot product of each row with all the others, and the mean of these. */
function othersOf({ data, size, dimensions }: Points): { readonly each: Float64Array; readonly mean: number } {
  const each = new Float64Array(size);
  if (size < 2) return { each, mean: 0 };
  const sum = new Float64Array(dimensions);
  for (let row = 0; row < size; row++) {
    for (let k = 0; k < dimensions; k++) sum[k] = (sum[k] ?? 0) + (data[row * dimensions + k] ?? 0);
  }
  let total = 0;
  for (let row = 0; row < size; row++) {
    let others = 0;
    for (let k = 0; k < dimensions; k++) {
      const x = data[row * dimensions + k] ?? 0;
      others += x * ((sum[k] ?? 0) - x);
    }
    each[row] = others / (size - 1);
    total += others / (size - 1);
  }
  return { each, mean: total / size };
}

function meanOfPartners(a: Points, b: Points): number {
  let total = 0;
  for (let i = 0; i < a.size * a.dimensions; i++) total += (a.data[i] ?? 0) * (b.data[i] ?? 0);
  return a.size === 0 ? 0 : total / a.size;
}

/** 2 (1 - Phi(|z|)), by the rational approximation 7.1.26 of Abramowitz and Stegun; off by less than 2e-7. */
function twoSided(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const polynomial = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return polynomial * Math.exp(-x * x);
}
