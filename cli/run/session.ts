import type { StageName } from '../../streams/river/stages.js';
import type { WorkerState } from '../../streams/river/worker-state.js';
import type { Io } from '../io.js';
import type { LoadedRecipe } from '../recipe/load-recipe.js';
import type { Interruption } from '../signals.js';
import type { Prepared } from './prepare.js';
import type { Reuse } from './reuse.js';
import type { RunWatch } from './run-view.js';
import type { Supervision } from './supervision.js';

/** A run of one process, from its preparation to its summary. */
export interface Session {
  readonly loaded: LoadedRecipe;
  readonly prepared: Prepared;
  readonly stages: readonly StageName[];
  readonly print: boolean;
  readonly graceMs: number;
  readonly watch: RunWatch;
  readonly reuse: Reuse;
  /** How this process fares as a worker. */
  readonly state: WorkerState;
  /** Where another process started it, which shows what it does. */
  readonly supervised: Supervision | undefined;
  readonly interruption: Interruption;
  readonly io: Io;
}

/** How a run ended: with all samples, at Ctrl-C, or with its budget spent. */
export type Ending = 'complete' | 'stopped' | 'budget';
