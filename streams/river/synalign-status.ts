import { scopedMemory } from '../../operators/flow/scoped.js';
import { type WeighReport, weighReport } from '../../operators/synalign/align/weigh.js';
import { Exploration, type ExplorationReport } from '../../operators/synalign/explore/exploration.js';
import type { AttributeFigures } from '../../operators/synalign/reason/attribute-figures.js';
import type { Recipe } from '../../schemas/recipe.js';

/** What exploring has seen of the real stream, which attributes it was found to have, and how samples were weighted, by lane. */
export interface SynalignStatus {
  readonly exploration: readonly (ExplorationReport & { readonly lane: number })[];
  readonly attributes: readonly (AttributeFigures & { readonly lane: number })[];
  readonly weights: readonly { readonly lane: number; readonly labels: readonly WeighReport[] }[];
}

type Memories = readonly ReadonlyMap<string, unknown>[];

/** Whether a key of the stage `plan` is needed for a status. */
export function isExplorationKey(key: string): boolean {
  return key.startsWith('explore/');
}

/** Whether a key of the stage `align` is. */
export function isWeightKey(key: string): boolean {
  return key.startsWith('weigh/');
}

/** From what `plan` and `align` remember in each lane; null where the recipe neither explores, reasons nor weights. */
export function synalignStatus(
  recipe: Recipe,
  {
    plan,
    align,
    attributes,
  }: { readonly plan: Memories; readonly align: Memories; readonly attributes: readonly AttributeFigures[] },
): SynalignStatus | null {
  const { explore, reason, align: weigh } = recipe.steps;
  if (explore === 'off' && reason === 'off' && weigh === 'off') return null;
  return {
    attributes: attributes.map((figures, lane) => ({ lane, ...figures })),
    exploration: explore === 'off' ? [] : plan.flatMap((memory, lane) => explorationOf(recipe, memory, lane)),
    weights:
      weigh === 'off'
        ? []
        : align.map((memory, lane) => ({ lane, labels: weighReport(scopedMemory(memory, 'weigh'), recipe.domain) })),
  };
}

/** None before the first real record. */
function explorationOf({ seed, steps }: Recipe, stage: ReadonlyMap<string, unknown>, lane: number) {
  const memory = scopedMemory(stage, 'explore');
  const [, id, dimensions] = /^(.*) (\d+) \d+ \d+$/.exec(String(memory.get('shape'))) ?? [];
  if (steps.explore === 'off' || id === undefined || dimensions === undefined) return [];
  const embedder = { id, dimensions: Number(dimensions) };
  const frequencies = 1;
  // Only what was explored is asked for, so nothing of a steering is restored.
  const own = new Map([...memory].filter(([key]) => key !== 'steer'));
  const exploration = new Exploration({
    memory: own,
    embedder,
    lane,
    seed,
    settings: steps.explore,
    steer: 'off',
    frequencies,
  });
  return [{ lane, ...exploration.report() }];
}
