import { CosineIndex } from '../kernels/diversity/cosine-index.js';
import { GramTable } from '../kernels/diversity/gram-table.js';
import { gramHash, tokensOf, type WordHashes, wordHashes } from './gram-hashes.js';
import type { Finding } from './rule.js';

/** A record of a benchmark: what must not come up again in a sample. */
export interface BenchmarkText {
  /** Where it stands, for the evidence, such as `test.jsonl line 12`. */
  readonly source: string;
  /** Its texts, such as question and answer. */
  readonly texts: readonly string[];
  /** Of all its texts together; `Float32Array [dimensions]`. */
  readonly embedding?: Float32Array;
}

export interface BenchmarkIndexOptions {
  /**
   * Words in a row that a text may not share with a benchmark.
   * @default 13
   */
  readonly grams?: number;
  /**
   * Cosine from which a text says the same as a record of a benchmark; `off` compares no embeddings.
   * @default 0.95
   */
  readonly cosine?: number | 'off';
  /** Records whose embeddings will be added. */
  readonly records: number;
}

/** A text of fewer words is too common to stand for a benchmark on its own, but as the whole of one. */
const leastWords = 5;

/**
 * Benchmark texts, for finding what a text has from them: runs of 13 words, and embeddings.
 *
 * A run of 13 words is the measure of Brown et al. 2020 (GPT-3, appendix C). A text of 5 to 12 words is found where a whole field is the
 * same; a record whose texts are shorter together, where the whole of a text is the same. Case, punctuation and layout do not count.
 * A text that shares fewer words, or says it in other words, is found by its embedding alone, with the chances of `CosineIndex`.
 *
 * Memory: 24 to 48 bytes for each run of words (10 MB for the 7,473 problems of GSM8K), and what `CosineIndex` keeps for a record.
 */
export class BenchmarkIndex {
  readonly #grams: number;
  readonly #cosine: number | 'off';
  readonly #records: number;
  readonly #table = new GramTable();
  readonly #sources: string[] = [];
  /** By number of its vector, the record's number. */
  readonly #embedded: number[] = [];
  #close: CosineIndex | undefined;

  constructor({ grams = 13, cosine = 0.95, records }: BenchmarkIndexOptions) {
    if (!Number.isInteger(grams) || grams < 2) throw new TypeError(`grams: expected an integer from 2, got ${grams}`);
    this.#grams = grams;
    this.#cosine = cosine;
    this.#records = Math.max(1, records);
  }

  get size(): number {
    return this.#sources.length;
  }

  /** Whether embeddings are compared. */
  get comparesEmbeddings(): boolean {
    return this.#close !== undefined;
  }

  add({ source, texts, embedding }: BenchmarkText): void {
    const record = this.#sources.push(source) - 1;
    const whole = wordHashes(texts.join('\n'));
    if (whole.count >= this.#grams) this.#addGrams(whole, record);
    else if (whole.count > 0) this.#addWhole(whole, wholeText, record);
    for (const text of texts) {
      const words = wordHashes(text);
      if (words.count >= leastWords && words.count < this.#grams) this.#addWhole(words, wholeField, record);
    }
    if (embedding !== undefined && this.#cosine !== 'off') this.#addVector(embedding, this.#cosine, record);
  }

  /** What a text has from a benchmark: first by words, then by its embedding where it comes with one. */
  find(fields: readonly string[], embedding?: Float32Array): Finding | undefined {
    const text = fields.join('\n');
    return this.#wordsIn(text) ?? this.#fieldsIn(fields) ?? (embedding && this.#closeTo(embedding));
  }

  #wordsIn(text: string): Finding | undefined {
    const words = wordHashes(text);
    if (words.count < this.#grams) return this.#found(words, wholeText, 'its whole text');
    for (let start = 0; start + this.#grams <= words.count; start++) {
      const record = this.#get(words, start, this.#grams, run);
      if (record < 0) continue;
      const shown = JSON.stringify(
        tokensOf(text)
          .slice(start, start + this.#grams)
          .join(' '),
      );
      return contaminated(`the words ${shown} are in ${this.#sources[record]}`);
    }
    return undefined;
  }

  #fieldsIn(fields: readonly string[]): Finding | undefined {
    for (const field of fields) {
      const words = wordHashes(field);
      if (words.count >= this.#grams || words.count < leastWords) continue;
      const found = this.#found(words, wholeField, JSON.stringify(field));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #found(words: WordHashes, salt: number, what: string): Finding | undefined {
    const record = words.count === 0 ? -1 : this.#get(words, 0, words.count, salt);
    return record < 0 ? undefined : contaminated(`${what} is in ${this.#sources[record]}`);
  }

  #closeTo(embedding: Float32Array): Finding | undefined {
    const close = this.#close?.find(this.#close.sketchOf(embedding));
    if (close === undefined) return undefined;
    const source = this.#sources[this.#embedded[close.number] ?? 0];
    return contaminated(`its embedding is that of ${source}, cosine ${close.cosine.toFixed(3)}`);
  }

  #addGrams(words: WordHashes, record: number): void {
    for (let start = 0; start + this.#grams <= words.count; start++) this.#set(words, start, this.#grams, run, record);
  }

  #addWhole(words: WordHashes, salt: number, record: number): void {
    this.#set(words, 0, words.count, salt, record);
  }

  #addVector(embedding: Float32Array, threshold: number, record: number): void {
    this.#close ??= new CosineIndex({ threshold, capacity: this.#records, dimensions: embedding.length, seed: 1 });
    this.#close.add(this.#close.sketchOf(embedding));
    this.#embedded.push(record);
  }

  #set({ low, high }: WordHashes, start: number, length: number, salt: number, record: number): void {
    this.#table.add(gramHash(low, start, length) ^ salt, gramHash(high, start, length), record);
  }

  #get({ low, high }: WordHashes, start: number, length: number, salt: number): number {
    return this.#table.get(gramHash(low, start, length) ^ salt, gramHash(high, start, length));
  }
}

/** Tell apart what a hash is of: a run within a text, a whole text, a whole field. */
const [run, wholeText, wholeField] = [0, 0x5bd1e995, 0x1b873593];

function contaminated(detail: string): Finding {
  return { reason: 'contaminated', detail };
}
