import { spreadOf } from '../../kernels/gaussian-process/greedy-variance.js';
import { type NearestObservation, PosteriorVariance } from '../../kernels/gaussian-process/posterior-variance.js';
import type { Candidate } from './candidate.js';

export interface CandidateProcessOptions {
  readonly dimensions: number;
  /** Picks at most. */
  readonly inducing: number;
  /** Candidates at most. */
  readonly candidates: number;
}

/** A pick, and the variance of the noise that it is observed with. */
export interface Observation {
  readonly embedding: Float32Array;
  readonly noise: number;
}

/** A Gaussian process, observed at picks and asked about candidates; before there is a length scale, nothing is known of any. */
export class CandidateProcess {
  readonly #options: CandidateProcessOptions;
  /** Of each candidate, while a pick is taken in: its nearest pick before. */
  readonly #homes: Int32Array;
  readonly #farness: Float64Array;
  /** A place for each candidate, its slot. */
  #posterior: PosteriorVariance | undefined;

  constructor(options: CandidateProcessOptions) {
    this.#options = options;
    this.#homes = new Int32Array(options.candidates);
    this.#farness = new Float64Array(options.candidates);
  }

  /** Undefined before there is a length scale. Its places are the candidates' slots. */
  get posterior(): PosteriorVariance | undefined {
    return this.#posterior;
  }

  /** Given all picks. */
  varianceOf({ slot }: Candidate): number {
    return this.#posterior?.variances[slot] ?? 1;
  }

  /** The index of the pick that is nearest to a candidate; -1 where there is none. */
  homeOf({ slot }: Candidate): number {
    return this.#posterior?.nearest[slot] ?? -1;
  }

  /** Of a record that is no candidate. */
  nearestTo(embedding: Float32Array): NearestObservation {
    return this.#posterior?.nearestTo(embedding) ?? { index: -1, kernel: 0 };
  }

  /** How far the variances of what was not picked are apart, 0 where all candidates are equal; undefined where only picks are left, or nothing was picked. */
  spread(candidates: readonly Candidate[]): number | undefined {
    const posterior = this.#posterior;
    if (posterior === undefined || posterior.size === 0) return undefined;
    const open = candidates.filter(({ slot }) => (posterior.nearestKernels[slot] ?? 1) < 1);
    if (open.length === 0) return areAlike(candidates) ? 0 : undefined;
    const variances = open.map((one) => this.varianceOf(one));
    const [least, most] = [variances.reduce((a, b) => Math.min(a, b)), variances.reduce((a, b) => Math.max(a, b))];
    return spreadOf(least, most, open.length);
  }

  /** How far so many candidates are from the newest pick, by slot, in no unit; undefined where there is none. The next call overwrites it. */
  farness(count: number): Float64Array | undefined {
    const posterior = this.#posterior;
    if (posterior === undefined || posterior.size === 0) return undefined;
    for (let slot = 0; slot < count; slot++) this.#farness[slot] = -posterior.kernelOf(slot, posterior.size - 1);
    return this.#farness.subarray(0, count);
  }

  /** From now on the length scale is this one; the picks and candidates are those that it would know, had it been this one all the time. */
  useLengthScale(bandwidth: number, picks: readonly Observation[], candidates: readonly Candidate[]): void {
    if (this.#posterior !== undefined) {
      this.#posterior.useBandwidth(bandwidth);
      return;
    }
    const { dimensions, inducing, candidates: places } = this.#options;
    this.#posterior = new PosteriorVariance({ dimensions, bandwidth, capacity: inducing, places });
    for (const { embedding, noise } of picks) this.#posterior.add(embedding, noise);
    for (const { slot, embedding } of candidates) this.#posterior.place(slot, embedding);
  }

  /** A candidate comes into its slot. */
  place({ slot, embedding }: Candidate): void {
    this.#posterior?.place(slot, embedding);
  }

  /** A pick is taken in; of the picks that were nearest to a candidate before and are no more, to how many. */
  observe({ embedding, noise }: Observation, candidates: readonly Candidate[]): ReadonlyMap<number, number> {
    const posterior = this.#posterior;
    const left = new Map<number, number>();
    if (posterior === undefined) return left;
    this.#homes.set(posterior.nearest);
    posterior.add(embedding, noise);
    for (let slot = 0; slot < candidates.length; slot++) {
      const home = this.#homes[slot] ?? -1;
      if (posterior.nearest[slot] !== home) left.set(home, (left.get(home) ?? 0) + 1);
    }
    return left;
  }
}

/** Whether there are two or more, and all are equal. */
function areAlike([first, ...others]: readonly Candidate[]): boolean {
  if (first === undefined || others.length === 0) return false;
  return others.every(({ embedding }) => embedding.every((value, i) => value === first.embedding[i]));
}
