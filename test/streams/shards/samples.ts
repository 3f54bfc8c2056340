import { domain } from '../../../schemas/domain.js';
import { recordId } from '../../../schemas/ids.js';
import type { Sample } from '../../../schemas/sample.js';
import type { Tick } from '../../../schemas/tick.js';

/** Word problems with a class. */
export const problems = domain.parse({
  about: 'word problems',
  fields: { question: {}, answer: {} },
  label: { field: 'kind', values: ['money', 'time'] },
});

export const dimensions = 4;

/** The sample at this place of lane 0; a function of it alone. */
export function sampleAt(ordinal: number, change: Partial<Sample> = {}): Sample {
  return {
    kind: 'sample',
    id: recordId('sample', ordinal),
    lane: 0,
    ordinal,
    fields: { question: `How much is ${ordinal} + 1?`, answer: `It is ${ordinal + 1}. 😀` },
    ...(ordinal % 3 === 0 ? {} : { label: ordinal % 3 === 1 ? 'money' : 'time' }),
    weight: 1 + ordinal / 8,
    embedding: unit([1, ordinal % 5, -ordinal % 3, 0.5]),
    lineage: {
      seedIds: [recordId('seed', ordinal), recordId('seed', ordinal + 1)],
      documentIds: [],
      realIds: ordinal % 2 === 0 ? [] : [recordId('real', ordinal)],
      planId: recordId('plan', ordinal),
      draftId: recordId('draft', ordinal),
      promptIds: ['bare.draft/1', 'bare.refine/1'],
      models: ['test/base', 'test/instruct'],
      promptTokens: 100 + ordinal,
      completionTokens: 50,
      cost: ordinal % 4 === 0 ? null : 0.001 * ordinal,
      calls: Array.from({ length: ordinal % 3 }, (_, index) => ({
        role: index === 0 ? ('base' as const) : ('instruct' as const),
        model: index === 0 ? 'test/base' : 'test/instruct',
        prompt: 'bare.draft/1',
        temperature: 0.7,
        randomSeed: 2 ** 40 + ordinal,
        promptTokens: 50,
        completionTokens: 25,
        cost: index === 0 ? null : 0.5,
        finishReason: 'stop',
        startedAt: 1_790_000_000_000 + ordinal,
        milliseconds: 12.5,
        ...(ordinal % 5 === 2 && { reused: true }),
      })),
      ...(ordinal % 4 === 2 && { attributesId: recordId('attributes', ordinal) }),
      attributes:
        ordinal % 4 === 2
          ? [
              { name: 'topic', value: `money, ${ordinal}` },
              { name: 'tone', value: 'dry 😀' },
            ]
          : [],
    },
    createdAt: 1_790_000_000_000 + ordinal * 10,
    ...change,
  };
}

export function samplesTo(count: number): Sample[] {
  return Array.from({ length: count }, (_, ordinal) => sampleAt(ordinal));
}

export function tick(reason: Tick['reason'], at = 0): Tick {
  return { kind: 'tick', id: recordId('tick', reason, at), lane: 0, reason, total: null, at };
}

export function unit(values: readonly number[]): Float32Array<ArrayBuffer> {
  const norm = Math.hypot(...values);
  return Float32Array.from(values, (value) => value / norm);
}

/** The row that readers must see for a sample. */
export function rowOf(sample: Sample): Record<string, unknown> {
  const {
    seedIds,
    documentIds,
    realIds,
    planId,
    draftId,
    promptIds,
    models,
    promptTokens,
    completionTokens,
    cost,
    calls,
    attributesId,
    attributes,
  } = sample.lineage;
  return {
    id: sample.id,
    ...sample.fields,
    label: sample.label ?? null,
    weight: sample.weight,
    embedding: [...(sample.embedding ?? [])],
    lineage: {
      seed_ids: seedIds,
      document_ids: documentIds,
      real_ids: realIds,
      plan_id: planId,
      draft_id: draftId,
      prompt_ids: promptIds,
      models,
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      cost,
      calls: calls.map((call) => ({
        role: call.role,
        model: call.model,
        prompt: call.prompt,
        temperature: call.temperature,
        random_seed: BigInt(call.randomSeed),
        prompt_tokens: call.promptTokens,
        completion_tokens: call.completionTokens,
        cost: call.cost,
        finish_reason: call.finishReason,
        started_at: call.startedAt,
        milliseconds: call.milliseconds,
        reused: call.reused ?? null,
      })),
      attributes_id: attributesId ?? null,
      attributes,
    },
    created_at: sample.createdAt,
  };
}
