import { type Directions, type Vendi, vendiOf } from '../../operators/quality/vector-summary.js';
import { plainLoopsMs } from '../threads/estimates.js';
import { wholeTask } from '../threads/task.js';

/** The Vendi score of vectors that point in these directions: eigenvalues, of a matrix as wide as there are dimensions or records. */
export const vendiScoreTask = wholeTask<Directions, Vendi>(
  {
    module: import.meta.url,
    name: 'vendiScoreTask',
    does: 'computes the Vendi score',
    remedy: 'close what else needs memory',
    estimatedMs: (job) => plainLoopsMs(8 * ('triangle' in job ? job.dimensions : job.records) ** 3),
  },
  vendiOf,
);
