import type { Points } from '../../operators/kernels/points.js';
import { type AlignmentFeatures, alignmentFeatures } from '../../operators/synalign/align/alignment-features.js';
import type { VectorRecord } from '../files/held-vectors.js';
import { steppedTask } from '../threads/task.js';
import { eachFeatures, featureChunk, featuresMs, type TwoFeatures } from './each-features.js';

/** Features of records, added up: those to fit by label, those to judge over all. Two feature vectors and one a label. */
export interface FeatureSums {
  readonly byLabel: Map<string | undefined, { readonly sum: Float64Array; count: number }>;
  readonly judge: Float64Array;
  count: number;
}

type Labels = readonly (string | undefined)[];

/** Mean features of records, which come in whenever they like. */
export class FeatureMeans {
  readonly #fit: AlignmentFeatures;
  readonly #judge: AlignmentFeatures;
  readonly #sums: FeatureSums;

  /** Goes on from the sums of other records. */
  constructor(features: TwoFeatures, sums?: FeatureSums) {
    this.#fit = alignmentFeatures(features.fit);
    this.#judge = alignmentFeatures(features.judge);
    this.#sums = sums ?? { byLabel: new Map(), judge: new Float64Array(this.#judge.length), count: 0 };
  }

  get sums(): FeatureSums {
    return this.#sums;
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

  addPoints(points: Points, labels: Labels): void {
    const { byLabel, judge } = this.#sums;
    for (const [at, phi] of eachFeatures(this.#fit, points)) {
      const entry = byLabel.get(labels[at]) ?? { sum: new Float64Array(phi.length), count: 0 };
      byLabel.set(labels[at], entry);
      entry.count++;
      addTo(entry.sum, phi);
    }
    for (const [, phi] of eachFeatures(this.#judge, points)) addTo(judge, phi);
    this.#sums.count += points.size;
  }

  /** Of a label's records, to fit; zeros where there are none. */
  meanOf(label: string | undefined): Float64Array {
    const entry = this.#sums.byLabel.get(label);
    if (entry === undefined) return new Float64Array(this.#fit.length);
    return entry.sum.map((value) => value / entry.count);
  }

  /** Of all records, to judge. */
  get judgeMean(): Float64Array {
    return this.#sums.judge.map((value) => value / this.#sums.count);
  }
}

export interface FeatureSumsJob {
  readonly features: TwoFeatures;
  readonly points: Points;
  readonly labels: Labels;
}

/** The sums of `FeatureMeans` over records that are held. */
export const heldFeatureSums = steppedTask<FeatureSumsJob, FeatureSums, number>(
  {
    module: import.meta.url,
    name: 'heldFeatureSums',
    does: 'adds up the features of real records',
    remedy: 'try fewer of them',
    estimatedMs: ({ features, points: { size } }) => featuresMs(size, features.fit) + featuresMs(size, features.judge),
  },
  function* ({ features, points: { data, size, dimensions }, labels }, tell) {
    const means = new FeatureMeans(features);
    for (let from = 0; from < size; from += featureChunk) {
      const to = Math.min(size, from + featureChunk);
      const part = { data: data.subarray(from * dimensions, to * dimensions), size: to - from, dimensions };
      means.addPoints(part, labels.slice(from, to));
      tell(to / size);
      yield;
    }
    return means.sums;
  },
);

function addTo(sum: Float64Array, values: Float64Array): void {
  for (let i = 0; i < values.length; i++) sum[i] = (sum[i] ?? 0) + (values[i] ?? 0);
}
