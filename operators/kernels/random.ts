/** A stream of pseudo-random numbers that its seed determines. */
export interface Random {
  /** An integer in [0, 2^32). */
  uint32(): number;
  /** A number in [0, 1) with 53 random bits. */
  float(): number;
  /** A standard normal number. */
  gaussian(): number;
  /** An integer in [0, bound), without bias; `bound` is at most 2^32. */
  below(bound: number): number;
}

const twoTo32 = 2 ** 32;

/**
 * Pseudo-random numbers from a seed: xoshiro128**, its state filled from the seed.
 *
 * Period 2^128 - 1; the same seed gives the same numbers on every machine. Not for secrets.
 * Throws `TypeError` for a seed that is not a safe integer.
 *
 * @example
 * ```ts
 * const random = randomFrom(7);
 * const noise = Float64Array.from({ length: 3 }, () => random.gaussian());
 * ```
 */
export function randomFrom(seed: number): Random {
  if (!Number.isSafeInteger(seed)) throw new TypeError(`seed: expected a safe integer, got ${seed}`);
  let a = hashWords(seed, 1);
  let b = hashWords(seed, 2);
  let c = hashWords(seed, 3);
  // an all-zero state would stay zero for ever
  let d = hashWords(seed, 4) | 1;
  // Box-Muller makes two numbers at a time
  let spare: number | undefined;

  function uint32(): number {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotate(d, 11);
    return result;
  }
  function float(): number {
    return ((uint32() >>> 5) * 2 ** 26 + (uint32() >>> 6)) * 2 ** -53;
  }
  function gaussian(): number {
    if (spare !== undefined) {
      const kept = spare;
      spare = undefined;
      return kept;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - float()));
    const angle = 2 * Math.PI * float();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }
  function below(bound: number): number {
    if (!Number.isInteger(bound) || bound < 1 || bound > twoTo32) {
      throw new TypeError(`bound: expected an integer from 1 to 2^32, got ${bound}`);
    }
    const limit = twoTo32 - (twoTo32 % bound);
    let drawn = uint32();
    while (drawn >= limit) drawn = uint32();
    return drawn % bound;
  }
  return { uint32, float, gaussian, below };
}

/** 32 bits that depend on nothing but the seed and the parts; as `hashFloat`. */
export function hashUint32(seed: number, ...parts: readonly (number | string)[]): number {
  return hashWords(seed, 5, parts);
}

/**
 * A number in [0, 1) that depends on nothing but the seed and the parts.
 *
 * For decisions that must come out the same in whatever order they are taken, such as "the label of plan 12". 53 bits;
 * a number and a text that look alike (`1`, `'1'`) are different parts.
 */
export function hashFloat(seed: number, ...parts: readonly (number | string)[]): number {
  return ((hashWords(seed, 5, parts) >>> 5) * 2 ** 26 + (hashWords(seed, 6, parts) >>> 6)) * 2 ** -53;
}

const float64 = new Float64Array(1);
const words = new Uint32Array(float64.buffer);

/** 32 bits from a seed, a stream number and parts, each step mixed as in MurmurHash3. */
function hashWords(seed: number, stream: number, parts: readonly (number | string)[] = []): number {
  let hash = mixNumber(stream, seed);
  for (const part of parts) hash = typeof part === 'number' ? mixNumber(hash, part) : mixText(hash, part);
  return finish(hash);
}

function mixNumber(hash: number, value: number): number {
  // adding 0 makes -0 the same as 0
  float64[0] = value + 0;
  return mix(mix(mix(hash, 1), words[0] ?? 0), words[1] ?? 0);
}

function mixText(hash: number, text: string): number {
  let mixed = mix(mix(hash, 2), text.length);
  for (let i = 0; i < text.length; i++) mixed = mix(mixed, text.charCodeAt(i));
  return mixed;
}

function mix(hash: number, word: number): number {
  const scrambled = Math.imul(rotate(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593);
  return (Math.imul(rotate(hash ^ scrambled, 13), 5) + 0xe6546b64) | 0;
}

function finish(hash: number): number {
  const once = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35);
  return (twice ^ (twice >>> 16)) >>> 0;
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
