import { realBeforeCorrections } from '../../operators/synalign/mmd/rolling-comparison.js';
import type { Recipe } from '../../schemas/recipe.js';
import type { CountedInput } from './count-input.js';

/** What a recipe asks of its real stream, and a file of so few records never gives. */
export function inputWarnings(recipe: Recipe, inputs: readonly CountedInput[]): readonly string[] {
  const { rollingMmd } = recipe.steps;
  const read = inputs.find(({ input }) => input === 'real')?.read ?? null;
  if (read === null || rollingMmd === 'off') return [];
  const { partitions } = recipe.topics;
  const inLane = Math.floor(read / partitions);
  const has = `inputs.real has ${inLane} records${partitions === 1 ? '' : ` for each of ${partitions} lanes`}`;
  const { window, drift } = rollingMmd;
  const needed = realBeforeCorrections(window);
  return [
    ...(inLane < needed
      ? [
          `steps.rollingMmd: ${has}, and corrections begin at ${needed}: the distance will not be known, and nothing steered; ` +
            'add records, or lower steps.rollingMmd.window',
        ]
      : []),
    ...(drift !== 'off' && inLane <= drift.reference
      ? [
          `steps.rollingMmd.drift.reference: ${has}, and the first ${drift.reference} are the reference: drift will not be tested; ` +
            'lower it, or add records',
        ]
      : []),
  ];
}
