/** How fast the two averages of a `Newma` forget. */
export interface NewmaFactors {
  /** Of the quick one, in (0, 1). */
  readonly quick: number;
  /** Of the slow one, below it. */
  readonly slow: number;
}

const mostSteps = 100;

/**
 * The factors for changes of about `window` items: slow (1 - slow)^window = quick (1 - quick)^window.
 *
 * With them the averages differ, as two windows of that size one behind the other do, most by what the newest `window` items have brought (Keriven,
 * Garreau and Poli 2020). The quick one is halfway between the least possible, 1 / (window + 1), and the least of the paper's error bound over a grid of
 * 1,000. Throws `TypeError` for a window below 2.
 */
export function newmaFactors(window: number): NewmaFactors {
  if (!Number.isSafeInteger(window) || window < 2) {
    throw new TypeError(`window: expected an integer from 2, got ${window}`);
  }
  const equal = 1 / (window + 1);
  const [from, to] = [Math.log(1.001 * equal), -0.01];
  let best = { quick: equal, bound: Number.POSITIVE_INFINITY };
  for (let point = 0; point < 1000; point++) {
    const quick = Math.exp(from + (point / 999) * (to - from));
    const bound = errorBound(quick, slowFor(quick, window), window);
    if (bound < best.bound) best = { quick, bound };
  }
  const quick = (best.quick + equal) / 2;
  return { quick, slow: slowFor(quick, window) };
}

/** The other solution of x (1 - x)^window = quick (1 - quick)^window, below 1 / (window + 1): Newton's steps on the logarithms, from below. */
function slowFor(quick: number, window: number): number {
  const wanted = Math.log(quick) + window * Math.log1p(-quick);
  // the logarithm is concave and rises up to 1 / (window + 1): no step goes beyond the solution
  let x = Math.exp(wanted);
  for (let step = 0; step < mostSteps; step++) {
    const next = x + (wanted - Math.log(x) - window * Math.log1p(-x)) / (1 / x - window / (1 - x));
    if (!(next > x)) break;
    x = next;
  }
  return x;
}

function errorBound(quick: number, slow: number, window: number): number {
  const [old, older] = [(1 - quick) ** window, (1 - slow) ** window];
  return (Math.sqrt(quick + slow) + older ** 2 - old ** 2) / (older - old);
}
