import type { Io } from '../io.js';
import { loadRecipe } from '../recipe/load-recipe.js';
import { overridesOf, type RunOptions } from '../run/run-options.js';

/** `headwater run`: streams samples until the target is reached, or Ctrl-C; resolves with the exit code. */
export async function run(options: RunOptions, io: Io): Promise<number> {
  // Of models, a worker with some of the stages needs the keys of those that it asks.
  const secrets = options.stages === undefined ? 'all' : 'topics';
  const loaded = await loadRecipe(options.recipe, { ...overridesOf(options), secrets });
  // Loaded only now: what is wrong with a recipe is told in half the time.
  const { runLoaded } = await import('../run/run-loaded.js');
  return runLoaded(loaded, options, io);
}
