import { newmaLearning } from '../../operators/kernels/sequential/newma.js';
import { leastRealForCorrections, realBeforeCorrections } from '../../operators/synalign/mmd/rolling-comparison.js';
import type { Recipe } from '../../schemas/recipe.js';
import type { CountedInput } from './count-input.js';

type RollingMmd = Exclude<Recipe['steps']['rollingMmd'], 'off'>;

/** What a recipe asks of its real stream, and this file never gives. */
export function inputWarnings(recipe: Recipe, inputs: readonly CountedInput[]): readonly string[] {
  const real = inputs.find(({ input }) => input === 'real');
  if (real === undefined || real.read === null) return [];
  return [...labelWarnings(recipe, real.labels), ...sizeWarnings(recipe, real.read)];
}

/** Labels that one side lacks: their texts are held against nothing. */
function labelWarnings({ domain, steps: { align } }: Recipe, labels: CountedInput['labels']): readonly string[] {
  const { label } = domain;
  const follows = label?.shares === 'real';
  if (label === undefined || (align === 'off' && !follows)) return [];
  const missing = label.values.filter((value) => labels[value] === undefined);
  const unknown = Object.keys(labels).filter((value) => !label.values.includes(value));
  if (missing.length === 0) return [];
  const has = unknown.length === 0 ? '' : ` (they have ${unknown.slice(0, 5).join(', ')})`;
  const isAll = missing.length === label.values.length;
  const planned = isAll ? 'all labels will be planned alike' : 'none of these will be planned';
  const then = follows ? planned : 'their samples all weigh 1';
  const what = `domain.label: no record of inputs.real is ${missing.join(' or ')}${has}: ${then}`;
  return [`${what}; name labels as the real records do, or leave domain.label out`];
}

/** What takes more real records than there are. */
function sizeWarnings(recipe: Recipe, read: number): readonly string[] {
  const { rollingMmd } = recipe.steps;
  if (rollingMmd === 'off') return [];
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
