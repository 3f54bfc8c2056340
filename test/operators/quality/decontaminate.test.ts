import fc from 'fast-check';
import { from } from 'rxjs';
import { describe, expect, test } from 'vitest';

import { emitted } from '../../../operators/flow/emitted.js';
import { BenchmarkIndex } from '../../../operators/quality/benchmark-index.js';
import { decontaminate } from '../../../operators/quality/decontaminate.js';
import { tokensOf } from '../../../operators/quality/gram-hashes.js';
import type { Draft } from '../../../schemas/draft.js';
import { recordId } from '../../../schemas/ids.js';
import { operatorContract, outcomesOf } from '../flow/operator-contract.js';
import { domain, planRecord } from '../flow/records.js';
import { HashingEmbedder } from '../synalign/hashing-embedder.js';

const problem = {
  question: 'A farmer has twelve sheep and buys seven more from his neighbour, how many sheep has he then?',
  answer: 'He has nineteen sheep.',
};

function draft(n: number, fields: Record<string, string>): Draft {
  return { kind: 'draft', id: recordId('draft', n), plan: planRecord(n), fields, calls: [] };
}

function indexOf(...texts: readonly (readonly string[])[]): BenchmarkIndex {
  const index = new BenchmarkIndex({ records: texts.length });
  for (const [n, each] of texts.entries()) index.add({ source: `bench.jsonl line ${n + 1}`, texts: each });
  return index;
}

describe('decontaminate', () => {
  operatorContract({
    make: () => decontaminate({ benchmarks: indexOf(Object.values(problem)), domain }),
    inputs: fc
      .array(fc.boolean(), { maxLength: 8 })
      .map((all) =>
        all.map((copied, n) => draft(n, copied ? problem : { question: `What is ${n}?`, answer: 'It is.' })),
      ),
  });

  test('drops what shares 13 words with a benchmark, and says which and with what', async () => {
    const index = indexOf(
      ['Something else of which the words do not matter here, as long as there are many.'],
      Object.values(problem),
    );
    const near = { question: `Once more: ${problem.question.toUpperCase()}`, answer: 'Twenty.' };
    const outcomes = await outcomesOf(decontaminate({ benchmarks: index, domain }), from([draft(0, near)]));
    expect(outcomes).toMatchObject([
      {
        kind: 'dropped',
        reason: 'contaminated',
        detail:
          'the words "a farmer has twelve sheep and buys seven more from his neighbour how" are in bench.jsonl line 2',
      },
    ]);
  });

  test('with an embedder, drops what has the embedding of a benchmark', async () => {
    const embedder = new HashingEmbedder();
    const index = new BenchmarkIndex({ records: 1 });
    const [embedding] = await embedder.embed(['one two three four five six seven']);
    index.add({ source: 'b.csv line 3', texts: ['zwölf'], ...(embedding && { embedding }) });
    const shuffled = draft(0, { question: 'seven six five', answer: 'four three two one' });
    const other = draft(1, { question: 'eight nine', answer: 'ten' });
    const outcomes = await outcomesOf(decontaminate({ benchmarks: index, domain, embedder }), from([shuffled, other]));
    expect(outcomes.map(({ kind }) => kind)).toEqual(['dropped', 'emitted']);
    expect(outcomes[0]).toMatchObject({ detail: 'its embedding is that of b.csv line 3, cosine 1.000' });
    const words = await outcomesOf(decontaminate({ benchmarks: index, domain }), from([shuffled]));
    expect(words[0]?.kind).toBe('emitted');
  });

  test('the example of its documentation', async () => {
    const { question, answer } = problem;
    const benchmarks = new BenchmarkIndex({ records: 1 });
    benchmarks.add({ source: 'test.jsonl line 1', texts: [question, answer] });
    const drafts = from([draft(0, problem), draft(1, { question: 'Who?', answer: 'Me.' })]);
    const clean: Draft[] = [];
    drafts.pipe(decontaminate({ benchmarks, domain }), emitted()).subscribe((each) => clean.push(each));
    expect(clean.map(({ plan }) => plan.ordinal)).toEqual([1]);
  });
});

describe('BenchmarkIndex', () => {
  test('finds exactly what shares a run of words, as a search through all texts does', () => {
    const words = fc
      .array(fc.constantFrom('a', 'b', 'C', '7'), { minLength: 0, maxLength: 14 })
      .map((all) => all.join(' '));
    fc.assert(
      fc.property(fc.array(words, { maxLength: 4 }), words, (texts, asked) => {
        const index = new BenchmarkIndex({ grams: 6, records: texts.length });
        for (const text of texts) index.add({ source: 's', texts: [text] });
        expect(index.find([asked]) !== undefined).toBe(texts.some((text) => shares(text, asked, 6)));
      }),
      { numRuns: 500 },
    );
  });

  test('a short text is found where the whole of it, or of a field, is the same', () => {
    const index = indexOf(['What is the capital of France?', 'Paris']);
    expect(index.find(['What is the capital of France', 'It is a town.'])?.detail).toBe(
      '"What is the capital of France" is in bench.jsonl line 1',
    );
    expect(index.find(['what is the CAPITAL of france', 'paris!'])?.detail).toBe(
      'its whole text is in bench.jsonl line 1',
    );
    expect(index.find(['Do you know: what is the capital of France?', 'Yes.'])).toBeUndefined();
    expect(index.find(['Where do you live?', 'Paris'])).toBeUndefined();
  });

  test('options that cannot be are refused by name', () => {
    expect(() => new BenchmarkIndex({ grams: 1, records: 1 })).toThrow('grams: expected an integer from 2, got 1');
  });
});

/** The slow reference for texts of one field: a shared run, or of shorter texts the whole. */
function shares(text: string, asked: string, size: number): boolean {
  const [left, right] = [tokensOf(text), tokensOf(asked)];
  if (left.length === 0 || right.length === 0) return false;
  if (left.length < size || right.length < size) return left.join(' ') === right.join(' ');
  const runs = (all: readonly string[]) =>
    all.slice(size - 1).map((_, start) => all.slice(start, start + size).join(' '));
  return runs(left).some((run) => runs(right).includes(run));
}
