import { Matrix } from 'ml-matrix';

import { type Interval, resamples, spreadAround, wholeShare } from '../kernels/bootstrap.js';
import { symmetricEigenvalues, vendiScore } from '../kernels/diversity/second-moment.js';
import { wordsOf } from './words.js';

/** A figure of a set of texts; no interval where it would take too long, or there are too few. */
export interface Estimate {
  readonly value: number;
  readonly interval: Interval | null;
}

/** How different the texts of a set are from one another; null where there are too few to say. */
export interface SetDiversity {
  /** Over all pairs: lower is more diverse. */
  readonly meanCosine: Estimate | null;
  /** The mean over texts of the cosine to the nearest other: near 1 where the set is of few modes. */
  readonly nearestNeighbour: Estimate | null;
  /** How many different texts they are worth, by Vendi. */
  readonly vendi: Estimate | null;
  /** Different pairs of neighbouring words / all such pairs. */
  readonly distinct2: Estimate | null;
}

export interface SetDiversityOptions {
  /** Of the resamples. */
  readonly seed: number;
  /** @default 1000 */
  readonly rounds?: number;
}

/** Neighbours of a text that are kept in order; that a resample has none of them does not happen. */
const keptNeighbours = 64;
/** Operations that the eigenvalues of all resamples may take: a minute at the most. */
const eigenWork = 2e9;

/**
 * The diversity of a set of texts, with 95 % bootstrap intervals over texts.
 *
 * `embeddings` are unit vectors, or zero for texts without tokens, which have no cosine and are left out of the first three. For sets
 * up to some thousands: O(n^2) memory and time, and the eigenvalues take O(n^3) for each resample, so that the Vendi score has an
 * interval up to 270 texts (of fewer resamples from 125 on). A pair of a text with itself, as resamples have, never counts.
 */
export function setDiversity(
  texts: readonly string[],
  embeddings: readonly Float32Array[],
  { seed, rounds = 1000 }: SetDiversityOptions,
): SetDiversity {
  const vectors = embeddings.filter((vector) => vector.some((x) => x !== 0));
  const of = (size: number, least: number, figure: Figure, times = rounds) => {
    return size < least ? null : estimate(size, figure, seed, times);
  };
  const gram = gramMatrix(vectors);
  const { length: n } = vectors;
  return {
    meanCosine: of(n, 2, meanCosine(vectors)),
    nearestNeighbour: of(n, 2, nearestNeighbour(gram, n)),
    vendi: of(n, 1, vendi(vectors, gram), Math.min(rounds, Math.floor(eigenWork / (n + 1) ** 3))),
    distinct2: within(of(texts.length, 1, distinctPairs(texts)), wholeShare),
  };
}

/** An interval cut off where a figure cannot be. */
function within(estimate: Estimate | null, { low, high }: Interval): Estimate | null {
  if (estimate === null || estimate.interval === null) return estimate;
  const { value, interval } = estimate;
  return { value, interval: { low: Math.max(low, interval.low), high: Math.min(high, interval.high) } };
}

/** A figure of a resample; NaN where it is not defined. */
type Figure = (counts: ArrayLike<number>) => number;

function estimate(size: number, figure: Figure, seed: number, rounds: number): Estimate | null {
  const value = figure(new Uint32Array(size).fill(1));
  if (Number.isNaN(value)) return null;
  const resampled: number[] = [];
  for (const counts of resamples(size, rounds, seed)) {
    const drawn = figure(counts);
    if (!Number.isNaN(drawn)) resampled.push(drawn);
  }
  return { value, interval: spreadAround(value, resampled) };
}

/** From the sum of the vectors: of a text that was drawn twice, the pair with itself is taken out. */
function meanCosine(vectors: readonly Float32Array[]): Figure {
  const dimensions = vectors[0]?.length ?? 0;
  const norms = vectors.map((vector) => vector.reduce((sum, x) => sum + x * x, 0));
  const sum = new Float64Array(dimensions);
  return (counts) => {
    sum.fill(0);
    let [size, selfPairs, selfProducts] = [0, 0, 0];
    for (const [row, vector] of vectors.entries()) {
      const weight = counts[row] ?? 0;
      if (weight === 0) continue;
      size += weight;
      selfPairs += weight * weight;
      selfProducts += weight * weight * (norms[row] ?? 0);
      for (let i = 0; i < dimensions; i++) sum[i] = (sum[i] ?? 0) + weight * (vector[i] ?? 0);
    }
    const products = sum.reduce((total, x) => total + x * x, 0) - selfProducts;
    return products / (size * size - selfPairs);
  };
}

function nearestNeighbour(gram: Float64Array, n: number): Figure {
  const neighbours = Array.from({ length: n }, (_, row) => nearestRows(gram, n, row));
  return (counts) => {
    let [sum, size] = [0, 0];
    for (const [row, near] of neighbours.entries()) {
      const weight = counts[row] ?? 0;
      const other = near.find((each) => (counts[each] ?? 0) > 0);
      if (weight === 0 || other === undefined) continue;
      sum += weight * (gram[row * n + other] ?? 0);
      size += weight;
    }
    return sum / size;
  };
}

function nearestRows(gram: Float64Array, n: number, row: number): readonly number[] {
  const cosine = (other: number) => gram[row * n + other] ?? 0;
  const others = Array.from({ length: n }, (_, other) => other).filter((other) => other !== row);
  return others.sort((a, b) => cosine(b) - cosine(a)).slice(0, keptNeighbours);
}

/** Of the smaller of two matrices with the same eigenvalues: the kernel of the texts, or the second moment of their vectors. */
function vendi(vectors: readonly Float32Array[], gram: Float64Array): Figure {
  const { length: n } = vectors;
  return (counts) => {
    const rows = Array.from({ length: n }, (_, row) => row).filter((row) => (counts[row] ?? 0) > 0);
    const isSmaller = rows.length <= (vectors[0]?.length ?? 0);
    const matrix = isSmaller ? kernelOf(rows, counts, gram, n) : momentOf(rows, counts, vectors);
    return vendiScore(symmetricEigenvalues(matrix));
  };
}

function kernelOf(rows: readonly number[], counts: ArrayLike<number>, gram: Float64Array, n: number): Matrix {
  const weight = (i: number, j: number) => Math.sqrt((counts[i] ?? 0) * (counts[j] ?? 0));
  return new Matrix(rows.map((i) => rows.map((j) => weight(i, j) * (gram[i * n + j] ?? 0))));
}

function momentOf(rows: readonly number[], counts: ArrayLike<number>, vectors: readonly Float32Array[]): Matrix {
  const weighted = new Matrix(
    rows.map((row) => Array.from(vectors[row] ?? [], (x) => Math.sqrt(counts[row] ?? 0) * x)),
  );
  return weighted.transpose().mmul(weighted);
}

function distinctPairs(texts: readonly string[]): Figure {
  const ids = new Map<string, number>();
  const pairs = texts.map((text) => {
    const words = wordsOf(text);
    return words.slice(1).map((word, index) => {
      const pair = `${words[index]} ${word}`;
      const id = ids.get(pair) ?? ids.size;
      ids.set(pair, id);
      return id;
    });
  });
  /** The round in which a pair was last seen. */
  const seen = new Uint32Array(ids.size);
  let round = 0;
  return (counts) => {
    round += 1;
    let [total, distinct] = [0, 0];
    for (const [row, own] of pairs.entries()) {
      const weight = counts[row] ?? 0;
      if (weight === 0) continue;
      total += weight * own.length;
      for (const id of own) {
        if (seen[id] === round) continue;
        seen[id] = round;
        distinct += 1;
      }
    }
    return distinct / total;
  };
}

/** All dot products: `Float64Array [n, n]`. */
function gramMatrix(vectors: readonly Float32Array[]): Float64Array {
  const { length: n } = vectors;
  const gram = new Float64Array(n * n);
  for (const [i, a] of vectors.entries()) {
    for (const [j, b] of vectors.entries()) {
      if (j < i) continue;
      let dot = 0;
      for (let k = 0; k < a.length; k++) dot += (a[k] ?? 0) * (b[k] ?? 0);
      gram[i * n + j] = dot;
      gram[j * n + i] = dot;
    }
  }
  return gram;
}
