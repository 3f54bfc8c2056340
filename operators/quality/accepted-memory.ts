import { createHash } from 'node:crypto';

import { HeadwaterError } from '../../schemas/errors.js';
import type { Changes } from '../flow/outcome.js';
import { CosineIndex, type VectorSketch } from '../kernels/diversity/cosine-index.js';
import { NewestHashes } from '../kernels/diversity/newest-hashes.js';
import { NearDuplicates, type Signature } from './near-duplicates.js';
import type { Finding } from './rule.js';

/** What counts as a duplicate, and how much is remembered. */
export interface DuplicateRules {
  /** Jaccard similarity of word 5-grams from which a text is a near duplicate. @default 0.8 */
  readonly near?: number | 'off';
  /** Cosine of embeddings from which a text says the same. @default 0.95 */
  readonly semantic?: number | 'off';
  /** Accepted texts that a new one is compared with, the newest; about 300 bytes each. @default 1,000,000 */
  readonly remember?: number;
  /** Accepted embeddings that a new one is compared with, the newest; about 350 bytes each at 256 dimensions. @default 100,000 */
  readonly vectors?: number;
}

export interface AcceptedMemoryOptions extends DuplicateRules {
  /** The entries that its changes left. */
  readonly memory: ReadonlyMap<string, unknown>;
}

/** A text in the forms in which it is compared and kept; made once for `find` and `accept`. */
export interface TextSketch {
  /** 64 bits over the fields, whatever their case and white space. */
  readonly low: number;
  readonly high: number;
  readonly signature: Signature | undefined;
  readonly vector: VectorSketch | undefined;
}

const keptKey = 'kept:';
const vectorKey = 'vector:';

/**
 * All that a gate knows of the texts that it let pass, those among them that turned out to be surplus, for finding duplicates: exact ones,
 * near ones, and ones that say the same.
 *
 * In memory: at most `remember` hashes and signatures, 128 + 24 + 16 x 8 to 12 bytes each, and `vectors` embeddings in 8 bits a number;
 * arrays that grow as they fill. In the changes: one entry for each of them, about 200 bytes of text and 420 of vector (256
 * dimensions); a new one takes the place of the oldest, so that nothing has to be deleted.
 */
export class AcceptedMemory {
  readonly #remember: number;
  readonly #vectors: number;
  readonly #semantic: number | 'off';
  readonly #exact: NewestHashes;
  readonly #near: NearDuplicates | undefined;
  /** Made with the first embedding, whose dimensions it has. */
  #close: CosineIndex | undefined;
  /** The number of the first text in `#exact` and `#near`, which number from 0. */
  #first = 0;
  #accepted = 0;
  /** By slot, the number of the text whose vector it is. */
  #textOf = new Float64Array(0);
  #firstVector = 0;
  #embedded = 0;

  /** Throws `HeadwaterError` with `record-invalid` where the memory is damaged. */
  constructor({ near = 0.8, semantic = 0.95, remember = 1_000_000, vectors = 100_000, memory }: AcceptedMemoryOptions) {
    for (const [name, value] of Object.entries({ remember, vectors })) {
      if (!Number.isInteger(value) || value < 1) {
        throw new TypeError(`${name}: expected an integer of at least 1, got ${value}`);
      }
    }
    this.#remember = remember;
    this.#vectors = vectors;
    this.#semantic = semantic;
    this.#exact = new NewestHashes(remember);
    this.#near = near === 'off' ? undefined : new NearDuplicates({ threshold: near, capacity: remember });
    this.#restoreTexts(memory);
    if (semantic !== 'off') this.#restoreVectors(memory);
  }

  /** Texts that a new one is compared with. */
  get size(): number {
    return this.#exact.size;
  }

  /** `texts` are the fields in their order. An embedding of zeros is one of a text without tokens, and close to none. */
  sketchOf(texts: readonly string[], embedding?: Float32Array): TextSketch {
    const [low, high] = hashOf(texts);
    const signature = this.#near?.signatureOf(texts.join('\n'));
    return { low, high, signature, vector: embedding && this.#closeOf(embedding.length)?.sketchOf(embedding) };
  }

  /** What makes a text a duplicate of an accepted one, the plainest first. */
  find({ low, high, signature, vector }: TextSketch): Finding | undefined {
    const same = this.#exact.numberOf(low, high);
    if (same >= 0) {
      const detail = `the same as accepted text ${this.#first + same}, but for case and white space`;
      return { reason: 'duplicate', detail };
    }
    const near = signature && this.#near?.find(signature);
    if (near !== undefined) {
      const detail = `its word 5-grams are those of accepted text ${this.#first + near.number}, Jaccard about ${near.jaccard.toFixed(2)}`;
      return { reason: 'near-duplicate', detail };
    }
    const close = vector && this.#close?.find(vector);
    if (close === undefined) return undefined;
    const number = this.#textOf[close.number % this.#vectors];
    return {
      reason: 'semantic-duplicate',
      detail: `its embedding is that of accepted text ${number}, cosine ${close.cosine.toFixed(3)}`,
    };
  }

  /** Keeps a text; gives what a memory must hold of it. Numbers count accepted texts from 0. */
  accept(sketch: TextSketch): Changes {
    const number = this.#accepted;
    this.#keep(sketch);
    const { low, high, signature, vector } = sketch;
    const parts = [number, hex(high) + hex(low), ...(signature === undefined ? [] : [base64(signature)])];
    const changes: [string, string][] = [[`${keptKey}${number % this.#remember}`, parts.join(' ')]];
    if (vector !== undefined) {
      const place = this.#embedded;
      this.#keepVector(vector, number);
      changes.push([
        `${vectorKey}${place % this.#vectors}`,
        [place, number, base64(vector.values), base64(vector.sides)].join(' '),
      ]);
    }
    return changes;
  }

  #keep({ low, high, signature }: Pick<TextSketch, 'low' | 'high' | 'signature'>): void {
    this.#exact.add(low, high);
    if (signature !== undefined) this.#near?.add(signature);
    this.#accepted += 1;
  }

  #keepVector(vector: VectorSketch, text: number): void {
    const local = this.#embedded - this.#firstVector;
    if (this.#textOf.length === 0) this.#textOf = new Float64Array(this.#vectors);
    this.#textOf[local % this.#vectors] = text;
    this.#close?.add(vector);
    this.#embedded += 1;
  }

  #closeOf(dimensions: number): CosineIndex | undefined {
    if (this.#semantic === 'off') return undefined;
    const options = { threshold: this.#semantic, capacity: this.#vectors, dimensions, seed: 1 };
    this.#close ??= new CosineIndex(options);
    return this.#close;
  }

  #restoreTexts(memory: ReadonlyMap<string, unknown>): void {
    const next = nextNumber(memory, keptKey);
    this.#first = Math.max(0, next - this.#remember);
    this.#accepted = this.#first;
    for (let number = this.#first; number < next; number++) {
      const [hash = '', signature] = entryOf(memory, keptKey, number, this.#remember);
      const known = { low: Number.parseInt(hash.slice(8), 16), high: Number.parseInt(hash.slice(0, 8), 16) };
      if (this.#near === undefined) this.#keep({ ...known, signature: undefined });
      else if (signature !== undefined) this.#keep({ ...known, signature: Buffer.from(signature, 'base64') });
      else throw damaged(keptKey, number);
    }
  }

  #restoreVectors(memory: ReadonlyMap<string, unknown>): void {
    const next = nextNumber(memory, vectorKey);
    this.#firstVector = Math.max(0, next - this.#vectors);
    this.#embedded = this.#firstVector;
    for (let place = this.#firstVector; place < next; place++) {
      const [text, stored = '', storedSides = ''] = entryOf(memory, vectorKey, place, this.#vectors);
      const values = new Int8Array(Buffer.from(stored, 'base64'));
      const sides = new Uint16Array(Uint8Array.from(Buffer.from(storedSides, 'base64')).buffer);
      const vector = this.#closeOf(values.length)?.restored(values, sides);
      if (vector !== undefined) this.#keepVector(vector, Number(text));
    }
  }
}

/** 64 bits over the texts. Of a million texts, one in 10^13 meets an unrelated one. */
function hashOf(texts: readonly string[]): readonly [low: number, high: number] {
  const canonical = JSON.stringify(
    texts.map((text) => text.normalize('NFKC').toLowerCase().trim().replace(/\s+/gu, ' ')),
  );
  const digest = createHash('sha256').update(canonical).digest();
  return [digest.readUInt32BE(0), digest.readUInt32BE(4)];
}

/** One more than the highest number among the entries. */
function nextNumber(memory: ReadonlyMap<string, unknown>, prefix: string): number {
  let next = 0;
  for (const [key, value] of memory) {
    if (key.startsWith(prefix) && typeof value === 'string') next = Math.max(next, Number.parseInt(value, 10) + 1);
  }
  return next;
}

/** What an entry holds after its number. */
function entryOf(memory: ReadonlyMap<string, unknown>, prefix: string, number: number, slots: number): string[] {
  const value = memory.get(`${prefix}${number % slots}`);
  const [stored, ...parts] = typeof value === 'string' ? value.split(' ') : [];
  if (stored !== String(number)) throw damaged(prefix, number);
  return parts;
}

function damaged(prefix: string, number: number): HeadwaterError {
  const text = `the memory of the gate lacks what it kept of accepted text ${number} under '${prefix}'`;
  return new HeadwaterError('record-invalid', `${text}: it was kept with other sizes, or is damaged`);
}

function hex(bits: number): string {
  return bits.toString(16).padStart(8, '0');
}

function base64(bytes: Uint8Array | Int8Array | Uint16Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
