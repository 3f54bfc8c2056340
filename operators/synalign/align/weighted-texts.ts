import { z } from 'zod';
import { HeadwaterError } from '../../../schemas/errors.js';
import type { AlignStep } from '../../../schemas/steps/synalign.js';
import type { Changes } from '../../flow/outcome.js';
import { restoredFloats, storedFloats } from '../../flow/stored-floats.js';
import { dot } from '../../kernels/dot.js';
import type { FeatureSum } from '../../kernels/mmd/feature-sum.js';
import { hashUint32 } from '../../kernels/random.js';
import { featureMatrix } from '../../kernels/weights/kernel-matrix.js';
import { mmdWeights, type OutOfSample, outOfSampleWeight } from '../../kernels/weights/mmd-weights.js';
import { ownPart } from '../../kernels/weights/own-part.js';
import { EmbeddingWindow } from '../mmd/embedding-window.js';
import type { AlignmentFeatures } from './alignment-features.js';

/** Real records and texts that there must be before texts are weighted. */
export const leastReal = 8;
const leastTexts = 16;
/** The running mean of weights starts as that of so many weights of 1. */
const priorTexts = 16;
/** Where the newest texts are all off the distribution, a weight is raised by at most the inverse. */
const leastMean = 0.05;
/** Of the buffer's weights, the one from which on texts are kept for sure. */
const keptQuantile = 0.9;
/** Weights within a ten-thousandth of MMD^2 of the best are as good, and the sooner there. */
const tolerance = 1e-6;
/** Without a ridge, weights say nothing about texts that had no part in the solution. */
const leastRidge = 1e-6;

export interface WeightedTextsOptions {
  /** Starts the keys: `NAME/seen`, `NAME/SLOT`, `NAME/solution`, `NAME/running`. */
  readonly name: string;
  readonly capacity: number;
  readonly dimensions: number;
  readonly settings: AlignStep;
  /** Of what is drawn to solve for the weights, with the name. */
  readonly seed: number;
  readonly memory: ReadonlyMap<string, unknown>;
}

/** What the weights of texts are read off, until they are solved for again. */
interface Solution extends OutOfSample {
  /** Mean features of the reference less those of the weighted texts: `Float64Array [length]`. */
  readonly witness: Float64Array;
  /** Texts that were weighted together. */
  readonly size: number;
  /** Texts that had come in by then: the number of the first that it does not know. */
  readonly seen: number;
  /** Of the solver. */
  readonly iterations: number;
  /** The weight from which on a text is kept for sure, at least 1. */
  readonly scale: number;
  readonly effectiveSampleSize: number;
  readonly regularization: number;
  readonly gap: number;
}

/** What a solution says of itself, for a status. */
export type SolutionFigures = Pick<Solution, 'size' | 'effectiveSampleSize' | 'regularization' | 'gap'>;

/**
 * The newest texts of a label, and the weights under which they are like its real records.
 *
 * `Float32Array [capacity, dimensions + length of features]`. A text is weighted before it comes in: by a solution that it had no part in.
 */
export class WeightedTexts {
  readonly #options: WeightedTextsOptions;
  readonly #window: EmbeddingWindow;
  #features: AlignmentFeatures | undefined;
  /** Of the texts in the window, by slot. */
  #rows = new Float32Array(0);
  #phi = new Float64Array(0);
  #solution: Solution | undefined;
  #running: Running;

  /** Throws `HeadwaterError` with code `record-invalid` where the memory is damaged. */
  constructor(options: WeightedTextsOptions) {
    const { name, memory } = options;
    this.#options = options;
    this.#window = new EmbeddingWindow(options);
    this.#solution = storedSolution(`${name}/solution`, memory.get(`${name}/solution`));
    this.#running = storedRunning(`${name}/running`, memory.get(`${name}/running`));
  }

  /** The weight from which on a text is kept for sure. */
  get scale(): number {
    return this.#solution?.scale ?? 1;
  }

  /** Other features than before, where there were some, end the solution. */
  useFeatures(features: AlignmentFeatures): Changes {
    const isAnew = this.#features !== undefined;
    this.#features = features;
    this.#phi = new Float64Array(features.length);
    this.#rows = new Float32Array(this.#options.capacity * features.length);
    const { data, size, dimensions } = this.#window.points;
    for (let slot = 0; slot < size; slot++) {
      this.#map(slot, new Float32Array(data.subarray(slot * dimensions, (slot + 1) * dimensions)));
    }
    return isAnew ? this.forgetSolution() : [];
  }

  /** What texts were held against is no more: weights are solved for anew with the next one. */
  forgetSolution(): Changes {
    if (this.#solution === undefined) return [];
    this.#solution = undefined;
    return [[`${this.#options.name}/solution`, null]];
  }

  /** The weight of a text, of mean 1; then it comes in, and the oldest one leaves where the window is full. */
  weigh(embedding: Float32Array, real: FeatureSum | undefined): { readonly weight: number; readonly changes: Changes } {
    const { weight, changes: runningChanges } = this.#weightOf(embedding);
    const { slot, changes } = this.#window.push(embedding);
    if (this.#features !== undefined) this.#map(slot, embedding);
    return { weight, changes: [...changes, ...runningChanges, ...this.#solved(real)] };
  }

  #weightOf(embedding: Float32Array): { readonly weight: number; readonly changes: Changes } {
    const solution = this.#solution;
    if (solution === undefined || this.#features === undefined) return { weight: 1, changes: [] };
    const { name, capacity, settings } = this.#options;
    this.#features.map(embedding, this.#phi);
    const raw = solution.size * outOfSampleWeight(dot(this.#phi, solution.witness), solution);
    const { count, mean, missing } = this.#running;
    const next = Math.min(count + 1, capacity);
    const now = mean + (raw - mean) / next;
    // what weights have been too little or too much so far is made up for over the next ones, which are doubled or halved at most
    const owed = Math.min(capacity, Math.max(-capacity / 2, missing));
    const weight = Math.min(settings.cap, ((1 + owed / capacity) * raw) / Math.max(now, leastMean));
    this.#running = { count: next, mean: now, missing: owed + 1 - weight };
    return { weight, changes: [[`${name}/running`, this.#running]] };
  }

  /** Solves for the weights anew where it is time. */
  #solved(real: FeatureSum | undefined): Changes {
    const { name, settings } = this.#options;
    const { size, seen } = this.#window;
    const isTime = this.#solution === undefined || seen % settings.every === 0;
    if (!isTime || this.#features === undefined || real === undefined) return [];
    if (real.size < leastReal || size < leastTexts) return [];
    const solution = this.#solve(this.#features.length, real);
    this.#solution = solution;
    return [[`${name}/solution`, { ...solution, witness: storedFloats(solution.witness) }]];
  }

  #solve(length: number, real: FeatureSum): Solution {
    const { name, seed, settings } = this.#options;
    const { size, seen } = this.#window;
    const kernel = featureMatrix(this.#rows.subarray(0, size * length), size);
    const mean = real.values.map((value) => value / real.size);
    const target = new Float64Array(size);
    kernel.dots(mean, target);
    const { cap, minEffectiveShare } = settings;
    const regularization = Math.max(leastRidge, settings.regularization);
    const start = this.#lastWeights(kernel.dots);
    const options = { kernel, target, regularization, cap, minEffectiveShare, tolerance };
    const solved = mmdWeights(start === undefined ? options : { ...options, start });
    const { weights, shift, effectiveSampleSize, gap, iterations } = solved;
    const synthetic = kernel.combine(weights);
    const ridge = solved.regularization * size;
    const bounds = { ridge, cap: cap / size };
    return {
      witness: mean.map((value, i) => value - (synthetic[i] ?? 0)),
      shift,
      ...bounds,
      own: ownPart({ kernel, weights, ...bounds, seed: hashUint32(seed, name, seen) }),
      size,
      seen,
      iterations,
      scale: Math.max(1, quantile(weights, keptQuantile) * size),
      effectiveSampleSize,
      regularization: solved.regularization,
      gap,
    };
  }

  /** Of the texts inside, by the last solution: it is stored whole, so a restart starts from the same ones. */
  #lastWeights(dots: (vector: Float64Array, into: Float64Array) => void): Float64Array | undefined {
    const solution = this.#solution;
    if (solution === undefined) return undefined;
    const { oldest, seen, size } = this.#window;
    // what had a part in it has its own part in its witness
    const ofTheirs = { ...solution, own: 0 };
    const weights = new Float64Array(size);
    dots(solution.witness, weights);
    for (let number = oldest; number < seen; number++) {
      const slot = this.#window.slotOf(number);
      weights[slot] = outOfSampleWeight(weights[slot] ?? 0, number < solution.seen ? ofTheirs : solution);
    }
    return weights;
  }

  #map(slot: number, embedding: Float32Array): void {
    if (this.#features === undefined) return;
    this.#features.map(embedding, this.#phi);
    this.#rows.set(this.#phi, slot * this.#features.length);
  }
}

/** The figures of the solution that a memory holds under `name`; undefined where there is none. */
export function solutionFigures(memory: ReadonlyMap<string, unknown>, name: string): SolutionFigures | undefined {
  const solution = storedSolution(`${name}/solution`, memory.get(`${name}/solution`));
  if (solution === undefined) return undefined;
  const { size, effectiveSampleSize, regularization, gap } = solution;
  return { size, effectiveSampleSize, regularization, gap };
}

/** What keeps the mean weight at 1. */
const runningType = z.object({
  /** Of the newest weights, before they are divided by it. */
  mean: z.number(),
  count: z.int(),
  /** The number of texts so far less the sum of their weights, but for what is too much to be made up for. */
  missing: z.number(),
});
type Running = Readonly<z.infer<typeof runningType>>;

const solutionType = z.object({
  /** Float64 values, as base64. */
  witness: z.base64(),
  shift: z.number(),
  ridge: z.number(),
  own: z.number(),
  cap: z.number(),
  size: z.int(),
  // what was stored without them makes a slower start
  seen: z.int().default(0),
  iterations: z.int().default(0),
  scale: z.number(),
  effectiveSampleSize: z.number(),
  regularization: z.number(),
  gap: z.number(),
});

function storedRunning(key: string, stored: unknown): Running {
  if (stored === undefined) return { mean: 1, count: priorTexts, missing: 0 };
  const { success, data } = runningType.safeParse(stored);
  if (!success) throw damaged(key);
  return data;
}

function storedSolution(key: string, stored: unknown): Solution | undefined {
  if (stored === undefined || stored === null) return undefined;
  const { success, data } = solutionType.safeParse(stored);
  if (!success) throw damaged(key);
  return { ...data, witness: restoredFloats(data.witness) };
}

function damaged(key: string): HeadwaterError {
  return new HeadwaterError('record-invalid', `the memory of weighted texts is damaged at '${key}'`);
}

function quantile(values: Float64Array, share: number): number {
  return values.toSorted()[Math.floor(share * (values.length - 1))] ?? 0;
}
