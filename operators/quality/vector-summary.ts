import { Matrix } from 'ml-matrix';

import { CosineSum } from '../kernels/diversity/cosine-sum.js';
import {
  SecondMoment,
  symmetricEigenvalues,
  triangleEigenvalues,
  vendiScore,
} from '../kernels/diversity/second-moment.js';
import type { Points } from '../kernels/points.js';
import { hashUint32 } from '../kernels/random.js';
import { Reservoir } from '../kernels/reservoir.js';
import { dotTiles } from '../kernels/wasm/dot-tiles.js';
import { tileRows } from '../kernels/wasm/multiplication.js';

/** Dimensions up to which the Vendi score is that of all vectors; beyond, that of a sample of as many. */
export const vendiLimit = 512;

export interface VectorSummaryOptions {
  readonly dimensions: number;
  /** Vectors that are kept for what needs pairs. */
  readonly sample: number;
  /** Of the samples. */
  readonly seed: number;
}

/**
 * The diversity of a set of unit vectors, one after another: mean cosine, Vendi score, and a sample for pairs.
 *
 * Memory, however many come: the sample, `Float32Array [sample, dimensions]`, and the sum of z z', at most 1 MB.
 */
export class VectorSummary {
  readonly #cosines: CosineSum;
  readonly #spectrum: SecondMoment | Reservoir;
  readonly #sample: Reservoir;

  constructor({ dimensions, sample, seed }: VectorSummaryOptions) {
    this.#cosines = new CosineSum(dimensions);
    this.#sample = new Reservoir(dimensions, sample, seed);
    this.#spectrum =
      dimensions <= vendiLimit
        ? new SecondMoment(dimensions)
        : new Reservoir(dimensions, vendiLimit, hashUint32(seed, 'spectrum'));
  }

  get count(): number {
    return this.#cosines.size;
  }

  get sample(): Points {
    return this.#sample.points;
  }

  /** Mean cosine of all pairs, exact; 0 for fewer than two. */
  get meanCosine(): number {
    return this.#cosines.mean().mean;
  }

  /** Adds a vector `[dimensions]` of unit norm. */
  add(vector: Float32Array): void {
    this.#cosines.add(vector);
    this.#spectrum.add(vector);
    this.#sample.add(vector);
  }

  /** The Vendi score and the vectors behind it. O(d^3), up to `vendiLimit`^3. */
  vendi(): Vendi {
    return vendiOf(this.directions);
  }

  /** What the Vendi score is computed from, for another thread to do it. */
  get directions(): Directions {
    const { dimensions } = this.#cosines;
    const spectrum = this.#spectrum;
    return spectrum instanceof SecondMoment
      ? { records: this.count, dimensions, triangle: spectrum.meanTriangle() }
      : { records: spectrum.points.size, dimensions, points: spectrum.points };
  }
}

/** A Vendi score and the vectors behind it. */
export interface Vendi {
  readonly score: number;
  readonly records: number;
}

/** In which directions vectors point: by the mean of z z', or by a sample of them. */
export type Directions = { readonly records: number; readonly dimensions: number } & (
  | { readonly triangle: Float64Array }
  | { readonly points: Points }
);

/** The slow part of `VectorSummary.vendi`. O(d^3), up to `vendiLimit`^3. */
export function vendiOf(directions: Directions): Vendi {
  const eigenvalues =
    'triangle' in directions
      ? triangleEigenvalues(directions.triangle, directions.dimensions)
      : gramEigenvalues(directions.points);
  return { score: vendiScore(eigenvalues), records: directions.records };
}

/** Of the matrix of all dot products. */
function gramEigenvalues(points: Points): Float64Array {
  const tiles = dotTiles(points, points);
  const gram = Matrix.zeros(points.size, points.size);
  for (let i = 0; i < points.size; i += tileRows) {
    const rows = Math.min(tileRows, points.size - i);
    for (let j = 0; j < points.size; j += tileRows) {
      const columns = Math.min(tileRows, points.size - j);
      const products = tiles.tile(i, rows, j, columns);
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < columns; c++) gram.set(i + r, j + c, products[r * tileRows + c] ?? 0);
      }
    }
  }
  // the products are rounded to float32
  return symmetricEigenvalues(gram, 1e-9);
}
