import { map, type OperatorFunction } from 'rxjs';

import { chain } from '../../operators/flow/chain.js';
import { inPlanOrder } from '../../operators/flow/in-plan-order.js';
import type { Outcome } from '../../operators/flow/outcome.js';
import { quota } from '../../operators/flow/quota.js';
import { scoped } from '../../operators/flow/scoped.js';
import { without } from '../../operators/flow/without.js';
import type { EmbeddedDraft } from '../../operators/quality/embedded-draft.js';
import { type GateOptions, gate } from '../../operators/quality/gate.js';
import { measure } from '../../operators/quality/measure.js';
import { type WatchedDrift, weigh } from '../../operators/synalign/align/weigh.js';
import { embed } from '../../operators/synalign/embed.js';
import type { EmbeddedReal } from '../../operators/synalign/embedded-real.js';
import { rollingMmd } from '../../operators/synalign/mmd/rolling-mmd.js';
import { sampled } from '../../operators/synalign/sampled.js';
import type { AnyRecord } from '../../schemas/codec.js';
import type { Real } from '../../schemas/real.js';
import type { Recipe } from '../../schemas/recipe.js';
import type { StageContext } from '../stage/stage.js';
import { compares } from './compares.js';
import { needed, type RiverParts, type StageOperator } from './parts.js';

type Flowing = AnyRecord | EmbeddedReal;

/** A text is put in plan order, embedded, judged, counted, compared with the real stream, and measured. */
export function aligning(recipe: Recipe, parts: RiverParts, context: StageContext): StageOperator {
  const { domain, steps, seed } = recipe;
  const { partition: lane, memory, positionOf } = context;
  const { rollingMmd: mmd, measure: figures } = steps;
  const embedder = needed(parts.embedder, 'embed');
  // Plans that explore say which real records they knew: then weights and corrections do not depend on what came when.
  const isPlaced = steps.explore !== 'off' && compares(recipe);
  const drift = mmd === 'off' || mmd.drift === 'off' ? undefined : { alarms: 0, window: mmd.drift.window };
  const alarmed = (alarms: number) => {
    if (drift !== undefined) drift.alarms = alarms;
  };
  const placeOf = isPlaced ? (real: Real) => positionOf(real)?.offset : undefined;
  return chain(
    scoped('order', memory, (own) => inPlanOrder({ memory: own, lane, placeOf })),
    embed({ embedder, domain, drafts: figures !== 'off' }),
    scoped('gate', memory, (own) => gate<Flowing>({ ...gateOptions(recipe, parts), memory: own })),
    weighing(recipe, parts, context, drift),
    scoped('quota', memory, (own) => quota<Flowing>({ memory: own, lane })),
    sampled(),
    mmd === 'off'
      ? without<Flowing | EmbeddedDraft, 'embedded-real'>('embedded-real')
      : scoped('mmd', memory, (own) => rollingMmd({ ...mmd, embedder, lane, memory: own, seed, domain, alarmed })),
    figures === 'off'
      ? without<AnyRecord | EmbeddedDraft, 'embedded-draft'>('embedded-draft')
      : scoped('measure', memory, (own) => measure({ ...figures, embedder, lane, memory: own, seed })),
  );
}

/** Texts that are like the real records get weights by which all together are like them. */
function weighing(
  { domain, steps: { align, rollingMmd }, seed }: Recipe,
  { embedder, meter }: RiverParts,
  { memory }: StageContext,
  drift: WatchedDrift | undefined,
): OperatorFunction<Flowing, Outcome<Flowing, Flowing>> {
  if (align === 'off') return map((input) => ({ kind: 'emitted', input, outputs: [input] }));
  const frequencies = rollingMmd === 'off' ? {} : { frequencies: rollingMmd.frequencies };
  return scoped('weigh', memory, (own) =>
    weigh({
      embedder: needed(embedder, 'embed'),
      domain,
      memory: own,
      seed,
      settings: align,
      ...frequencies,
      drift,
      meter,
    }),
  );
}

function gateOptions(
  { domain, steps }: Recipe,
  { benchmarks, detectLanguage, meter }: RiverParts,
): Omit<GateOptions, 'memory'> {
  const { seedOverlap, language, pii, refusals } = steps.gate;
  return {
    domain,
    seedOverlap,
    refusals: refusals === 'on',
    personalData: pii === 'off' ? [] : pii,
    ...(language === 'off' ? {} : { language: { languages: language, detect: needed(detectLanguage, 'language') } }),
    dedupe: steps.dedupe,
    benchmarks,
    meter,
  };
}
