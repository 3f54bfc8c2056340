import { HeadwaterError } from '../../../schemas/errors.js';
import type { Changes } from '../../flow/outcome.js';
import { hashFloat } from '../../kernels/random.js';

export interface SystematicCopiesOptions {
  /** Of the running sum in the memory. */
  readonly key: string;
  /** The offset is drawn from the seed and the key. */
  readonly seed: number;
  readonly memory: ReadonlyMap<string, unknown>;
}

/**
 * Weights in, whole numbers of copies out: systematic resampling of a stream.
 *
 * The weights are laid end to end from a random offset in [0, 1); a weight gets as many copies as there are whole numbers that it passes. So their
 * expected number is the weight, each is the weight rounded down or up, and the sum of all copies so far never differs by 1 or more from that of
 * the weights; rounded one by one, the difference would grow with the root of their number. Kept: what of the sum is behind the last whole
 * number, 8 bytes. Kitagawa 1996, without a last weight. Throws `record-invalid` where the memory is damaged.
 */
export class SystematicCopies {
  readonly #key: string;
  /** The offset and all weights so far, less the copies: in [0, 1). */
  #rest: number;

  constructor({ key, seed, memory }: SystematicCopiesOptions) {
    this.#key = key;
    const stored = memory.get(key) ?? hashFloat(seed, 'copies', key);
    if (typeof stored !== 'number' || !(stored >= 0 && stored < 1)) {
      throw new HeadwaterError('record-invalid', `the memory of copies is damaged at '${key}'`);
    }
    this.#rest = stored;
  }

  /** The copies of the next weight, a finite number from 0. */
  of(weight: number): { readonly copies: number; readonly changes: Changes } {
    const whole = Math.floor(weight);
    // apart from the whole part, in which it would lose bits
    const sum = this.#rest + (weight - whole);
    const passes = sum >= 1;
    this.#rest = passes ? sum - 1 : sum;
    return { copies: whole + (passes ? 1 : 0), changes: [[this.#key, this.#rest]] };
  }
}
