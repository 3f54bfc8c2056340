import fc from 'fast-check';
import { from } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { BenchmarkIndex } from '../../../operators/quality/benchmark-index.js';
import { type GateOptions, gate } from '../../../operators/quality/gate.js';
import { wordGrams, wordsOf } from '../../../operators/quality/words.js';
import type { EmbeddedRefined } from '../../../operators/synalign/embedded-refined.js';
import type { AnyRecord } from '../../../schemas/codec.js';
import { domain } from '../../../schemas/domain.js';
import type { Fields } from '../../../schemas/example.js';
import { recordId } from '../../../schemas/ids.js';
import type { Refined } from '../../../schemas/refined.js';
import type { Seed } from '../../../schemas/seed.js';
import { countingMeter, mailPlan } from '../bare/mail.js';
import { memoryAfter, operatorContract, outcomesOf } from '../flow/operator-contract.js';
import { realRecord, tickRecord } from '../flow/records.js';

const mail = domain.parse({ about: 'E-mails.', fields: { subject: {}, body: {} } });
const sums = domain.parse({ about: 'Sums.', fields: { question: {}, answer: { match: '#### -?\\d+$' } } });

function seed(n: number, fields: Fields): Seed {
  return { kind: 'seed', id: recordId('seed', n), fields, vary: {}, origin: {} };
}

function refined(n: number, fields: Fields, seedCount = 0): Refined {
  const plan = mailPlan(n, { seedCount });
  const draft = { id: recordId('draft', n), fields };
  return { kind: 'refined', id: recordId('refined', n), plan, draft, fields, kept: 'refined', calls: [] };
}

function embedded(n: number, fields: Fields, vector: readonly number[]): EmbeddedRefined {
  return { ...refined(n, fields), embedding: Float32Array.from(vector) };
}

function judged(records: readonly AnyRecord[], options: Partial<GateOptions> = {}) {
  return outcomesOf(gate({ domain: mail, seedOverlap: 0.6, memory: new Map(), ...options }), from(records));
}

async function reasons(records: readonly AnyRecord[], options: Partial<GateOptions> = {}) {
  const outcomes = await judged(records, options);
  return outcomes.map((outcome) => (outcome.kind === 'dropped' ? outcome.reason : outcome.kind));
}

const lunch = { subject: 'Lunch on Friday', body: 'Shall we meet at noon by the river? The place is open again.' };
const prize = { subject: 'You have won', body: 'Your number was drawn. Send us your address to get the money.' };
const other = { subject: 'The report', body: 'Please send me the figures for May before the meeting starts.' };

const texts = fc.constantFrom(
  lunch,
  prize,
  other,
  { subject: 'Hi', body: 'See you' },
  { subject: 'Hi', body: '<b>x</b>.' },
  { subject: '', body: '' },
);
const records: fc.Arbitrary<readonly AnyRecord[]> = fc
  .array(fc.tuple(fc.constantFrom('seed', 'refined', 'real'), texts, fc.nat(4)), { maxLength: 12 })
  .map((all) =>
    all.map(([kind, fields, count], n) => {
      if (kind === 'seed') return seed(n, fields);
      return kind === 'refined' ? refined(n, fields, count) : realRecord(n);
    }),
  );

describe('gate', () => {
  operatorContract({
    make: (memory) => gate<AnyRecord>({ domain: mail, seedOverlap: 0.6, memory, dedupe: { remember: 2, vectors: 3 } }),
    inputs: records,
  });

  test('emits a good text as the very object that came, and remembers its hash', async () => {
    const good = refined(0, other);
    const [outcome] = await judged([good]);
    expect(outcome).toMatchObject({
      kind: 'emitted',
      outputs: [good],
      changes: [['kept:0', expect.stringMatching(/^0 [0-9a-f]{16} \S{172}$/)]],
    });
    expect(outcome?.kind === 'emitted' && outcome.outputs[0]).toBe(good);
  });

  test('the example of its documentation', async () => {
    const accepted = gate<Refined>({ domain: mail, seedOverlap: 0.6, memory: new Map() });
    expect((await outcomesOf(accepted, from([refined(0, other)])))[0]?.kind).toBe('emitted');
  });

  test('absorbs seeds, and lets all else pass unchanged', async () => {
    const all = [seed(0, lunch), realRecord(1), tickRecord('interval')];
    const outcomes = await judged(all);
    expect(outcomes).toEqual([
      { kind: 'absorbed', input: all[0], changes: [['seed:0', lunch]] },
      { kind: 'emitted', input: all[1], outputs: [all[1]] },
      { kind: 'emitted', input: all[2], outputs: [all[2]] },
    ]);
  });

  test('drops a text with the reason and the evidence, in order', async () => {
    const outcomes = await judged([
      refined(0, { subject: 'Hi', body: '' }),
      refined(1, { subject: 'Hi', body: 'Body: x.' }),
      refined(2, other),
    ]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['dropped', 'dropped', 'emitted']);
    expect(outcomes[0]).toMatchObject({ reason: 'missing-field', detail: "'body' has no text" });
    expect(outcomes[1]).toMatchObject({ reason: 'leaked-title', detail: '\'body\' has "Body:"' });
  });

  test('drops a duplicate of an accepted text, not of a dropped one; case and white space do not count', async () => {
    const shouted = { subject: 'THE  REPORT', body: other.body.replace(' ', '\n') };
    expect(await reasons([refined(0, other), refined(1, shouted), refined(2, prize)])).toEqual([
      'emitted',
      'duplicate',
      'emitted',
    ]);
    const bad = { subject: 'a', body: '<p>Hello there.' };
    expect(await reasons([refined(0, bad), refined(1, bad)])).toEqual(['html', 'html']);
    const minus = { subject: 'Sum', body: 'What is 5 - 3?' };
    const plus = { subject: 'Sum', body: 'What is 5 + 3?' };
    expect(await reasons([refined(0, minus), refined(1, plus)])).toEqual(['emitted', 'emitted']);
  });

  test('remembers accepted texts over a restart, and only the newest', async () => {
    const third = { subject: 'Third', body: 'A third text.' };
    const before = await judged([refined(0, lunch), refined(1, prize), refined(2, other)], { dedupe: { remember: 2 } });
    const memory = memoryAfter(before);
    expect(memory.size).toBe(2);
    const again = [refined(3, prize), refined(4, other), refined(5, lunch), refined(6, third), refined(7, lunch)];
    expect(await reasons(again, { memory, dedupe: { remember: 2 } })).toEqual([
      'duplicate',
      'duplicate',
      'emitted',
      'emitted',
      'duplicate',
    ]);
  });

  test('drops a near copy of a seed, by its 5-grams or its first field', async () => {
    const near = { subject: 'Some food', body: `${lunch.body} Bye.` };
    const half = {
      subject: 'Some food',
      body: 'Shall we meet at noon by the river? I shall bring my brother and his two children along.',
    };
    const subject = { subject: 'lunch on friday!', body: 'I can not come, I am sorry to say.' };
    const outcomes = await judged([
      seed(0, prize),
      seed(1, lunch),
      refined(0, near, 2),
      refined(1, half, 2),
      refined(2, subject, 2),
    ]);
    expect(outcomes.slice(2).map(({ kind }) => kind)).toEqual(['dropped', 'emitted', 'dropped']);
    const seedGrams = wordGrams(wordsOf(`${lunch.subject} ${lunch.body}`));
    const nearGrams = [...wordGrams(wordsOf(`${near.subject} ${near.body}`))];
    const share = Math.round((100 * nearGrams.filter((gram) => seedGrams.has(gram)).length) / nearGrams.length);
    expect(outcomes[2]).toMatchObject({
      reason: 'seed-copy',
      detail: `${share} % of its word 5-grams are those of seed 1`,
    });
    expect(outcomes[4]).toMatchObject({ reason: 'seed-copy', detail: "'subject' is that of seed 1" });
  });

  test('a first field that is a class rather than a text is no copy', async () => {
    const groups = ['rec.autos', 'rec.autos', 'sci.space'].map((subject, n) =>
      seed(n, { subject, body: `Message ${n}, as it is.` }),
    );
    expect(
      (
        await reasons([
          ...groups,
          refined(0, { ...other, subject: 'rec.autos' }, 3),
          refined(1, { ...prize, subject: 'sci.space' }, 3),
        ])
      ).slice(3),
    ).toEqual(['emitted', 'emitted']);
    const shared = [seed(0, { ...lunch, subject: 'Weekly news' }), seed(1, { ...prize, subject: 'Weekly news' })];
    expect((await reasons([...shared, refined(0, { ...other, subject: 'Weekly news' }, 2)])).slice(2)).toEqual([
      'emitted',
    ]);
  });

  test('compares with exactly the seeds that the planner had, whenever more came', async () => {
    expect(await reasons([seed(0, prize), seed(1, lunch), refined(0, lunch, 1)])).toEqual([
      'absorbed',
      'absorbed',
      'emitted',
    ]);
    const meter = countingMeter();
    expect(await reasons([seed(0, prize), refined(0, lunch, 2)], { meter })).toEqual(['absorbed', 'emitted']);
    expect(meter.counts).toEqual({ gate_seeds_missing: 1 });
  });

  test('a rule of form does not hold where the seeds break it: answers need no final punctuation', async () => {
    const seeds = [
      seed(0, { question: 'What is one and one?', answer: 'One and one is two. #### 2' }),
      seed(1, { question: 'What is two and two?', answer: 'Two and two is four. #### 4' }),
    ];
    const good = refined(0, { question: 'What is five and seven?', answer: 'That makes twelve. #### 12' }, 2);
    const bad = refined(1, { question: 'What is five and six?', answer: 'That makes eleven.' }, 2);
    const early = refined(2, { question: 'What is five and one?', answer: 'That makes six. #### 6' }, 0);
    expect((await reasons([...seeds, good, bad, early], { domain: sums })).slice(2)).toEqual([
      'emitted',
      'no-match',
      'no-final-punctuation',
    ]);
  });

  test('one seed in ten may break a rule of form, and it still holds', async () => {
    const bodies = (open: number) =>
      Array.from({ length: 10 }, (_, n) => seed(n, { subject: `S${n}`, body: `Text ${n}${n < open ? '' : '.'}` }));
    const cut = refined(0, { subject: 'The report', body: 'Please send me the' }, 10);
    expect((await reasons([...bodies(1), cut])).at(-1)).toBe('no-final-punctuation');
    expect((await reasons([...bodies(2), cut])).at(-1)).toBe('emitted');
  });

  test('names a near duplicate and one that says the same, with the text that it is like', async () => {
    const words = Array.from({ length: 60 }, (_, n) => `word${n}`);
    const long = { subject: 'Long', body: `${words.join(' ')}.` };
    const edited = { subject: 'Long', body: `${words.with(30, 'other').join(' ')}.` };
    const near = await judged([refined(0, other), refined(1, long), refined(2, edited)]);
    expect(near[2]).toMatchObject({ kind: 'dropped', reason: 'near-duplicate' });
    expect(near[2]).toHaveProperty('detail', expect.stringMatching(/accepted text 1, Jaccard about 0\.8/));
    const same = await judged([
      embedded(0, other, [1, 0, 0]),
      embedded(1, prize, [0, 1, 0]),
      embedded(2, lunch, [0.01, 0.99, 0.02]),
    ]);
    expect(same[2]).toMatchObject({ kind: 'dropped', reason: 'semantic-duplicate' });
    expect(same[2]).toHaveProperty('detail', expect.stringMatching(/accepted text 1, cosine (1\.000|0\.99\d)/));
    const off = { dedupe: 'off' } as const;
    expect(await reasons([refined(0, other), refined(1, other)], off)).toEqual(['emitted', 'emitted']);
    const none = { dedupe: { near: 'off', semantic: 'off' } } as const;
    expect(await reasons([refined(1, long), refined(2, edited)], none)).toEqual(['emitted', 'emitted']);
  });

  test('with embeddings: gives the same outcomes after a restart at any commit', async () => {
    const unit = fc.constantFrom([1, 0, 0], [0.999, 0.02, 0], [0, 1, 0], [0, 0, 0], [0.1, 0.7, 0.7], [0, 0.6, 0.8]);
    const texts = fc.constantFrom(lunch, prize, other);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(texts, unit, fc.nat(5)), { maxLength: 14 }), fc.nat(), async (all, cut) => {
        const records = all.map(([fields, vector, n], place) =>
          embedded(place, { ...fields, subject: `${fields.subject} ${n}` }, vector),
        );
        const options = { dedupe: { remember: 3, vectors: 2 } } as const;
        const whole = await judged(records, options);
        const at = cut % (records.length + 1);
        const rest = await judged(records.slice(at), { ...options, memory: memoryAfter(whole.slice(0, at)) });
        expect([...whole.slice(0, at), ...rest]).toEqual(whole);
      }),
    );
  });

  test('drops what a benchmark holds, and names the record', async () => {
    const benchmarks = new BenchmarkIndex({ records: 2 });
    const sentence = 'The old man walked to the river every morning and counted all of the boats there.';
    benchmarks.add({ source: 'bench.jsonl line 7', texts: [sentence], embedding: Float32Array.of(0, 0, 1) });
    const copied = { subject: 'Boats', body: `As I said: ${sentence.toUpperCase()}` };
    const outcomes = await judged(
      [refined(0, copied), embedded(1, other, [0, 0.02, 0.99]), embedded(2, other, [1, 0, 0])],
      {
        benchmarks,
      },
    );
    expect(outcomes.map(({ kind }) => kind)).toEqual(['dropped', 'dropped', 'emitted']);
    expect(outcomes[0]).toMatchObject({
      reason: 'contaminated',
      detail: 'the words "the old man walked to the river every morning and counted all of" are in bench.jsonl line 7',
    });
    expect(outcomes[1]).toHaveProperty('detail', expect.stringMatching(/bench\.jsonl line 7, cosine 0\.99\d|1\.000/));
  });

  test('drops a copy of a real record that its plan showed', async () => {
    const shown = { id: recordId('real', 1), fields: prize, vary: {}, from: 'real' as const };
    const plan = mailPlan(0, { examples: [shown] });
    const copy = { ...refined(0, { subject: 'Good news', body: prize.body }), plan };
    expect(await reasons([copy])).toEqual(['example-copy']);
    expect(await reasons([{ ...refined(0, other), plan }])).toEqual(['emitted']);
  });

  test('options that cannot be are refused by name', () => {
    const options = { domain: mail, memory: new Map() };
    expect(() => gate({ ...options, seedOverlap: 0 })).toThrow(
      new TypeError('seedOverlap: expected a number in (0, 1], got 0'),
    );
  });
});
