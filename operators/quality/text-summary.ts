import { DistinctCount } from './distinct-count.js';
import { FingerprintSet, fingerprint } from './fingerprint-set.js';
import { NearDuplicates, type Signature } from './near-duplicates.js';
import { wordsOf } from './words.js';

/** Texts that near duplicates are looked for among: the newest ones. */
const nearCapacity = 500_000;

/** A text that was made ready to be held against others. */
export interface TextPrint {
  readonly words: readonly string[];
  readonly characters: number;
  readonly exact: number;
  readonly near: Signature;
}

/** The words, the fingerprint and the signature of a text: to be made once for all sets that it is held against. */
export function printOf(text: string, { signatures }: TextSummary): TextPrint {
  return {
    words: wordsOf(text),
    characters: text.length,
    exact: fingerprint(text),
    near: signatures.signatureOf(text),
  };
}

/** How a text stands to a set: in it, like one in it, or neither. */
export type Likeness = 'same' | 'near' | 'new';

/**
 * Lengths, distinct word pairs and repetitions of texts, one after another.
 *
 * Two texts are the same where every character is, and near where the Jaccard similarity of their word 5-grams is about 0.8
 * or more (`NearDuplicates`). Memory: 16 to 32 bytes for each different text, at most 160 MB for near duplicates (the newest
 * 500,000 different texts), and at most 32 MB for word pairs.
 */
export class TextSummary {
  readonly signatures = new NearDuplicates({ capacity: nearCapacity });
  readonly #exact = new FingerprintSet();
  readonly #pairs = new DistinctCount();
  #texts = 0;
  #words = 0;
  #characters = 0;
  #pairTotal = 0;
  #near = 0;

  get words(): number {
    return this.#words;
  }

  get meanWords(): number {
    return this.#texts === 0 ? 0 : this.#words / this.#texts;
  }

  get meanCharacters(): number {
    return this.#texts === 0 ? 0 : this.#characters / this.#texts;
  }

  /** Different pairs of neighbouring words / all of them: exact up to 2^20 different ones, then within 0.1 % or so; 0 where there are none. */
  get distinct2(): number {
    return this.#pairTotal === 0 ? 0 : this.#pairs.value / this.#pairTotal;
  }

  /** Texts of which the same came before. */
  get exactDuplicates(): number {
    return this.#texts - this.#exact.size;
  }

  /** Texts of which not the same, but a near duplicate came before. */
  get nearDuplicates(): number {
    return this.#near;
  }

  add(print: TextPrint): void {
    const { words, characters, exact, near } = print;
    this.#texts += 1;
    this.#words += words.length;
    this.#characters += characters;
    this.#pairTotal += Math.max(0, words.length - 1);
    for (const [i, word] of words.entries()) if (i > 0) this.#pairs.add(fingerprint(words[i - 1] ?? '', word));
    if (!this.#exact.add(exact)) return;
    if (this.signatures.find(near) !== undefined) this.#near += 1;
    this.signatures.add(near);
  }

  /** How a text stands to those that were added. */
  likeness({ exact, near }: TextPrint): Likeness {
    if (this.#exact.has(exact)) return 'same';
    return this.signatures.find(near) === undefined ? 'new' : 'near';
  }
}
