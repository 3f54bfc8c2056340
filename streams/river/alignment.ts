import { chain } from '../../operators/flow/chain.js';
import { inPlanOrder } from '../../operators/flow/in-plan-order.js';
import { quota } from '../../operators/flow/quota.js';
import { scoped } from '../../operators/flow/scoped.js';
import { without } from '../../operators/flow/without.js';
import type { EmbeddedDraft } from '../../operators/quality/embedded-draft.js';
import { type GateOptions, gate } from '../../operators/quality/gate.js';
import { measure } from '../../operators/quality/measure.js';
import { embed } from '../../operators/synalign/embed.js';
import type { EmbeddedReal } from '../../operators/synalign/embedded-real.js';
import { rollingMmd } from '../../operators/synalign/rolling-mmd.js';
import { sampled } from '../../operators/synalign/sampled.js';
import type { AnyRecord } from '../../schemas/codec.js';
import type { Recipe } from '../../schemas/recipe.js';
import type { StageContext } from '../stage/stage.js';
import { needed, type RiverParts, type StageOperator } from './parts.js';

type Flowing = AnyRecord | EmbeddedReal;

/** A text is put in plan order, embedded, judged, counted, compared with the real stream, and measured. */
export function aligning(recipe: Recipe, parts: RiverParts, { partition: lane, memory }: StageContext): StageOperator {
  const { domain, steps, seed } = recipe;
  const { rollingMmd: mmd, measure: figures } = steps;
  const embedder = needed(parts.embedder, 'embed');
  return chain(
    scoped('order', memory, (own) => inPlanOrder({ memory: own, lane })),
    embed({ embedder, domain, drafts: figures !== 'off' }),
    scoped('gate', memory, (own) => gate<Flowing>({ ...gateOptions(recipe, parts), memory: own })),
    scoped('quota', memory, (own) => quota<Flowing>({ memory: own, lane })),
    sampled(),
    mmd === 'off'
      ? without<Flowing | EmbeddedDraft, 'embedded-real'>('embedded-real')
      : scoped('mmd', memory, (own) => rollingMmd({ ...mmd, embedder, lane, memory: own, seed })),
    figures === 'off'
      ? without<AnyRecord | EmbeddedDraft, 'embedded-draft'>('embedded-draft')
      : scoped('measure', memory, (own) => measure({ ...figures, embedder, lane, memory: own, seed })),
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
