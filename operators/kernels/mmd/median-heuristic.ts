import { allRows, drawToFront } from '../draw-rows.js';
import { type Points, squaredDistance } from '../points.js';
import { randomFrom } from '../random.js';

/** Which points the median is taken over. */
export interface MedianHeuristicOptions {
  /**
   * Points that are looked at; of more, as many are drawn without replacement. Cost and memory grow with its square.
   * @default 512
   */
  readonly maxPoints?: number;
  /**
   * Of the draw.
   * @default 0
   */
  readonly seed?: number;
}

/**
 * A bandwidth from the distances within a sample: sqrt(median(d^2) / 2).
 *
 * So k(x, y) = exp(-d^2 / median(d^2)), and two points at the median distance have k = 1/e. The median is over all pairs of
 * different points (of an even number, the mean of the middle two). Where most pairs coincide it is over the pairs that do
 * not; where all do, the result is 1. Use it on real data only: synthetic data must not move the ruler that it is held against.
 * Throws `TypeError` for fewer than two points or a distance that is not a number.
 */
export function medianHeuristic(points: Points, options: MedianHeuristicOptions = {}): number {
  const { maxPoints = 512, seed = 0 } = options;
  if (points.size < 2) throw new TypeError(`points: expected at least 2, got ${points.size}`);
  if (!Number.isInteger(maxPoints) || maxPoints < 2) {
    throw new TypeError(`maxPoints: expected an integer from 2, got ${maxPoints}`);
  }
  const all = allRows(points.size);
  const rows = points.size <= maxPoints ? all : drawToFront(all, maxPoints, randomFrom(seed));
  const distances = new Float64Array((rows.length * (rows.length - 1)) / 2);
  let filled = 0;
  for (const [i, row] of rows.entries()) {
    for (const other of rows.subarray(0, i)) distances[filled++] = squaredDistance(points, row, points, other);
  }
  distances.sort();
  if (!Number.isFinite(distances.at(-1))) throw new TypeError('points: expected finite numbers');
  const median = medianOfSorted(distances) || medianOfSorted(distances.subarray(distances.lastIndexOf(0) + 1));
  return median === 0 ? 1 : Math.sqrt(median / 2);
}

function medianOfSorted(sorted: Float64Array): number {
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}
