import { medianHeuristic } from '../../operators/kernels/mmd/median-heuristic.js';
import type { Points } from '../../operators/kernels/points.js';
import { HeadwaterError } from '../../schemas/errors.js';

/** The median heuristic on a file's vectors; throws `input-unreadable`, naming the option to give, where there is but one. */
export function medianBandwidth(points: Points, file: string, seed: number, option: string): number {
  if (points.size >= 2) return medianHeuristic(points, { seed });
  throw new HeadwaterError('input-unreadable', `${file} has 1 record, which has no distances: give one with ${option}`);
}
