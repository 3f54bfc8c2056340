import fc from 'fast-check';
import { from } from 'rxjs';
import { describe, expect, test } from 'vitest';
import type { EmbeddedReal } from '../../../operators/synalign/embedded-real.js';
import { sampled } from '../../../operators/synalign/sampled.js';
import { type AnyRecord, decode, encode } from '../../../schemas/codec.js';
import { recordId } from '../../../schemas/ids.js';
import type { Refined } from '../../../schemas/refined.js';
import type { Sample } from '../../../schemas/sample.js';
import { operatorContract, outcomesOf } from '../flow/operator-contract.js';
import { callRecord, planRecord, realRecord, refinedRecord, tickRecord } from '../flow/records.js';

const embedding = Float32Array.of(0.6, 0.8);

function embedded(record: Refined, draftEmbedding?: Float32Array) {
  return draftEmbedding === undefined ? { ...record, embedding } : { ...record, embedding, draftEmbedding };
}

const inputs: fc.Arbitrary<readonly (AnyRecord | EmbeddedReal)[]> = fc.array(
  fc.tuple(fc.constantFrom('refined', 'real', 'tick'), fc.nat(100)).map(([kind, n]) => {
    if (kind === 'refined') return embedded(refinedRecord(n), n % 2 === 0 ? embedding : undefined);
    if (kind === 'real') return { kind: 'embedded-real' as const, real: realRecord(n), embedding };
    return tickRecord('interval', n);
  }),
  { maxLength: 20 },
);

describe('sampled', () => {
  operatorContract({ make: () => sampled(), inputs });

  test('the draft comes just before its sample, where it was embedded', async () => {
    const draft = Float32Array.of(1, 0);
    const record = { ...embedded(refinedRecord(1), draft), fields: { question: 'Q?', answer: 'A.' } };
    const [outcome] = await outcomesOf(sampled(), from([record]));
    if (outcome?.kind !== 'emitted') throw new Error('expected an emitted record');
    const id = recordId('sample', record.id);
    expect(outcome.outputs).toMatchObject([
      { kind: 'embedded-draft', id, draft: record.draft.fields, refined: record.fields, embedding: draft },
      { kind: 'sample', id, fields: record.fields, embedding },
    ]);
  });

  test('a refined text without an embedding errors the stream, as it has been counted', async () => {
    await expect(outcomesOf(sampled(), from([refinedRecord(3)]))).rejects.toMatchObject({ code: 'operator-failed' });
  });

  test('a sample says where it comes from', async () => {
    const calls = [
      callRecord(0),
      callRecord(1, {
        role: 'instruct',
        model: 'other/model',
        prompt: 'bare.refine/1',
        startedAt: 5000,
        milliseconds: 0.6,
      }),
      callRecord(2, { model: 'other/model', prompt: 'bare.refine/1', startedAt: 6000, milliseconds: 10.5 }),
    ];
    const refined = refinedRecord(4, { label: 'money', lane: 2 }, calls);
    const sample = await sampleFrom(refined);
    expect(sample).toMatchObject({
      id: recordId('sample', refined.id),
      lane: 2,
      ordinal: 4,
      fields: refined.fields,
      label: 'money',
      weight: 1,
      createdAt: 6011,
      lineage: {
        seedIds: [recordId('seed', 0)],
        documentIds: [],
        realIds: [],
        planId: planRecord(4).id,
        draftId: refined.draft.id,
        promptIds: ['bare.draft/1/blocks/1', 'bare.refine/1'],
        models: ['test/model', 'other/model'],
        promptTokens: 30,
        completionTokens: 15,
        cost: 0.75,
        calls,
        attributes: [],
      },
    });
    const { value, headers } = encode(sample);
    expect(decode(value, headers)).toEqual(sample);
  });

  test('one call without a price makes the cost unknown; no calls cost nothing', async () => {
    const unknown = await sampleFrom(
      refinedRecord(0, {}, [callRecord(0), callRecord(1, { cost: null }), callRecord(2)]),
    );
    expect(unknown.lineage.cost).toBeNull();
    const free = await sampleFrom(refinedRecord(0, {}, []));
    expect(free).toMatchObject({ createdAt: 1000, lineage: { cost: 0, models: [] } });
    expect(Object.hasOwn(free, 'label')).toBe(false);
  });
});

async function sampleFrom(record: Refined): Promise<Sample> {
  const [output] = (await outcomesOf(sampled(), from([embedded(record)]))).flatMap((outcome) =>
    outcome.kind === 'emitted' ? outcome.outputs : [],
  );
  if (output?.kind !== 'sample') throw new Error(`expected a sample, got ${output?.kind}`);
  return output;
}
