import { chain } from '../../operators/flow/chain.js';
import { inPlanOrder } from '../../operators/flow/in-plan-order.js';
import { quota } from '../../operators/flow/quota.js';
import { scoped } from '../../operators/flow/scoped.js';
import { gate } from '../../operators/quality/gate.js';
import { embed } from '../../operators/synalign/embed.js';
import { rollingMmd } from '../../operators/synalign/rolling-mmd.js';
import type { AnyRecord } from '../../schemas/codec.js';
import type { Recipe } from '../../schemas/recipe.js';
import type { StageContext } from '../stage/stage.js';
import { needed, type RiverParts, type StageOperator } from './parts.js';

/** A text is put in plan order, judged, counted, embedded, and compared with the real stream. */
export function aligning(
  recipe: Recipe,
  { embedder, meter }: RiverParts,
  { partition: lane, memory }: StageContext,
): StageOperator {
  const { domain, steps, seed } = recipe;
  const embedding = embed({ embedder: needed(embedder, 'embed'), domain });
  const ordered = scoped('order', memory, (own) => inPlanOrder({ memory: own, lane }));
  const judged = scoped('gate', memory, (own) => gate<AnyRecord>({ ...steps.gate, domain, memory: own, meter }));
  const counted = scoped('quota', memory, (own) => quota({ memory: own, lane }));
  const { rollingMmd: mmd } = steps;
  if (mmd === 'off') return chain(ordered, judged, counted, embedding) as StageOperator;
  const compared = scoped('mmd', memory, (own) =>
    rollingMmd({ ...mmd, embedder: needed(embedder, 'embed'), lane, memory: own, seed }),
  );
  return chain(ordered, judged, counted, embedding, compared);
}
