import { randomFrom } from './random.js';

/** What a feature map depends on; the same values give the same map. */
export interface RandomFeaturesOptions {
  /** Of the vectors. */
  readonly dimensions: number;
  /** m; a feature vector has 2m numbers, and the error of k shrinks with m^-1/2. */
  readonly frequencies: number;
  /** Of the RBF kernel that is approximated. */
  readonly bandwidth: number;
  /** The frequencies depend on it alone, not on the bandwidth. */
  readonly seed: number;
}

/** A map from vectors to features whose dot product approximates the RBF kernel. */
export interface RandomFeatures {
  readonly dimensions: number;
  readonly frequencies: number;
  readonly bandwidth: number;
  /**
   * Writes phi(vector) into `features`: `Float64Array [2 m]`, all cosines, then all sines, unit norm.
   * Throws `TypeError` for arrays of other lengths. O(m x dimensions), nothing allocated.
   */
  map(vector: Float32Array, features: Float64Array): void;
}

/**
 * Random Fourier features of the RBF kernel: phi(x) = m^-1/2 [cos(w_i.x), sin(w_i.x)].
 *
 * w_i ~ N(0, I / bandwidth^2), kept as `Float32Array [m, dimensions]` of standard normals; sums are float64. So
 * phi(x).phi(y) has mean k(x, y) and variance (1 + k(2d) - 2 k(d)^2) / (2m). Rahimi and Recht, 2007.
 *
 * @example
 * ```ts
 * const features = randomFeatures({ dimensions: 256, frequencies: 512, bandwidth: 0.8, seed: 7 });
 * const phi = new Float64Array(2 * features.frequencies);
 * features.map(embedding, phi);
 * ```
 */
export function randomFeatures(options: RandomFeaturesOptions): RandomFeatures {
  const { dimensions, frequencies, bandwidth, seed } = options;
  for (const name of ['dimensions', 'frequencies'] as const) {
    if (!Number.isInteger(options[name]) || options[name] < 1) {
      throw new TypeError(`${name}: expected an integer from 1, got ${options[name]}`);
    }
  }
  if (!(bandwidth > 0 && Number.isFinite(bandwidth))) {
    throw new TypeError(`bandwidth: expected a positive number, got ${bandwidth}`);
  }
  // rows beyond the last full block of four stay zero, and are not read out
  const rows = Math.ceil(frequencies / 4) * 4;
  const normals = new Float32Array(rows * dimensions);
  const random = randomFrom(seed);
  for (let i = 0; i < frequencies * dimensions; i++) normals[i] = random.gaussian();
  const projections = new Float64Array(rows);
  const inverse = 1 / bandwidth;
  const scale = 1 / Math.sqrt(frequencies);

  function map(vector: Float32Array, features: Float64Array): void {
    if (vector.length !== dimensions) {
      throw new TypeError(`vector: expected ${dimensions} numbers, got ${vector.length}`);
    }
    if (features.length !== 2 * frequencies) {
      throw new TypeError(`features: expected room for ${2 * frequencies} numbers, got ${features.length}`);
    }
    project(normals, vector, projections);
    for (let i = 0; i < frequencies; i++) {
      const angle = (projections[i] ?? 0) * inverse;
      features[i] = scale * Math.cos(angle);
      features[frequencies + i] = scale * Math.sin(angle);
    }
  }
  return { dimensions, frequencies, bandwidth, map };
}

/** projections = matrix [rows, dimensions] x vector, four rows at a time so that each number of the vector is read once for four. */
function project(matrix: Float32Array, vector: Float32Array, projections: Float64Array): void {
  const dimensions = vector.length;
  for (let row = 0; row < projections.length; row += 4) {
    const first = row * dimensions;
    const second = first + dimensions;
    const third = second + dimensions;
    const fourth = third + dimensions;
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    for (let i = 0; i < dimensions; i++) {
      const x = vector[i] ?? 0;
      a += (matrix[first + i] ?? 0) * x;
      b += (matrix[second + i] ?? 0) * x;
      c += (matrix[third + i] ?? 0) * x;
      d += (matrix[fourth + i] ?? 0) * x;
    }
    projections[row] = a;
    projections[row + 1] = b;
    projections[row + 2] = c;
    projections[row + 3] = d;
  }
}
