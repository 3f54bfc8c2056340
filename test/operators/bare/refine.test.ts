import fc from 'fast-check';
import { from, lastValueFrom, Subject, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { type RefineOptions, refine } from '../../../operators/bare/refine.js';
import type { Embedder } from '../../../operators/embedder.js';
import { emitted } from '../../../operators/flow/emitted.js';
import { domain } from '../../../schemas/domain.js';
import type { Draft } from '../../../schemas/draft.js';
import { HeadwaterError } from '../../../schemas/errors.js';
import { recordId } from '../../../schemas/ids.js';
import { refinedSchema } from '../../../schemas/refined.js';
import { operatorContract, outcomesOf } from '../flow/operator-contract.js';
import { functionModel } from '../function-model.js';
import { countingMeter, draftedFields, mail, mailDraft } from './mail.js';

const fixed = { subject: 'Soup at one', body: 'I will bring soup for both of us. Come at one.' };
const answer = `Subject: ${fixed.subject}\nBody: ${fixed.body}`;
const continued = ` ${fixed.subject}\nBody: ${fixed.body}`;
const drafts = fc.nat(12).map((n) => Array.from({ length: n }, (_, ordinal) => mailDraft(ordinal)));

/** Two dimensions: how much of the text is the word "soup", and the rest. */
const soup: Embedder = {
  id: 'test/soup',
  dimensions: 2,
  embed: async (texts) => texts.map((text) => new Float32Array(/soup/i.test(text) ? [1, 0] : [0, 1])),
  close: async () => undefined,
};

function refined(drafts: readonly Draft[], options: Partial<RefineOptions> & Pick<RefineOptions, 'model'>) {
  return outcomesOf(refine({ domain: mail, ...options }), from(drafts));
}

async function refinedOne(draft: Draft, options: Partial<RefineOptions> & Pick<RefineOptions, 'model'>) {
  const [outcome] = await refined([draft], options);
  if (outcome?.kind !== 'emitted' || outcome.outputs[0] === undefined) throw new Error(`ended as ${outcome?.kind}`);
  return outcome.outputs[0];
}

describe('refine', () => {
  operatorContract({
    make: () => refine({ model: functionModel(({ seed = 0 }) => (seed % 3 === 0 ? 'no' : answer), 1), domain: mail }),
    inputs: drafts,
  });

  test('emits the edit, with the calls of the draft and its own', async () => {
    const model = functionModel(() => `Here you are.\n${answer}`);
    const draft = mailDraft(0);
    const record = await refinedOne(draft, { model });
    expect(refinedSchema.parse(record)).toMatchObject({
      kind: 'refined',
      id: recordId('refined', draft.id),
      plan: draft.plan,
      draft: { id: draft.id, fields: draft.fields },
      fields: fixed,
      kept: 'refined',
    });
    expect(record).not.toHaveProperty('keptBecause');
    expect(record.calls.map(({ role, prompt }) => [role, prompt])).toEqual([
      ['base', 'bare.draft/1/blocks/1'],
      ['instruct', 'bare.edit/1/blocks/1'],
    ]);
    expect(model.requests[0]).toMatchObject({ temperature: 0.7, maxTokens: 1000, cause: draft.id });
    expect(model.requests[0]).not.toHaveProperty('grammar');
  });

  test('the example of its documentation', async () => {
    const model = functionModel(() => answer);
    const source = from([mailDraft(0)]);
    const samples = await lastValueFrom(
      source.pipe(refine({ model, domain: mail, style: 'edit' }), emitted(), toArray()),
    );
    expect(samples.map(({ fields }) => fields)).toEqual([fixed]);
  });

  test('a copy-edit is cold, bound by a grammar and no longer than twice the draft', async () => {
    const model = functionModel(() => continued);
    const record = await refinedOne(mailDraft(0), { model, style: 'copy-edit' });
    expect(record).toMatchObject({ fields: fixed, kept: 'refined' });
    const bytes = draftedFields.subject.length + draftedFields.body.length;
    expect(model.requests[0]).toMatchObject({ temperature: 0.2, maxTokens: 64 + Math.ceil(bytes / 2) });
    expect(model.requests[0]?.grammar).toContain('root ::= " " line "\\nBody: " line');
    expect(record.calls[1]).toMatchObject({ prompt: 'bare.copy-edit/1/blocks/1', temperature: 0.2 });
  });

  test('asks again where an answer does not parse, then keeps the draft, and counts that', async () => {
    const meter = countingMeter();
    const answers = ['no fields', { text: answer, finishReason: 'length' as const }, answer];
    const model = functionModel((_request, call) => answers[call] ?? '');
    expect(await refinedOne(mailDraft(0), { model, attempts: 3, meter })).toMatchObject({
      kept: 'refined',
      fields: fixed,
    });
    expect(meter.counts).toEqual({ refine_attempts: 3, 'refine_retries unparsable': 1, 'refine_retries cut': 1 });

    const record = await refinedOne(mailDraft(0), { model: functionModel(() => 'no fields'), meter });
    expect(record).toMatchObject({ kept: 'draft', keptBecause: 'unparsable', fields: draftedFields });
    expect(record.calls).toHaveLength(3);
    expect(meter.counts).toMatchObject({ refine_attempts: 5, 'refine_kept_drafts unparsable': 1 });
  });

  test.each([
    ['short', 'Subject: Soup\nBody: Soup at one.'],
    ['far', `Subject: Rain on Monday\nBody: ${'It will be wet all day long. '.trim()} Take a coat with you.`],
    ['prompt-words', `Subject: Soup at one\nBody: The corrected text: I will bring soup for both of us. Come at one.`],
    ['no-final-punctuation', 'Subject: Soup at one\nBody: I will bring soup for both of us. Come at'],
    ['leaked-title', 'Subject: Soup at one\nBody: I will bring soup for both of us. Tone: plain. Come at one.'],
    ['html', 'Subject: Soup at one\nBody: I will bring <b>soup</b> for both of us. Come at one.'],
  ])('keeps the draft where the edit is worse: %s', async (keptBecause, text) => {
    const record = await refinedOne(mailDraft(0), { model: functionModel(() => text), embedder: soup });
    expect(record).toMatchObject({ kept: 'draft', keptBecause, fields: draftedFields });
    expect(record.calls).toHaveLength(2);
  });

  test('an edit that breaks what the draft breaks too is taken', async () => {
    const draft = mailDraft(0, { subject: 'Soup', body: 'I will brng <b>soup</b> at one' });
    const model = functionModel(() => 'Subject: Soup\nBody: I will bring <b>soup</b> at one');
    expect(await refinedOne(draft, { model })).toMatchObject({ kept: 'refined' });
  });

  test('an edit that no longer matches the domain is not taken', async () => {
    const sums = domain.parse({ about: 'Sums.', fields: { question: {}, answer: { match: '#### \\d+$' } } });
    const draft = mailDraft(0, { question: 'What is one and one?', answer: 'It is two. #### 2' });
    const lost = functionModel(() => 'Question: What is one and one?\nAnswer: It is two, two.');
    const better = functionModel(() => 'Question: What is one plus one?\nAnswer: It is two. #### 2');
    expect(await refinedOne(draft, { model: lost, domain: sums })).toMatchObject({ keptBecause: 'no-match' });
    expect(await refinedOne(draft, { model: better, domain: sums })).toMatchObject({ kept: 'refined' });
  });

  test('a draft is dead where the model fails for good, and the others go on', async () => {
    const model = functionModel((request, call) => {
      if (request.cause !== mailDraft(1).id) return answer;
      if (call === 1) return 'no fields';
      throw new HeadwaterError('endpoint-timeout', 'no answer in 300 s');
    });
    const outcomes = await refined([mailDraft(0), mailDraft(1), mailDraft(2)], { model });
    expect(outcomes.filter(({ kind }) => kind === 'emitted')).toHaveLength(2);
    const dead = outcomes.find(({ kind }) => kind === 'dead');
    expect(dead).toMatchObject({ input: mailDraft(1), code: 'endpoint-timeout', message: 'no answer in 300 s' });
    expect(dead?.kind === 'dead' && dead.calls?.map(({ role }) => role)).toEqual(['instruct']);
  });

  test('an error of the embedder ends the stream', async () => {
    const broken: Embedder = { ...soup, embed: () => Promise.reject(new HeadwaterError('model-damaged', 'cut')) };
    await expect(refined([mailDraft(0)], { model: functionModel(() => answer), embedder: broken })).rejects.toThrow(
      'cut',
    );
  });

  test('unsubscribing aborts every call in flight and leaves nothing open', async () => {
    const model = functionModel(() => new Promise<string>(() => undefined), 2);
    const source = new Subject<Draft>();
    const subscription = source.pipe(refine({ model, domain: mail })).subscribe();
    for (let ordinal = 0; ordinal < 4; ordinal += 1) source.next(mailDraft(ordinal));
    expect(model.inFlight).toBe(2);
    subscription.unsubscribe();
    await new Promise(setImmediate);
    expect([model.inFlight, model.aborted, model.requests.length, source.observed]).toEqual([0, 2, 2, false]);
  });

  test('never has more than maxInFlight calls in flight', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(15),
        fc.integer({ min: 1, max: 5 }),
        fc.infiniteStream(fc.nat(4)),
        async (n, most, turns) => {
          const model = functionModel(async () => {
            for (let turn = turns.next().value; turn > 0; turn -= 1) await Promise.resolve();
            return turns.next().value === 0 ? 'no fields' : answer;
          });
          const all = Array.from({ length: n }, (_, ordinal) => mailDraft(ordinal));
          expect(await refined(all, { model, maxInFlight: most })).toHaveLength(n);
          expect(model.mostInFlight).toBe(Math.min(n, most));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('options that cannot be are refused by name', () => {
    const model = functionModel(() => answer);
    const options = { model, domain: mail };
    expect(() => refine({ ...options, attempts: 0 })).toThrow(/^attempts: expected an integer of at least 1, got 0/);
    expect(() => refine({ ...options, minCosine: 2 })).toThrow(new TypeError('minCosine: expected -1 to 1, got 2'));
    expect(() => refine({ ...options, minLengthRatio: -1 })).toThrow(/^minLengthRatio: expected 0 to 1, got -1/);
  });
});
