import type { RecipeOverrides } from '../recipe/load-recipe.js';
import type { HealthAddress } from './health.js';

/** What `headwater run` was asked. */
export interface RunOptions {
  readonly recipe: string;
  readonly samples?: number;
  readonly data?: string;
  readonly out?: string;
  readonly stages?: string;
  readonly set: readonly string[];
  /** Data folders of other runs, whose paid answers are used again. */
  readonly reuse?: readonly string[];
  /** Of a recipe with arms: which one. */
  readonly arm?: string;
  /** Where the target was reached before: go for as many more. */
  readonly more: boolean;
  /** Write each sample to standard output when it is accepted. */
  readonly print: boolean;
  /** How long a first Ctrl-C lets models finish. */
  readonly graceMs: number;
  /** Where orchestrators ask how the process is. */
  readonly health?: HealthAddress;
}

/** What the command line changes in the recipe. */
export function overridesOf({ set, samples, out, arm }: RunOptions): RecipeOverrides {
  return {
    set,
    ...(samples === undefined ? {} : { samples }),
    ...(out === undefined ? {} : { out }),
    ...(arm === undefined ? {} : { arm }),
  };
}
