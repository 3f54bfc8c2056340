import { CholeskyDecomposition, Matrix } from 'ml-matrix';

import type { Points } from '../../operators/kernels/points.js';

/** Texts of two classes, of which some count for more. */
export interface Classed {
  readonly points: Points;
  readonly isFirst: readonly boolean[];
  /** At least 0. */
  readonly weights: ArrayLike<number>;
}

/** Of the ridge, where the weights of each class add up to 1 and vectors have unit norm. */
const ridge = 0.02;

/**
 * How well a linear classifier that is trained on some texts tells the classes of others: balanced accuracy, 0.5 for chance.
 *
 * Weighted ridge regression on +1 and -1, in which both classes weigh alike; accuracies are weighted too.
 */
export function balancedAccuracy(train: Classed, test: Classed): number {
  const { dimensions } = train.points;
  const totals = classWeights(train);
  const gram = Matrix.eye(dimensions + 1).mul(ridge);
  const target = Matrix.zeros(dimensions + 1, 1);
  for (let i = 0; i < train.points.size; i++) {
    const isFirst = train.isFirst[i] ?? false;
    const weight = (train.weights[i] ?? 0) / totals[isFirst ? 0 : 1];
    if (weight === 0) continue;
    const row = rowOf(train.points, i);
    for (let a = 0; a <= dimensions; a++) {
      const scaled = weight * (row[a] ?? 0);
      target.set(a, 0, target.get(a, 0) + (isFirst ? scaled : -scaled));
      for (let b = a; b <= dimensions; b++) {
        gram.set(a, b, gram.get(a, b) + scaled * (row[b] ?? 0));
        gram.set(b, a, gram.get(a, b));
      }
    }
  }
  const coefficients = new CholeskyDecomposition(gram).solve(target).to1DArray();
  const right: [number, number] = [0, 0];
  for (let i = 0; i < test.points.size; i++) {
    const isFirst = test.isFirst[i] ?? false;
    const score = rowOf(test.points, i).reduce((sum, value, a) => sum + value * (coefficients[a] ?? 0), 0);
    if (score > 0 === isFirst) right[isFirst ? 0 : 1] += test.weights[i] ?? 0;
  }
  const [first, second] = classWeights(test);
  return (right[0] / first + right[1] / second) / 2;
}

function classWeights({ isFirst, weights }: Classed): readonly [first: number, second: number] {
  const totals: [number, number] = [0, 0];
  for (const [i, is] of isFirst.entries()) totals[is ? 0 : 1] += weights[i] ?? 0;
  return totals;
}

/** With a 1 behind it, for the constant. */
function rowOf({ data, dimensions }: Points, i: number): number[] {
  return [...data.subarray(i * dimensions, (i + 1) * dimensions), 1];
}
