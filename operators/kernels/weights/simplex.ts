/** Rounds of the search below before it must have ended: bisection alone would take about 60. */
const mostRounds = 300;
/** How far from 1 the sum of a projection may stay. */
const sumTolerance = 1e-14;

/**
 * The nearest point of the simplex: the weights from 0 to `cap` that add up to 1, closest to `values`.
 *
 * Exact but for rounding: each is clip(value - shift, 0, cap) for the one `simplexShift`. Written to `into` where that is given, which may
 * be `values` itself. O(n) a round, about ten rounds. Duchi et al. 2008 without a cap. Throws `TypeError` for no values, one that is not
 * finite, and a cap under 1 / n, with which no weights add up to 1.
 *
 * @example
 * ```ts
 * projectToSimplex(Float64Array.of(0.9, 0.5, -1)); // 0.7, 0.3, 0
 * projectToSimplex(Float64Array.of(0.9, 0.5, -1), 0.6); // 0.6, 0.4, 0
 * ```
 */
export function projectToSimplex(
  values: Float64Array,
  cap = Number.POSITIVE_INFINITY,
  into: Float64Array = new Float64Array(values.length),
): Float64Array {
  const shift = simplexShift(values, cap);
  for (let i = 0; i < values.length; i++) into[i] = Math.min(cap, Math.max(0, (values[i] ?? 0) - shift));
  return into;
}

/**
 * What is taken from all values so that, cut to 0 and `cap`, they add up to 1; as `projectToSimplex`.
 *
 * The sum is piecewise linear in the shift and falls: Newton's method within a bracket, which is exact once it is on the right piece,
 * and every fourth round a bisection, since with a cap the sum is neither convex nor concave.
 */
export function simplexShift(values: Float64Array, cap = Number.POSITIVE_INFINITY): number {
  const { length } = values;
  checkCap(length, cap);
  const share = 1 / length;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  let total = 0;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
    total += value;
  }
  if (!Number.isFinite(total)) throw new TypeError('values: expected finite numbers');
  // at `low` the sum is 1 or more, at `high` it is 0
  low -= share;
  let shift = Math.max(low, total / length - share);
  for (let round = 1; round <= mostRounds; round++) {
    let sum = 0;
    let free = 0;
    for (let i = 0; i < length; i++) {
      const above = (values[i] ?? 0) - shift;
      if (above >= cap) sum += cap;
      else if (above > 0) {
        sum += above;
        free++;
      }
    }
    const excess = sum - 1;
    if (excess >= 0) low = shift;
    else high = shift;
    const newton = free === 0 ? Number.NaN : shift + excess / free;
    if (Math.abs(excess) <= sumTolerance || newton === shift) return free === 0 ? shift : newton;
    const isInside = newton > low && newton < high;
    const next = isInside && round % 4 !== 0 ? newton : (low + high) / 2;
    if (next === shift || next === low || next === high) return next;
    shift = next;
  }
  return shift;
}

/**
 * The least that weights from 0 to `cap` which add up to 1 can cost: the cheapest items take the cap until nothing is left.
 *
 * The linear step of Frank and Wolfe. O(n log n). Throws as `projectToSimplex` does.
 */
export function leastCost(costs: Float64Array, cap = Number.POSITIVE_INFINITY): number {
  checkCap(costs.length, cap);
  let left = 1;
  let total = 0;
  for (const cost of costs.toSorted()) {
    const weight = Math.min(cap, left);
    total += weight * cost;
    left -= weight;
    if (left <= 0) break;
  }
  return total;
}

function checkCap(length: number, cap: number): void {
  if (length === 0) throw new TypeError('values: expected at least one');
  // 1 / n as a float may be a little less than 1 / n
  if (!(cap * length >= 1 - 1e-12)) {
    throw new TypeError(`cap: expected at least 1 / ${length}, with which ${length} weights add up to 1, got ${cap}`);
  }
}
