import { setImmediate } from 'node:timers/promises';

import type { Points } from '../../operators/kernels/points.js';
import type { AlignmentFeatures } from '../../operators/synalign/align/alignment-features.js';
import type { HeldVectors } from './held-vectors.js';
import type { VectorRecord } from './vector-batches.js';

/** The features that weights are fitted in, and others that they are judged by. */
export interface TwoFeatures {
  /** Of the kernel that they stand for. */
  readonly bandwidth: number;
  readonly fit: AlignmentFeatures;
  readonly judge: AlignmentFeatures;
}

/** Points whose features are computed at a time. */
const chunk = 256;

/** Held points until others get their turn: a tenth of a second of work. */
const turn = 2048;

/** Mean features of records: those to fit by label, those to judge over all. Two feature vectors and one a label. */
export class FeatureMeans {
  readonly #sums = new Map<string | undefined, { readonly sum: Float64Array; count: number }>();
  readonly #judge: Float64Array;
  #count = 0;

  constructor(private readonly features: TwoFeatures) {
    this.#judge = new Float64Array(features.judge.length);
  }

  /** Of held records; others get their turn meanwhile. Rejects with the signal's reason. */
  static async of(features: TwoFeatures, held: HeldVectors, signal: AbortSignal): Promise<FeatureMeans> {
    const means = new FeatureMeans(features);
    const { data, size, dimensions } = held.points;
    for (let from = 0; from < size; from += turn) {
      await setImmediate();
      signal.throwIfAborted();
      const to = Math.min(size, from + turn);
      const part = { data: data.subarray(from * dimensions, to * dimensions), size: to - from, dimensions };
      means.addPoints(part, held.labels.slice(from, to));
    }
    return means;
  }

  addAll(records: readonly VectorRecord[]): void {
    const [first] = records;
    if (first === undefined) return;
    const dimensions = first.vector.length;
    const data = new Float32Array(records.length * dimensions);
    for (const [i, { vector }] of records.entries()) data.set(vector, i * dimensions);
    this.addPoints(
      { data, size: records.length, dimensions },
      records.map(({ label }) => label),
    );
  }

  addPoints(points: Points, labels: readonly (string | undefined)[]): void {
    const { fit, judge } = this.features;
    eachFeatures(fit, points, (at, features) => {
      const entry = this.#sums.get(labels[at]) ?? { sum: new Float64Array(fit.length), count: 0 };
      this.#sums.set(labels[at], entry);
      entry.count++;
      for (let i = 0; i < features.length; i++) entry.sum[i] = (entry.sum[i] ?? 0) + (features[i] ?? 0);
    });
    eachFeatures(judge, points, (_, features) => {
      const sum = this.#judge;
      for (let i = 0; i < features.length; i++) sum[i] = (sum[i] ?? 0) + (features[i] ?? 0);
    });
    this.#count += points.size;
  }

  /** Of a label's records, to fit; zeros where there are none. */
  meanOf(label: string | undefined): Float64Array {
    const entry = this.#sums.get(label);
    if (entry === undefined) return new Float64Array(this.features.fit.length);
    return entry.sum.map((value) => value / entry.count);
  }

  /** Of all records, to judge. */
  get judgeMean(): Float64Array {
    return this.#judge.map((value) => value / this.#count);
  }
}

/** Calls back with the features of each point in turn, in an array that is overwritten. */
export function eachFeatures(
  features: AlignmentFeatures,
  points: Points,
  visit: (at: number, features: Float64Array) => void,
): void {
  const { length } = features;
  const rows = new Float64Array(Math.min(chunk, points.size) * length);
  for (let from = 0; from < points.size; from += chunk) {
    const count = Math.min(chunk, points.size - from);
    const part = rows.subarray(0, count * length);
    part.fill(0);
    features.mapAll(points, part, from, count);
    for (let i = 0; i < count; i++) visit(from + i, part.subarray(i * length, (i + 1) * length));
  }
}
