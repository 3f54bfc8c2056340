/** The words of a text, each as two independent hashes of 32 bits. */
export interface WordHashes {
  readonly count: number;
  /** `Uint32Array` of at least `count`. */
  readonly low: Uint32Array;
  readonly high: Uint32Array;
}

/**
 * What counts as a word for duplicates: runs of letters and digits, and the signs of a sum, so that `5 + 3` is not `5 - 3`.
 * A minus is one before a number; a hyphen is none.
 */
const token = /[\p{L}\p{M}\p{N}]+|[\p{Sm}*/^]|-(?=\s*\p{N})/gu;

/** The words of a text in lower case and compatibility form. */
export function tokensOf(text: string): readonly string[] {
  return text.normalize('NFKC').toLowerCase().match(token) ?? [];
}

/** The words of a text, as `tokensOf` finds them, as hashes. O(characters). */
export function wordHashes(text: string): WordHashes {
  return isAscii(text) ? asciiWordHashes(text) : hashed(tokensOf(text));
}

/** One hash for each run of `size` words; of a shorter text, one for all its words; of a text without words, none. */
export function gramHashes({ count, low }: WordHashes, size: number): Uint32Array {
  if (count === 0) return new Uint32Array(0);
  const length = Math.min(size, count);
  const grams = new Uint32Array(count - length + 1);
  for (let start = 0; start < grams.length; start++) grams[start] = gramHash(low, start, length);
  return grams;
}

/** The hash of `length` words from `start`. */
export function gramHash(words: Uint32Array, start: number, length: number): number {
  let hash = length;
  for (let i = start; i < start + length; i++) {
    hash = Math.imul(((hash << 5) | (hash >>> 27)) ^ (words[i] ?? 0), 0x9e3779b1);
  }
  return finished(hash);
}

/** A hash of the very characters of a text. */
export function textHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return finished(hash);
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}

/** Hashes words as they are gathered, one character after the other. */
class Hasher {
  low = new Uint32Array(128);
  high = new Uint32Array(128);
  count = 0;
  #a = 0;
  #b = 0;

  start(): void {
    this.#a = 0x811c9dc5;
    this.#b = 0x2545f491;
  }

  add(code: number): void {
    this.#a = Math.imul(this.#a ^ code, 0x01000193);
    this.#b = Math.imul(((this.#b << 7) | (this.#b >>> 25)) + code, 0x85ebca6b);
  }

  end(): void {
    if (this.count === this.low.length) {
      this.low = doubled(this.low);
      this.high = doubled(this.high);
    }
    this.low[this.count] = finished(this.#a);
    this.high[this.count] = finished(this.#b);
    this.count += 1;
  }
}

function hashed(words: readonly string[]): WordHashes {
  const hasher = new Hasher();
  for (const word of words) {
    hasher.start();
    for (let i = 0; i < word.length; i++) hasher.add(word.charCodeAt(i));
    hasher.end();
  }
  return hasher;
}

/** As the pattern of `token` finds them, four times as fast. */
function asciiWordHashes(text: string): WordHashes {
  const hasher = new Hasher();
  let inWord = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const kind = asciiKinds[code] ?? 0;
    if (kind === letter) {
      if (!inWord) hasher.start();
      inWord = true;
      hasher.add(code >= 65 && code <= 90 ? code + 32 : code);
      continue;
    }
    if (inWord) hasher.end();
    inWord = false;
    if (kind === sign || (kind === minus && numberFollows(text, i + 1))) {
      hasher.start();
      hasher.add(code);
      hasher.end();
    }
  }
  if (inWord) hasher.end();
  return hasher;
}

const [letter, sign, minus, space, digit] = [1, 2, 3, 4, 5];

const asciiKinds = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (/[a-z0-9]/i.test(character)) return letter;
  if (/[\p{Sm}*/^]/u.test(character)) return sign;
  return character === '-' ? minus : 0;
});

/** Spaces and digits, for what follows a minus. */
const asciiFollowing = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (/\s/.test(character)) return space;
  return /\d/.test(character) ? digit : 0;
});

function numberFollows(text: string, from: number): boolean {
  for (let i = from; i < text.length; i++) {
    const kind = asciiFollowing[text.charCodeAt(i)];
    if (kind !== space) return kind === digit;
  }
  return false;
}

function doubled(array: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(2 * array.length);
  larger.set(array);
  return larger;
}

/** The last steps of MurmurHash3. */
function finished(hash: number): number {
  const once = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35);
  return (twice ^ (twice >>> 16)) >>> 0;
}
