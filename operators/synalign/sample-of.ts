import { recordId } from '../../schemas/ids.js';
import type { Lineage } from '../../schemas/lineage.js';
import type { Refined } from '../../schemas/refined.js';
import type { Sample } from '../../schemas/sample.js';
import { finishedAt } from '../flow/finished-at.js';

/** The sample that a refined text becomes, of weight 1, created when the text was finished. */
export function sampleOf(refined: Refined, embedding: Float32Array): Sample {
  const { plan, fields } = refined;
  return {
    kind: 'sample',
    id: recordId('sample', refined.id),
    lane: plan.lane,
    ordinal: plan.ordinal,
    fields,
    ...(plan.label !== undefined && { label: plan.label }),
    weight: 1,
    // a copy of its own, so that the buffer of a whole batch need not stay for one vector
    embedding: new Float32Array(embedding),
    lineage: lineageOf(refined),
    createdAt: finishedAt(refined),
  };
}

/** Everything that a refined text came from, with what its calls cost together: null where one has no price. */
export function lineageOf({ plan, draft, calls }: Refined): Lineage {
  return {
    seedIds: plan.examples.map(({ id }) => id),
    documentIds: [],
    realIds: [],
    planId: plan.id,
    draftId: draft.id,
    promptIds: [...new Set(calls.map(({ prompt }) => prompt))],
    models: [...new Set(calls.map(({ model }) => model))],
    promptTokens: calls.reduce((sum, call) => sum + call.promptTokens, 0),
    completionTokens: calls.reduce((sum, call) => sum + call.completionTokens, 0),
    cost: calls.reduce<number | null>((sum, { cost }) => (sum === null || cost === null ? null : sum + cost), 0),
    calls,
  };
}
