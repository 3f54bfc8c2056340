import { recordId } from '../../schemas/ids.js';
import type { Lineage } from '../../schemas/lineage.js';
import type { Refined } from '../../schemas/refined.js';
import type { Sample } from '../../schemas/sample.js';
import { finishedAt } from '../flow/finished-at.js';
import { spendingOf } from '../spending.js';
import type { EmbeddedRefined } from './embedded-refined.js';

/** The sample that a refined text becomes, of its weight or else 1, created when the text was finished. */
export function sampleOf(refined: Refined & Pick<EmbeddedRefined, 'weight'>, embedding: Float32Array): Sample {
  const { plan, fields } = refined;
  return {
    kind: 'sample',
    id: recordId('sample', refined.id),
    lane: plan.lane,
    ordinal: plan.ordinal,
    fields,
    ...(plan.label !== undefined && { label: plan.label }),
    weight: refined.weight ?? 1,
    // a copy of its own, so that the buffer of a whole batch need not stay for one vector
    embedding: new Float32Array(embedding),
    lineage: lineageOf(refined),
    ...(plan.group !== undefined && { group: plan.group.number }),
    createdAt: finishedAt(refined),
  };
}

/** Everything that a refined text came from, with what was paid for its calls together: null where one has no price. */
function lineageOf({ plan, draft, calls: own }: Refined): Lineage {
  const calls = [...(plan.attributes?.calls ?? []), ...own];
  const { promptTokens, completionTokens, cost } = spendingOf(calls);
  return {
    seedIds: [...(plan.formats ?? []), ...plan.examples].flatMap(({ id, from }) => (from === 'real' ? [] : [id])),
    documentIds: plan.document === undefined ? [] : [plan.document.id],
    realIds: plan.examples.flatMap(({ id, from }) => (from === 'real' ? [id] : [])),
    planId: plan.id,
    draftId: draft.id,
    promptIds: [...new Set(calls.map(({ prompt }) => prompt))],
    models: [...new Set(calls.map(({ model }) => model))],
    promptTokens,
    completionTokens,
    cost,
    calls,
    ...(plan.attributes !== undefined && { attributesId: plan.attributes.id }),
    attributes: Object.entries(plan.attributes?.values ?? {}).map(([name, value]) => ({ name, value })),
  };
}
