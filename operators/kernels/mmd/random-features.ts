import type { Points } from '../points.js';
import { randomFrom } from '../random.js';
import { projection } from '../wasm/projection.js';
import type { SimdOption } from '../wasm/tile-memory.js';
import { checkBandwidth } from './rbf.js';
import { writeCosinesAndSines } from './sine-cosine.js';

/** What a feature map depends on; the same values give the same map. */
export interface RandomFeaturesOptions extends SimdOption {
  /** Of the vectors. */
  readonly dimensions: number;
  /** m; a feature vector has 2m numbers, and the error of k shrinks with m^-1/2. */
  readonly frequencies: number;
  /** Of the RBF kernel that is approximated. */
  readonly bandwidth: number;
  /** The frequencies depend on it alone, not on the bandwidth; fewer are the first ones of more. */
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
  /**
   * Writes the features of `count` points from the point `from` into `features`: `Float64Array [count, 2 m]`, each as `map` does.
   * Float64 points are rounded to float32. Throws `TypeError` for arrays of other lengths.
   */
  mapAll(points: Points, features: Float64Array, from?: number, count?: number): void;
}

/**
 * Random Fourier features of the RBF kernel: phi(x) = m^-1/2 [cos(w_i.x), sin(w_i.x)].
 *
 * w_i ~ N(0, I / bandwidth^2), kept as `Float32Array [m, dimensions]` of standard normals. So phi(x).phi(y) has mean k(x, y) and
 * variance (1 + k(2d) - 2 k(d)^2) / (2m). Rahimi and Recht, 2007. The products w_i.x are float32 (by SIMD where there is any, and
 * the same to the last bit without), an error of about 1e-6 / bandwidth in the angle for unit vectors; all else is float64. The
 * normals are JavaScript's, rounded to float32. Numbers that
 * are not finite give features that are not.
 *
 * @example
 * ```ts
 * const features = randomFeatures({ dimensions: 256, frequencies: 512, bandwidth: 0.8, seed: 7 });
 * const phi = new Float64Array(2 * features.frequencies);
 * features.map(embedding, phi);
 * ```
 */
export function randomFeatures(options: RandomFeaturesOptions): RandomFeatures {
  const { dimensions, frequencies, bandwidth } = options;
  checkOptions(options);
  const { batch, stride, rows, vectors, products, run } = projection(normalsOf(options), dimensions, options);
  const circle = { scale: 1 / Math.sqrt(frequencies), factor: 1 / bandwidth };
  const length = 2 * frequencies;

  function write(row: number, features: Float64Array, at: number): void {
    writeCosinesAndSines(products, row * rows, frequencies, circle, features, at, at + frequencies);
  }
  function map(vector: Float32Array, features: Float64Array): void {
    checkLength('vector', dimensions, vector.length);
    if (features.length !== length) {
      throw new TypeError(`features: expected room for ${length} numbers, got ${features.length}`);
    }
    vectors.set(vector);
    run(1);
    write(0, features, 0);
  }
  function mapAll(points: Points, features: Float64Array, from = 0, count = points.size - from): void {
    checkLength('points', dimensions, points.dimensions);
    if (features.length !== count * length || !(from >= 0 && from + count <= points.size)) {
      const room = `${count} x ${length} numbers of ${points.size} points`;
      throw new TypeError(`features: expected room for ${room} from ${from}, got ${features.length}`);
    }
    for (let done = 0; done < count; done += batch) {
      const part = Math.min(batch, count - done);
      for (let i = 0; i < part; i++) {
        const start = (from + done + i) * dimensions;
        vectors.set(points.data.subarray(start, start + dimensions), i * stride);
      }
      run(part);
      for (let i = 0; i < part; i++) write(i, features, (done + i) * length);
    }
  }
  return { dimensions, frequencies, bandwidth, map, mapAll };
}

function checkOptions(options: RandomFeaturesOptions): void {
  for (const name of ['dimensions', 'frequencies'] as const) {
    if (!Number.isInteger(options[name]) || options[name] < 1) {
      throw new TypeError(`${name}: expected an integer from 1, got ${options[name]}`);
    }
  }
  checkBandwidth(options.bandwidth);
}

function checkLength(name: string, expected: number, length: number): void {
  if (length !== expected) throw new TypeError(`${name}: expected ${expected} numbers, got ${length}`);
}

/** `Float32Array [m, dimensions]`. */
function normalsOf({ dimensions, frequencies, seed }: RandomFeaturesOptions): Float32Array {
  const random = randomFrom(seed);
  return Float32Array.from({ length: frequencies * dimensions }, () => random.gaussian());
}
