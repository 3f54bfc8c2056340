import { Chains } from '../kernels/diversity/chains.js';
import { estimatedJaccard, MinHash, signatureLanes } from '../kernels/diversity/min-hash.js';
import { gramHashes, textHash, wordHashes } from './gram-hashes.js';

export interface NearDuplicatesOptions {
  /**
   * Jaccard similarity of the sets of word 5-grams from which two texts are near duplicates, in [0.3, 1].
   * @default 0.8
   */
  readonly threshold?: number;
  /** Texts kept: the newest ones. At the default threshold about 270 bytes each; arrays grow up to it, so a large one costs nothing early. */
  readonly capacity: number;
  /**
   * Of the random orders.
   * @default 1
   */
  readonly seed?: number;
}

/** A kept text that is like the one asked for. */
export interface Near {
  /** Of the kept text, from 0, in the order in which texts were added. */
  readonly number: number;
  /** Estimated, with a standard error of 0.035 at 0.8. */
  readonly jaccard: number;
}

/** A text's word 5-grams, as `Uint8Array [128]`; only signatures of the same seed can be compared. */
export type Signature = Uint8Array;

/** Words of a gram. */
const gramSize = 5;
/** The chance with which texts just at the threshold share a band, at least. */
const leastMet = 0.99;
/** Standard errors by which an estimate may be under the threshold: a text just at it falls below this in 1 of 44 cases. */
const slack = 2;
/** Texts of the same band that a question compares with at most, the newest ones: its time stays bounded where all texts are alike. */
const maxCompared = 1000;
const leastSlots = 1024;

/**
 * Finds texts whose word 5-grams are nearly those of an earlier text: MinHash with banded locality-sensitive hashing.
 *
 * Broder 1997; bands as in Leskovec et al., Mining of Massive Datasets, ch. 3. Candidates share a band; each is verified on the whole
 * signature. At the default threshold, 16 bands of 6 lanes: pairs whose Jaccard similarity is exactly 0.8 are found with a chance of
 * 0.96, pairs of 0.9 always; pairs of 0.7 are named too with a chance of 0.2, of 0.6 of 0.001. A text of fewer than five words is
 * one gram, one without words is compared as it is. Time does not depend on how many texts are kept, but for at most 1,000
 * comparisons (0.1 ms) where very many share a band.
 *
 * Memory: 128 bytes and 8 to 12 bytes a band for each text, 256 to 320 bytes at the default threshold; 8 x bands bytes more where
 * the threshold is lower (0.5: 26 bands; 0.3: 49).
 *
 * @example
 * ```ts
 * const near = new NearDuplicates({ capacity: 1_000_000 });
 * const signature = near.signatureOf(text);
 * const found = near.find(signature);
 * if (found === undefined) near.add(signature);
 * ```
 */
export class NearDuplicates {
  readonly #capacity: number;
  readonly #minHash: MinHash;
  readonly #bands: number;
  readonly #rows: number;
  /** The least estimate that counts. */
  readonly #cut: number;
  /** `Uint8Array [slots, 128]`: the text of number n at slot n % slots. */
  #signatures: Uint8Array;
  #slots: number;
  #chains: Chains;
  #added = 0;

  constructor({ threshold = 0.8, capacity, seed = 1 }: NearDuplicatesOptions) {
    if (!(threshold >= 0.3 && threshold <= 1)) {
      throw new TypeError(`threshold: expected a number in [0.3, 1], got ${threshold}`);
    }
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new TypeError(`capacity: expected an integer of at least 1, got ${capacity}`);
    }
    this.#capacity = capacity;
    this.#minHash = new MinHash(seed);
    [this.#bands, this.#rows] = bandsFor(threshold);
    this.#cut = threshold - slack * Math.sqrt((threshold * (1 - threshold)) / signatureLanes);
    this.#slots = Math.min(capacity, leastSlots);
    this.#signatures = new Uint8Array(this.#slots * signatureLanes);
    this.#chains = this.#emptyChains();
  }

  /** Texts kept. */
  get size(): number {
    return Math.min(this.#added, this.#capacity);
  }

  /** Bytes of the arrays. */
  get bytes(): number {
    return this.#signatures.byteLength + 4 * this.#bands * (this.#slots + bucketsFor(this.#slots));
  }

  /** O(128 x words); to be made once for `find` and `add`. */
  signatureOf(text: string): Signature {
    const grams = gramHashes(wordHashes(text), gramSize);
    return this.#minHash.signature(grams.length > 0 ? grams : Uint32Array.of(textHash(text)));
  }

  /** A kept text that is a near duplicate, if there is one: of those in the same band, the newest. */
  find(text: string | Signature): Near | undefined {
    const signature = typeof text === 'string' ? this.signatureOf(text) : text;
    const oldest = this.#added - this.size;
    let left = maxCompared;
    for (let band = 0; band < this.#bands; band++) {
      const hash = this.#bandHash(band, signature, 0);
      for (let number = this.#chains.newest(band, hash); number >= oldest; number = this.#chains.older(band, number)) {
        const offset = (number % this.#slots) * signatureLanes;
        if (!this.#sameBand(band, signature, offset)) continue;
        const jaccard = estimatedJaccard(signature, this.#signatures, offset);
        if (jaccard >= this.#cut) return { number, jaccard };
        left -= 1;
        if (left === 0) return undefined;
      }
    }
    return undefined;
  }

  /** Keeps a text, whether or not it is like another; the oldest leaves where there are `capacity`. Gives its number. */
  add(text: string | Signature): number {
    const signature = typeof text === 'string' ? this.signatureOf(text) : text;
    const number = this.#added;
    if (number === this.#slots && this.#slots < this.#capacity) this.#grow();
    this.#signatures.set(signature, (number % this.#slots) * signatureLanes);
    this.#chain(number);
    this.#added += 1;
    return number;
  }

  #grow(): void {
    this.#slots = Math.min(2 * this.#slots, this.#capacity);
    const signatures = new Uint8Array(this.#slots * signatureLanes);
    signatures.set(this.#signatures);
    this.#signatures = signatures;
    this.#chains = this.#emptyChains();
    for (let number = 0; number < this.#added; number++) this.#chain(number);
  }

  #chain(number: number): void {
    const offset = (number % this.#slots) * signatureLanes;
    for (let band = 0; band < this.#bands; band++) {
      this.#chains.push(band, this.#bandHash(band, this.#signatures, offset), number);
    }
  }

  #bandHash(band: number, signatures: Uint8Array, offset: number): number {
    const from = offset + band * this.#rows;
    let hash = 0x811c9dc5;
    for (let lane = from; lane < from + this.#rows; lane++) {
      hash = Math.imul(hash ^ (signatures[lane] ?? 0), 0x01000193);
    }
    const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    return mixed ^ (mixed >>> 16);
  }

  #sameBand(band: number, signature: Signature, offset: number): boolean {
    const from = band * this.#rows;
    for (let lane = from; lane < from + this.#rows; lane++) {
      if (signature[lane] !== this.#signatures[offset + lane]) return false;
    }
    return true;
  }

  #emptyChains(): Chains {
    return new Chains(this.#bands, bucketsFor(this.#slots), this.#slots);
  }
}

/** The longest bands, and so the fewest candidates, with which texts at the threshold still meet; as few of them as will do. */
function bandsFor(threshold: number): readonly [bands: number, rows: number] {
  for (let rows = 16; rows > 1; rows--) {
    const met = threshold ** rows;
    const bands = met === 1 ? 1 : Math.ceil(Math.log(1 - leastMet) / Math.log(1 - met));
    if (bands * rows <= signatureLanes) return [bands, rows];
  }
  return [signatureLanes / 2, 2];
}

/** A power of two, so that a chain has about one text of another band. */
function bucketsFor(slots: number): number {
  return 2 ** Math.ceil(Math.log2(slots));
}
