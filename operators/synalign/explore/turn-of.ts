import type { Correction } from '../../../schemas/correction.js';

/** Of `seen` real records, the number of the first that is of what the stream has turned to: of those that the last alarm was raised by. */
export function turnOf({ real, drift }: Pick<Correction, 'real' | 'drift'>, seen: number): number {
  const { since = 0, window = 0 } = drift ?? {};
  return seen - Math.max(0, seen - real.seen) - since - window + 1;
}
