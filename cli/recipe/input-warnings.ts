import { newmaLearning } from '../../operators/kernels/sequential/newma.js';
import { leastRealForCorrections, realBeforeCorrections } from '../../operators/synalign/mmd/rolling-comparison.js';
import type { Recipe } from '../../schemas/recipe.js';
import type { CountedInput } from './count-input.js';

type RollingMmd = Exclude<Recipe['steps']['rollingMmd'], 'off'>;

/** What a recipe asks of its real stream, and a file of so few records never gives. */
export function inputWarnings(recipe: Recipe, inputs: readonly CountedInput[]): readonly string[] {
  const { rollingMmd } = recipe.steps;
  const read = inputs.find(({ input }) => input === 'real')?.read ?? null;
  if (read === null || rollingMmd === 'off') return [];
  const { partitions } = recipe.topics;
  const inLane = Math.floor(read / partitions);
  const has = `inputs.real has ${inLane} records${partitions === 1 ? '' : ` for each of ${partitions} lanes`}`;
  const needed = leastRealForCorrections(rollingMmd.window);
  return [
    ...(inLane < needed
      ? [
          `steps.rollingMmd: ${has}, and corrections need ${needed}: the distance will not be known, and nothing steered; ` +
            'add records, or lower steps.rollingMmd.window',
        ]
      : []),
    ...driftWarnings(rollingMmd, inLane, has),
  ];
}

function driftWarnings({ drift, window }: RollingMmd, inLane: number, has: string): readonly string[] {
  if (drift === 'off') return [];
  if (drift.test === 'newma') {
    // learning begins with the record that fixes the bandwidth
    const learned = realBeforeCorrections(window) - 1 + newmaLearning(drift.window);
    const why = `${has}, and the first ${learned} are learned from: drift will not be tested`;
    return inLane <= learned ? [`steps.rollingMmd.drift.window: ${why}; lower it, or add records`] : [];
  }
  const why = `${has}, and the first ${drift.reference} are the reference: drift will not be tested`;
  return inLane <= drift.reference ? [`steps.rollingMmd.drift.reference: ${why}; lower it, or add records`] : [];
}
