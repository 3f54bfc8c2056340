/** What a `BettingTest` consists of. */
export interface BettingState {
  /** Pairs that were bet on. */
  readonly pairs: number;
  /** The natural logarithm of the wealth, which starts at 1. */
  readonly logWealth: number;
  /** The greatest that `logWealth` has been. */
  readonly peakLogWealth: number;
  /** The next bet, from 0 to 1/2. */
  readonly bet: number;
  /** The sum of squared gradients of the bets, from 1. */
  readonly curvature: number;
  /** The running mean of the squared witness, which sets its scale. */
  readonly meanSquare: number;
}

const start: BettingState = { pairs: 0, logWealth: 0, peakLogWealth: 0, bet: 0, curvature: 1, meanSquare: 0 };
/** Of the online Newton step for bets of at most a half. */
const stepSize = 2 / (2 - Math.log(3));
const greatestBet = 0.5;

/**
 * Whether two streams differ at all, looked at after each pair for ever: the chance of a false alarm is at most alpha in all.
 *
 * Two-sample testing by betting (Shekhar and Ramdas). The witness is the difference of the mean features of both streams over the
 * pairs so far; a pair (x, y) gains g = (w(x) - w(y)) / 2 with w in [-1, 1], scaled and clipped by what was seen before. Witness, scale
 * and bet are fixed before the pair is looked at, so where both streams are one, no bet wins on average: the wealth, the product of
 * 1 + bet x g, is a martingale from 1, and reaches 1 / alpha with probability alpha at most (Ville). Bets by the online Newton step.
 *
 * Holds for pairs that are exchangeable given those before: feed one item of a group that was written together, no item twice.
 * Memory: a float32 vector and six numbers. O(length) a pair.
 *
 * @example
 * ```ts
 * const test = new BettingTest({ length: 2 * features.frequencies, alpha: 0.05 });
 * test.push(phiOfReal, phiOfSample);
 * if (test.rejected) console.log('samples differ from real records');
 * ```
 */
export class BettingTest {
  readonly #alpha: number;
  /** The sum of differences, not scaled: rounded to float32 at each pair, so that a stored one goes on to the same bit. */
  readonly witness: Float32Array;
  #state: BettingState;

  /** Goes on from a state and its witness `[length]`. Throws `TypeError` for an alpha outside of (0, 1). */
  constructor(
    { length, alpha }: { readonly length: number; readonly alpha: number },
    state: BettingState = start,
    witness: Float32Array = new Float32Array(length),
  ) {
    if (!(alpha > 0 && alpha < 1)) throw new TypeError(`alpha: expected a number between 0 and 1, got ${alpha}`);
    if (witness.length !== length) throw new TypeError(`witness: expected ${length} numbers, got ${witness.length}`);
    this.#alpha = alpha;
    this.#state = state;
    this.witness = new Float32Array(witness);
  }

  get state(): BettingState {
    return this.#state;
  }

  /** Whether the wealth has ever reached 1 / alpha: by the alpha of this test, also where the state is of one with another. */
  get rejected(): boolean {
    return this.#state.peakLogWealth >= -Math.log(this.#alpha);
  }

  /** Bets on one pair of feature vectors `[length]`, then learns from it. Throws `TypeError` where a number is not finite. */
  push(real: Float64Array, synthetic: Float64Array): void {
    const { witness } = this;
    let [norm, atReal, atSynthetic] = [0, 0, 0];
    for (let i = 0; i < witness.length; i++) {
      const w = witness[i] ?? 0;
      norm += w * w;
      atReal += w * (real[i] ?? Number.NaN);
      atSynthetic += w * (synthetic[i] ?? Number.NaN);
    }
    if (!Number.isFinite(atReal + atSynthetic))
      throw new TypeError('features: expected finite numbers, as many as asked');
    const length = Math.sqrt(norm) || 1;
    this.#bet(atReal / length, atSynthetic / length);
    for (let i = 0; i < witness.length; i++) witness[i] = (witness[i] ?? 0) + ((real[i] ?? 0) - (synthetic[i] ?? 0));
  }

  #bet(atReal: number, atSynthetic: number): void {
    const { pairs, logWealth, peakLogWealth, bet, curvature, meanSquare } = this.#state;
    const scale = 2 * Math.sqrt(meanSquare);
    const gain = scale > 0 ? (clipped(atReal / scale) - clipped(atSynthetic / scale)) / 2 : 0;
    const gradient = gain / (1 + bet * gain);
    const nextCurvature = curvature + gradient ** 2;
    const wealth = logWealth + Math.log1p(bet * gain);
    const square = (atReal ** 2 + atSynthetic ** 2) / 2;
    this.#state = {
      pairs: pairs + 1,
      logWealth: wealth,
      peakLogWealth: Math.max(peakLogWealth, wealth),
      bet: Math.min(greatestBet, Math.max(0, bet + (stepSize * gradient) / nextCurvature)),
      curvature: nextCurvature,
      // a mean that goes on to follow the witness, as it grows sharper
      meanSquare: meanSquare + (square - meanSquare) / Math.min(pairs + 1, scaleMemory),
    };
  }
}

/** Pairs that the scale of the witness is a mean over. */
const scaleMemory = 64;

function clipped(value: number): number {
  return Math.max(-1, Math.min(1, value));
}
