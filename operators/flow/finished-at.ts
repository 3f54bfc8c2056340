import type { Refined } from '../../schemas/refined.js';

/**
 * When a refined text was finished, in milliseconds since 1970: the end of its last call, or of its planning without calls, and
 * where the answer is reused, which is older than the plan.
 */
export function finishedAt({ calls, plan }: Refined): number {
  const last = calls.at(-1);
  if (last === undefined) return plan.plannedAt;
  const end = Math.round(last.startedAt + last.milliseconds);
  return last.reused === true ? Math.max(end, plan.plannedAt) : end;
}
