import type { PosteriorVariance } from '../../kernels/gaussian-process/posterior-variance.js';
import { type Projection, projection } from '../../kernels/wasm/projection.js';
import type { Candidate } from './candidate.js';

/** A candidate that stands for a part of the real distribution. */
export interface Weighted {
  readonly candidate: Candidate;
  readonly weight: number;
}

/** Candidates that a pick is judged by, at most. */
export const evaluated = 128;

/**
 * How much variance picks would take from a distribution: sum_j weight_j c_j(p)^2, c being the covariance of a process given its observations.
 *
 * c_j(p) = k(x_j, x_p) - (L^-1 k(Z, x_j)).(L^-1 k(Z, x_p)): both products are float32, the same on every machine, so that covariances of unit vectors
 * are within about 1e-6. O(evaluated (m + dimensions)) for a pick. Memory: 4 x 144 (m + dimensions) bytes, from the first use on.
 */
export class TakenVariance {
  #tables: { readonly points: Projection; readonly known: Projection } | undefined;

  constructor(
    private readonly dimensions: number,
    private readonly observations: number,
  ) {}

  /** For each pick; up to 128 points stand for the distribution. Zeros where there is no process yet, as nothing is known of what is alike. */
  by(picks: readonly Candidate[], points: readonly Weighted[], process: PosteriorVariance | undefined): Float64Array {
    const sums = new Float64Array(picks.length);
    if (process === undefined || points.length === 0) return sums;
    const tables = this.#filled(points, process);
    const halves = Float64Array.from(points, ({ candidate }) => halfSquares(candidate));
    const weights = Float64Array.from(points, ({ weight }) => weight);
    const { batch, rows, products } = tables.points;
    const explained = tables.known.products;
    const precision = 1 / process.bandwidth ** 2;
    for (let from = 0; from < picks.length; from += batch) {
      const some = picks.slice(from, from + batch);
      for (const [i, pick] of some.entries()) {
        tables.points.vectors.set(pick.embedding, i * tables.points.stride);
        write(process, pick, tables.known.vectors, i * tables.known.stride);
      }
      tables.points.run(some.length);
      tables.known.run(some.length);
      for (const [i, pick] of some.entries()) {
        const half = halfSquares(pick);
        let sum = 0;
        for (let j = 0; j < halves.length; j++) {
          // minus half the squared distance
          const power = Math.min(0, (products[i * rows + j] ?? 0) - half - (halves[j] ?? 0));
          const covariance = Math.exp(power * precision) - (explained[i * rows + j] ?? 0);
          sum += (weights[j] ?? 0) * covariance * covariance;
        }
        sums[from + i] = sum;
      }
    }
    return sums;
  }

  #filled(points: readonly Weighted[], process: PosteriorVariance) {
    this.#tables ??= { points: tableOf(this.dimensions), known: tableOf(this.observations) };
    const { points: embeddings, known } = this.#tables;
    for (const [j, { candidate }] of points.entries()) {
      embeddings.matrix.set(candidate.embedding, j * embeddings.stride);
      write(process, candidate, known.matrix, j * known.stride);
    }
    return this.#tables;
  }
}

function tableOf(dimensions: number): Projection {
  return projection(new Float32Array(evaluated * dimensions), dimensions);
}

/** What the observations tell of a candidate; numbers of observations that there are no more would count. */
function write(process: PosteriorVariance, { slot }: Candidate, into: Float32Array, start: number): void {
  process.project(slot, into, start);
  into.fill(0, start + process.size, start + process.capacity);
}

function halfSquares({ embedding }: Candidate): number {
  let squares = 0;
  for (let i = 0; i < embedding.length; i++) squares += (embedding[i] ?? 0) ** 2;
  return squares / 2;
}
