import type { Refined } from '../../schemas/refined.js';

/** When a refined text was finished, in milliseconds since 1970: the end of its last call, or of its planning without calls. */
export function finishedAt({ calls, plan }: Refined): number {
  const last = calls.at(-1);
  return last === undefined ? plan.plannedAt : Math.round(last.startedAt + last.milliseconds);
}
