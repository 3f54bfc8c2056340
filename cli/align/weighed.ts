import { effectiveSampleSize } from '../../operators/kernels/weights/effective-sample-size.js';
import { outOfSampleWeight } from '../../operators/kernels/weights/mmd-weights.js';
import { alignmentFeatures } from '../../operators/synalign/align/alignment-features.js';
import type { HeldVectors } from '../files/held-vectors.js';
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
  const phi = new Float64Array(features.length);
  const rows: number[] = [];
  const labels: (string | undefined)[] = [];
  const raw: number[] = [];
  const placesOf = new Map<string | undefined, number[]>();
  for await (const batch of (await again()).batches()) {
    for (const { row, vector, label } of batch) {
      const group = groups.get(label);
      features.map(vector, phi);
      const weight = group === undefined ? 0 : (known.get(row) ?? readOff(group, phi));
      rows.push(row);
      labels.push(label);
      raw.push(weight);
      const places = placesOf.get(label);
      if (places === undefined) placesOf.set(label, [raw.length - 1]);
      else places.push(raw.length - 1);
    }
  }
  const weights = new Float64Array(rows.length);
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

function readOff({ places, others }: Group, phi: Float64Array): number {
  if (others === null) return 0;
  const witness = phi.reduce((sum, value, i) => sum + value * (others.witness[i] ?? 0), 0);
  return places.length * outOfSampleWeight(witness, others);
}

/** Labels of either side, those of most real records first. */
export function labelShares({ weights, labels }: Weighed, real: RealSide): readonly LabelShares[] {
  const own = new Map<string, number[]>();
  for (const [i, label = ''] of labels.entries()) {
    const of = own.get(label);
    if (of === undefined) own.set(label, [weights[i] ?? 0]);
    else of.push(weights[i] ?? 0);
  }
  const realOf = (label: string) => (real.counts.get(label) ?? 0) / real.count;
  const all = new Set([...[...real.counts.keys()].flatMap((label) => label ?? []), ...own.keys()]);
  return [...all]
    .toSorted((a, b) => realOf(b) - realOf(a) || (a < b ? -1 : 1))
    .map((label) => {
      const of = Float64Array.from(own.get(label) ?? []);
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
