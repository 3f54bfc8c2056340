/** What is asked of a stream of yes and no. */
export interface SequentialRateOptions {
  /** The rate that nothing is proved by, in (0, 1). */
  readonly null: number;
  /** The chance of ever deciding where the rate is exactly the null, in (0, 1). */
  readonly alpha: number;
}

/** What a `SequentialRate` consists of: plain numbers that survive JSON. */
export interface SequentialRateState {
  readonly count: number;
  readonly successes: number;
  /** Of the capital of a bettor without a null, natural logarithm. */
  readonly logEvidence: number;
  readonly logBelow: number;
  readonly logAbove: number;
  readonly peakBelow: number;
  readonly peakAbove: number;
  /** Once it is made, it stays. */
  readonly decision: 'undecided' | 'below' | 'above';
}

/** Where the rate may be. */
export interface RateInterval {
  readonly low: number;
  readonly high: number;
}

/** The answers that the bets start from, all at the null: the first bets are small. */
const priorAnswers = 4;
const start: SequentialRateState = {
  count: 0,
  successes: 0,
  logEvidence: 0,
  logBelow: 0,
  logAbove: 0,
  peakBelow: 0,
  peakAbove: 0,
  decision: 'undecided',
};

/**
 * A test of a rate that may be looked at after every answer, for ever: two e-processes and a confidence sequence.
 *
 * Testing by betting (Waudby-Smith and Ramdas 2024). Against "rate >= null" a capital is multiplied at each answer x by 1 + l (null - x),
 * with the stake l = (null - q) / (null (1 - null)) set before the answer is seen and q the rate so far, at most the null: where the
 * rate is at least the null no bet wins on average, so by Ville's inequality the capital ever reaches 2 / alpha with probability
 * alpha / 2 at most. The same on the other side; together the chance of any wrong decision is at most alpha. A decision, once made,
 * stays.
 *
 * The interval holds every rate m against which the capital of a bettor with the Krichevsky-Trofimov forecast is below 1 / alpha:
 * it holds the true rate at all times at once with probability 1 - alpha (Robbins 1970). O(1) memory and time.
 *
 * @example
 * ```ts
 * const rate = new SequentialRate({ null: 0.75, alpha: 0.05 });
 * for (const disguised of answers) rate.observe(disguised);
 * if (rate.decision === 'below') console.log('detectable');
 * ```
 */
export class SequentialRate {
  readonly #null: number;
  readonly #alpha: number;
  #state: SequentialRateState;

  /** Throws `TypeError` for a null or alpha outside of (0, 1). */
  constructor(options: SequentialRateOptions, state: SequentialRateState = start) {
    for (const name of ['null', 'alpha'] as const) {
      if (!(options[name] > 0 && options[name] < 1)) {
        throw new TypeError(`${name}: expected a number between 0 and 1, got ${options[name]}`);
      }
    }
    this.#null = options.null;
    this.#alpha = options.alpha;
    this.#state = state;
  }

  get state(): SequentialRateState {
    return this.#state;
  }

  get count(): number {
    return this.#state.count;
  }

  /** Successes / answers; 0 where there are none. */
  get rate(): number {
    return this.#state.count === 0 ? 0 : this.#state.successes / this.#state.count;
  }

  get decision(): SequentialRateState['decision'] {
    return this.#state.decision;
  }

  observe(success: boolean): void {
    const { count, successes, logEvidence, logBelow, logAbove, peakBelow, peakAbove, decision } = this.#state;
    const forecast = (successes + this.#null * priorAnswers) / (count + priorAnswers);
    const below = logBelow + this.#logGain(Math.min(forecast, this.#null), success);
    const above = logAbove + this.#logGain(Math.max(forecast, this.#null), success);
    const unbiased = (successes + 0.5) / (count + 1);
    this.#state = {
      count: count + 1,
      successes: successes + (success ? 1 : 0),
      logEvidence: logEvidence + Math.log(success ? unbiased : 1 - unbiased),
      logBelow: below,
      logAbove: above,
      peakBelow: Math.max(peakBelow, below),
      peakAbove: Math.max(peakAbove, above),
      decision: decision === 'undecided' ? this.#decisionAt(below, above) : decision,
    };
  }

  /** [0, 1] before the first answers. */
  interval(): RateInterval {
    const { count, successes, logEvidence } = this.#state;
    const threshold = Math.log(1 / this.#alpha);
    const isInside = (rate: number) => logEvidence - logLikelihood(rate, successes, count) < threshold;
    return {
      low: isInside(0) ? 0 : boundary(0, this.rate, isInside),
      high: isInside(1) ? 1 : boundary(1, this.rate, isInside),
    };
  }

  #decisionAt(logBelow: number, logAbove: number): SequentialRateState['decision'] {
    const needed = Math.log(2 / this.#alpha);
    if (logBelow >= needed) return 'below';
    return logAbove >= needed ? 'above' : 'undecided';
  }

  /** The logarithm of what a capital of 1 becomes when it is bet on rate q; equal to the stake's form in the class's comment. */
  #logGain(q: number, success: boolean): number {
    return Math.log(success ? q / this.#null : (1 - q) / (1 - this.#null));
  }
}

/** Half the width of the normal interval of a share of `count` answers, for one look at a number that was fixed before. */
export function fixedHalfWidth(rate: number, count: number): number {
  return 1.959963984540054 * Math.sqrt((rate * (1 - rate)) / count);
}

function logLikelihood(rate: number, successes: number, count: number): number {
  return times(successes, Math.log(rate)) + times(count - successes, Math.log1p(-rate));
}

/** 0 times anything, infinity too, is 0. */
function times(count: number, log: number): number {
  return count === 0 ? 0 : count * log;
}

/** Where, between an outside and an inside rate, the inside begins: bisection down to the last bits. */
function boundary(outside: number, inside: number, isInside: (rate: number) => boolean): number {
  let [out, within] = [outside, inside];
  for (let halving = 0; halving < 60; halving++) {
    const middle = (out + within) / 2;
    if (isInside(middle)) within = middle;
    else out = middle;
  }
  return out;
}
