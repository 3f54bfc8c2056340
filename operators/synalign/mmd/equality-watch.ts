import { z } from 'zod';

import { fromBase64, toBase64 } from '../../../schemas/codec.js';
import type { Correction } from '../../../schemas/correction.js';
import { HeadwaterError } from '../../../schemas/errors.js';
import type { Changes } from '../../flow/outcome.js';
import { leadingFeatures } from '../../kernels/mmd/leading-features.js';
import { BettingTest } from '../../kernels/sequential/betting.js';
import type { EmbeddingWindow } from './embedding-window.js';

/** The two windows that pairs come from, and how sure the test must be. */
export interface EqualityWatchOptions {
  readonly real: EmbeddingWindow;
  readonly synthetic: EmbeddingWindow;
  /** Whether a sample, by its number, was written together with an earlier one of the window. */
  readonly isSibling: (number: number) => boolean;
  readonly frequencies: number;
  readonly alpha: number;
  readonly memory: ReadonlyMap<string, unknown>;
}

/** The test needs few; its memory is written at each pair. */
const mostFrequencies = 128;

const count = z.int().nonnegative();
const stored = z.object({
  nextReal: count,
  nextSample: count,
  pairs: count,
  logWealth: z.number(),
  peakLogWealth: z.number(),
  bet: z.number(),
  curvature: z.number(),
  meanSquare: z.number(),
});

/**
 * Whether samples differ from real records at all: a betting test on pairs of one real record and one sample, each used once.
 *
 * Pairs are made in order of arrival; what leaves its window unpaired is passed over, and so are samples that were written together with an
 * earlier one, as those are not independent of it. Under `equality` and `equality/witness` in the memory: 1.4 kB a pair.
 */
export class EqualityWatch {
  readonly #options: EqualityWatchOptions;
  readonly #phi: readonly [real: Float64Array, synthetic: Float64Array];
  #test: BettingTest;
  #nextReal: number;
  #nextSample: number;

  /** Begins with what comes next, or goes on where the memory has a test. */
  constructor(options: EqualityWatchOptions) {
    const { real, synthetic, frequencies, memory } = options;
    const length = 2 * Math.min(frequencies, mostFrequencies);
    this.#options = options;
    this.#phi = [new Float64Array(length), new Float64Array(length)];
    this.#nextReal = real.seen;
    this.#nextSample = synthetic.seen;
    this.#test = this.#fresh();
    const state = memory.get('equality') ?? undefined;
    if (state !== undefined) this.#restore(state, memory.get('equality/witness'));
  }

  /** Starts over with what comes from now on, or with the real record `nextReal`. Returns what the memory must hold. */
  restart(nextReal = this.#options.real.seen): Changes {
    this.#nextReal = nextReal;
    this.#nextSample = this.#options.synthetic.seen;
    this.#test = this.#fresh();
    return this.changes();
  }

  /** Makes the pairs that an arrival has made possible. Returns what the memory must hold. */
  arrived(): Changes {
    const { real, synthetic, isSibling } = this.#options;
    let moved = false;
    for (;;) {
      this.#nextReal = Math.max(this.#nextReal, real.oldest);
      this.#nextSample = Math.max(this.#nextSample, synthetic.oldest);
      while (this.#nextSample < synthetic.seen && isSibling(this.#nextSample)) this.#nextSample++;
      if (this.#nextReal >= real.seen || this.#nextSample >= synthetic.seen) break;
      const [ofReal, ofSample] = this.#phi;
      leadingFeatures(real.featuresOf(this.#nextReal++), ofReal);
      leadingFeatures(synthetic.featuresOf(this.#nextSample++), ofSample);
      this.#test.push(ofReal, ofSample);
      moved = true;
    }
    return moved ? this.changes() : [];
  }

  /** What the memory must hold. */
  changes(): Changes {
    const state = { nextReal: this.#nextReal, nextSample: this.#nextSample, ...this.#test.state };
    return [
      ['equality', state],
      ['equality/witness', toBase64(this.#test.witness)],
    ];
  }

  report(): NonNullable<Correction['equality']> {
    const { logWealth, pairs } = this.#test.state;
    return { logWealth, pairs, alpha: this.#options.alpha, rejected: this.#test.rejected };
  }

  #fresh(): BettingTest {
    return new BettingTest({ length: this.#phi[0].length, alpha: this.#options.alpha });
  }

  #restore(state: unknown, encoded: unknown): void {
    const found = stored.safeParse(state);
    const witness = typeof encoded === 'string' ? fromBase64(encoded) : undefined;
    const length = this.#phi[0].length;
    if (!found.success || witness === undefined) {
      throw new HeadwaterError('record-invalid', 'the memory holds a test of equality that cannot be read');
    }
    // another number of frequencies is another test, which begins with what comes next
    if (witness.length !== length) return;
    const { nextReal, nextSample, ...bets } = found.data;
    this.#nextReal = nextReal;
    this.#nextSample = nextSample;
    this.#test = new BettingTest({ length, alpha: this.#options.alpha }, bets, witness);
  }
}
