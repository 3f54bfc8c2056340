import fc from 'fast-check';
import { from, Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';

import type { Embedder } from '../../../operators/embedder.js';
import type { Outcome } from '../../../operators/flow/outcome.js';
import { embed, textOf } from '../../../operators/synalign/embed.js';
import type { EmbeddedReal } from '../../../operators/synalign/embedded-real.js';
import { type EmbeddedRefined, isEmbedded } from '../../../operators/synalign/embedded-refined.js';
import type { AnyRecord } from '../../../schemas/codec.js';
import { operatorContract, outcomesOf } from '../flow/operator-contract.js';
import { domain, realRecord, refinedRecord, seedRecord, tickRecord } from '../flow/records.js';
import { HashingEmbedder } from './hashing-embedder.js';

const inputs: fc.Arbitrary<readonly AnyRecord[]> = fc.array(
  fc.tuple(fc.constantFrom('refined', 'real', 'tick', 'seed'), fc.nat(100)).map(([kind, n]) => {
    if (kind === 'refined') return refinedRecord(n);
    if (kind === 'real') return realRecord(n);
    return kind === 'seed' ? seedRecord(n) : tickRecord('interval', n);
  }),
  { maxLength: 30 },
);

describe('embed', () => {
  operatorContract({ make: () => embed({ embedder: new HashingEmbedder(), domain, maxBatch: 4 }), inputs });

  test('strictly in order, whatever the batches', async () => {
    await fc.assert(
      fc.asyncProperty(inputs, fc.integer({ min: 1, max: 9 }), async (records, maxBatch) => {
        const embedder = new HashingEmbedder();
        const outcomes = await outcomesOf(embed({ embedder, domain, maxBatch }), from(records));
        expect(outcomes.map(({ input }) => input)).toEqual(records);
        for (const batch of embedder.batches) expect(batch.length).toBeLessThanOrEqual(maxBatch);
        const texts = records.filter(({ kind }) => kind === 'refined' || kind === 'real').length;
        expect(embedder.batches.flat().length).toBe(texts);
      }),
    );
  });

  test('a batch is all that came while the one before was in the embedder', async () => {
    const embedder = new HashingEmbedder();
    const records = [...Array(10).keys()].map((n) => (n === 4 ? tickRecord('interval') : realRecord(n)));
    await outcomesOf(embed({ embedder, domain, maxBatch: 6 }), from(records));
    expect(embedder.batches.map((batch) => batch.length)).toEqual([1, 6, 2]);
  });

  test('each record gets the embedding of its own text', async () => {
    const embedder = new HashingEmbedder();
    const records = [refinedRecord(1), tickRecord('interval'), realRecord(2), refinedRecord(3)];
    const outputs = outputsOf(await outcomesOf(embed({ embedder, domain }), from(records)));
    const texts = [1, 2, 3].map((n) => `What is ${n}?\nIt is ${n}.`);
    const embeddings = outputs.flatMap((output) =>
      output.kind === 'embedded-real' || isEmbedded(output) ? [output.embedding] : [],
    );
    expect(embeddings).toEqual(await embedder.embed(texts));
    expect(outputs[1]).toBe(records[1]);
  });

  test('embeds the draft of a refined text where it is another, in the same batch', async () => {
    const embedder = new HashingEmbedder();
    const same = refinedRecord(1);
    const edited = { ...refinedRecord(2), fields: { question: 'Edited?', answer: 'Yes.' } };
    const outputs = outputsOf(await outcomesOf(embed({ embedder, domain, drafts: true }), from([edited, same])));
    expect(embedder.batches).toEqual([['Edited?\nYes.', 'What is 2?\nIt is 2.'], ['What is 1?\nIt is 1.']]);
    const [own, draft] = await embedder.embed(['Edited?\nYes.', 'What is 2?\nIt is 2.']);
    expect(outputs[0]).toEqual({ ...edited, embedding: own, draftEmbedding: draft });
    const second = outputs[1];
    if (second === undefined || !isEmbedded(second)) throw new Error('expected an embedded text');
    expect(second.draftEmbedding).toBe(second.embedding);
  });

  test('an embedder that rejects errors the stream', async () => {
    const broken = embedderOf(() => Promise.reject(new Error('out of memory')));
    await expect(outcomesOf(embed({ embedder: broken, domain }), from([realRecord(0)]))).rejects.toThrow(
      'out of memory',
    );
  });

  test.each([
    ['too few vectors', [], '0 vectors for 1 texts'],
    ['a short vector', [new Float32Array(2)], 'a vector of 2 numbers, not 3'],
    ['a vector that is not finite', [Float32Array.of(0, Number.NaN, 1)], 'a vector with a number that is not finite'],
  ])('an embedder that answers with %s errors the stream', async (_, answer, message) => {
    const wrong = embedderOf(() => Promise.resolve(answer));
    const run = outcomesOf(embed({ embedder: wrong, domain }), from([refinedRecord(0)]));
    await expect(run).rejects.toThrow(`the embedder test/wrong answered with ${message}`);
    await expect(run).rejects.toMatchObject({ code: 'operator-failed' });
  });

  test('nothing comes after it is left, though a batch was in the embedder', async () => {
    let answer: (vectors: readonly Float32Array[]) => void = () => undefined;
    const slow = embedderOf(
      () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    );
    const source = new Subject<AnyRecord>();
    const seen: unknown[] = [];
    const subscription = source.pipe(embed({ embedder: slow, domain })).subscribe((outcome) => seen.push(outcome));
    source.next(realRecord(0));
    source.next(realRecord(1));
    subscription.unsubscribe();
    answer([new Float32Array(3)]);
    await Promise.resolve();
    expect(seen).toEqual([]);
  });

  test('a batch size that is no number of texts is refused', () => {
    expect(() => embed({ embedder: new HashingEmbedder(), domain, maxBatch: 0 })).toThrow(
      'maxBatch: expected an integer from 1, got 0',
    );
  });
});

test('textOf takes the fields in the order of the domain, and leaves out what is absent', () => {
  expect(textOf({ answer: 'a', question: 'q', other: 'x' }, domain)).toBe('q\na');
  expect(textOf({ answer: 'a' }, domain)).toBe('a');
});

function outputsOf(outcomes: readonly Outcome<AnyRecord, AnyRecord | EmbeddedReal | EmbeddedRefined>[]) {
  return outcomes.flatMap((outcome) => (outcome.kind === 'emitted' ? outcome.outputs : []));
}

function embedderOf(answer: Embedder['embed']): Embedder {
  return { id: 'test/wrong', dimensions: 3, embed: answer, close: () => Promise.resolve() };
}
