import { dot } from '../../operators/kernels/dot.js';
import { effectiveSampleSize } from '../../operators/kernels/weights/effective-sample-size.js';
import { outOfSampleWeight } from '../../operators/kernels/weights/mmd-weights.js';
import { type AlignmentFeatures, alignmentFeatures } from '../../operators/synalign/align/alignment-features.js';
import type { HeldVectors } from '../files/held-vectors.js';
import { placesBy } from '../files/places-by.js';
import type { LabelShares } from './alignment.js';
import { cappedToMean1 } from './capped-to-mean-1.js';
import type { RealSide } from './real-side.js';
import { bothWeights, type Group, type Problem, type Solved } from './solve-all.js';
import type { VectorBatches } from './vector-batches.js';
import type { WeightRow } from './weights-file.js';

/** Each candidate's row and weight, in the order of the file. */
export interface Weighed {
  readonly rows: number[];
  /** Of mean 1. */
  readonly weights: Float64Array;
  readonly labels: (string | undefined)[];
}

/** Of candidates that were all solved for. */
export function weighTogether(sample: HeldVectors, { groups }: Solved): Weighed {
  const weights = bothWeights(sample, groups).fitted.map((weight) => weight * sample.size);
  return { rows: sample.rows, weights, labels: sample.labels };
}

/** Reads the candidates again: those of the sample have their weights, those of the others are read off the solution of their label. */
export async function weighAll(
  again: () => Promise<VectorBatches>,
  problem: Problem,
  { groups }: Solved,
): Promise<Weighed> {
  const { sample } = problem;
  const features = alignmentFeatures(problem.features.fit);
  const known = new Map<number, number>();
  for (const { places, weights } of groups.values()) {
    for (const [i, at] of places.entries()) known.set(sample.rows[at] ?? -1, (weights[i] ?? 0) * places.length);
  }
  const readOff = reader(features);
  const rows: number[] = [];
  const labels: (string | undefined)[] = [];
  const raw: number[] = [];
  for await (const batch of (await again()).batches()) {
    for (const { row, vector, label } of batch) {
      const group = groups.get(label);
      rows.push(row);
      labels.push(label);
      raw.push(group === undefined ? 0 : (known.get(row) ?? readOff(group, vector)));
    }
  }
  const weights = new Float64Array(rows.length);
  const placesOf = placesBy(labels);
  for (const [label, { share }] of groups) {
    const places = placesOf.get(label) ?? [];
    const capped = cappedToMean1(
      Float64Array.from(places, (at) => raw[at] ?? 0),
      problem.settings.cap,
    );
    for (const [i, at] of places.entries()) weights[at] = ((capped[i] ?? 0) * share * rows.length) / places.length;
  }
  return { rows, weights, labels };
}

/** Weights of texts that were not solved for, off the solution of their label. */
function reader(features: AlignmentFeatures): (group: Group, vector: Float32Array) => number {
  const phi = new Float64Array(features.length);
  return ({ places, others }, vector) => {
    if (others === null) return 0;
    features.map(vector, phi);
    return places.length * outOfSampleWeight(dot(phi, others.witness), others);
  };
}

/** Labels of either side, those of most real records first. */
export function labelShares({ weights, labels }: Weighed, real: RealSide): readonly LabelShares[] {
  const placesOf = placesBy(labels.map((label = '') => label));
  const realOf = (label: string) => (real.counts.get(label) ?? 0) / real.count;
  const all = new Set([...[...real.counts.keys()].flatMap((label) => label ?? []), ...placesOf.keys()]);
  return [...all]
    .toSorted((a, b) => realOf(b) - realOf(a) || (a < b ? -1 : 1))
    .map((label) => {
      const of = Float64Array.from(placesOf.get(label) ?? [], (place) => weights[place] ?? 0);
      const sum = of.reduce((total, weight) => total + weight, 0);
      return {
        label,
        real: realOf(label),
        before: of.length / labels.length,
        after: sum / labels.length,
        count: of.length,
        effectiveSampleSize: sum > 0 ? effectiveSampleSize(of) : null,
      };
    });
}

/** In the order of the file. */
export function* rowsOf({ rows, weights }: Weighed): Generator<WeightRow> {
  for (const [i, index] of rows.entries()) yield { index, weight: weights[i] ?? 0 };
}
