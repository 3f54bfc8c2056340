import { medianHeuristic } from '../../operators/kernels/mmd/median-heuristic.js';
import type { Points } from '../../operators/kernels/points.js';
import { HeadwaterError } from '../../schemas/errors.js';
import { compute } from '../threads/compute.js';
import { plainLoopsMs } from '../threads/estimates.js';
import { wholeTask } from '../threads/task.js';

/** Points that the median is taken over, at most. */
const mostPoints = 512;
/** To write a distance and to sort it, in multiplications. */
const sortWork = 200;

export interface MedianJob {
  readonly points: Points;
  readonly seed: number;
}

/** `medianHeuristic` of the kernels. */
export const medianDistance = wholeTask<MedianJob, number>(
  {
    module: import.meta.url,
    name: 'medianDistance',
    does: 'looks for a bandwidth',
    remedy: 'close what else needs memory',
    estimatedMs: ({ points: { size, dimensions } }) =>
      plainLoopsMs((Math.min(size, mostPoints) ** 2 / 2) * (dimensions + sortWork)),
  },
  ({ points, seed }) => medianHeuristic(points, { seed, maxPoints: mostPoints }),
);

export interface MedianOptions {
  /** That the points are from. */
  readonly file: string;
  /** That the bandwidth can be given by. */
  readonly option: string;
  readonly seed: number;
  readonly signal: AbortSignal;
}

/** The median heuristic on a file's vectors; rejects with `input-unreadable`, naming the option to give, where there is but one. */
export async function medianBandwidth(points: Points, options: MedianOptions): Promise<number> {
  const { file, option, seed, signal } = options;
  if (points.size >= 2) return compute(medianDistance, { points, seed }, { signal });
  throw new HeadwaterError('input-unreadable', `${file} has 1 record, which has no distances: give one with ${option}`);
}
