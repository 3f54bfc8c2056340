import type { WorkerState } from '../../streams/river/worker-state.js';
import type { Io } from '../io.js';
import type { Supervision } from './supervision.js';

/** Tells the supervisor what keeps this worker from its work; without one, a person where the brokers are away. */
export function tellChanges(state: WorkerState, supervised: Supervision | undefined, io: Io): void {
  let told: string | undefined;
  let waited = false;
  state.onChange(() => {
    const { obstacle } = state;
    if (supervised !== undefined) {
      if (obstacle !== told) supervised.tell({ type: 'obstacle', reason: obstacle ?? null });
      told = obstacle;
      return;
    }
    const waits = state.state === 'waiting for broker';
    if (waits && !waited) io.err(`\n${capitalized(obstacle ?? '')}; trying again ...\n`);
    if (!waits && waited) io.err('The broker answers again.\n');
    waited = waits;
  });
}

function capitalized(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}
