import { effectiveSampleSize } from '../../operators/kernels/weights/effective-sample-size.js';
import { outOfSampleWeight } from '../../operators/kernels/weights/mmd-weights.js';
import type { LabelShares } from './alignment.js';
import type { HeldVectors } from './held-vectors.js';
import type { RealSide } from './real-side.js';
import { bothWeights, type Group, type Problem, type Solved } from './solve-all.js';
import type { Others } from './solve-group.js';
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
  const { sample, features } = problem;
  const others = new Map([...groups].map(([label, group]) => [label, group.others?.()] as const));
  const known = new Map<number, number>();
  for (const { places, weights } of groups.values()) {
    for (const [i, at] of places.entries()) known.set(sample.rows[at] ?? -1, (weights[i] ?? 0) * places.length);
  }
  const phi = new Float64Array(features.fit.length);
  const rows: number[] = [];
  const labels: (string | undefined)[] = [];
  const raw: number[] = [];
  const sums = new Map<string | undefined, number>();
  for await (const batch of (await again()).batches()) {
    for (const { row, vector, label } of batch) {
      const group = groups.get(label);
      features.fit.map(vector, phi);
      const weight = group === undefined ? 0 : (known.get(row) ?? readOff(group, others.get(label), phi));
      rows.push(row);
      labels.push(label);
      raw.push(weight);
      sums.set(label, (sums.get(label) ?? 0) + weight);
    }
  }
  const weights = Float64Array.from(raw, (weight, i) => {
    const group = groups.get(labels[i]);
    const sum = sums.get(labels[i]) ?? 0;
    return group === undefined || sum === 0 ? 0 : (weight * group.share * rows.length) / sum;
  });
  return { rows, weights, labels };
}

function readOff({ places }: Group, others: Others | undefined, phi: Float64Array): number {
  if (others === undefined) return 0;
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
