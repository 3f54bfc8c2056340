import fc from 'fast-check';
import { from, lastValueFrom, Subject, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { type DraftOptions, draft } from '../../../operators/bare/draft.js';
import { emitted } from '../../../operators/flow/emitted.js';
import { draftSchema } from '../../../schemas/draft.js';
import { HeadwaterError } from '../../../schemas/errors.js';
import { recordId } from '../../../schemas/ids.js';
import type { Plan } from '../../../schemas/plan.js';
import { operatorContract, outcomesOf } from '../flow/operator-contract.js';
import { functionModel } from '../function-model.js';
import { countingMeter, mail, mailPlan } from './mail.js';

const good = ' Soup\nBody: At one.\n';
const plans = fc.array(fc.constant(0), { maxLength: 12 }).map((all) => all.map((_, ordinal) => mailPlan(ordinal)));

function drafted(plans: readonly Plan[], options: Partial<DraftOptions> & Pick<DraftOptions, 'model'>) {
  return outcomesOf(draft({ domain: mail, ...options }), from(plans));
}

describe('draft', () => {
  operatorContract({
    make: () =>
      draft({ model: functionModel(({ seed = 0 }) => (seed % 3 === 0 ? 'no fields' : good), 1), domain: mail }),
    inputs: plans,
  });

  test('emits a draft for each plan, with what was asked and what it cost', async () => {
    const model = functionModel(() => good);
    const plan = mailPlan(0);
    const [outcome] = await drafted([plan], { model });
    expect(outcome).toEqual({
      kind: 'emitted',
      input: plan,
      outputs: [
        {
          kind: 'draft',
          id: recordId('draft', plan.id, 0),
          plan,
          fields: { subject: 'Soup', body: 'At one.' },
          calls: [
            {
              role: 'base',
              model: 'test/function',
              prompt: 'bare.draft/1/blocks/1',
              temperature: 0.7,
              randomSeed: 100,
              promptTokens: 100,
              completionTokens: 10,
              cost: null,
              finishReason: 'stop',
              startedAt: 1000,
              milliseconds: 2.5,
            },
          ],
        },
      ],
    });
    expect(outcome?.input).toBe(plan);
    expect(outcome?.kind === 'emitted' && draftSchema.parse(outcome.outputs[0])).toBeTruthy();
    expect(model.requests[0]).toMatchObject({
      temperature: 0.7,
      maxTokens: 1000,
      seed: 100,
      stop: ['EXAMPLE END', 'EXAMPLE START'],
      cause: plan.id,
    });
  });

  test('the example of its documentation', async () => {
    const model = functionModel(() => good);
    const source = from([mailPlan(0), mailPlan(1)]);
    const drafts = await lastValueFrom(source.pipe(draft({ model, domain: mail }), emitted(), toArray()));
    expect(drafts.map(({ plan }) => plan.ordinal)).toEqual([0, 1]);
  });

  test('emits in the order in which calls end', async () => {
    let answerFirst: (text: string) => void = () => undefined;
    const first = new Promise<string>((resolve) => {
      answerFirst = resolve;
    });
    const model = functionModel((_request, call) => (call === 0 ? first : good));
    const seen: number[] = [];
    const outcomes = from([mailPlan(0), mailPlan(1)]).pipe(draft({ model, domain: mail }));
    await outcomes.forEach(({ input }) => {
      seen.push(input.ordinal);
      answerFirst(good);
    });
    expect(seen).toEqual([1, 0]);
  });

  test('asks again with other random seeds until an answer parses, and counts that', async () => {
    const answers = [' no body', '\nBody: b', { text: good, finishReason: 'length' as const }, good];
    const model = functionModel((_request, call) => answers[call] ?? '');
    const meter = countingMeter();
    const [outcome] = await drafted([mailPlan(0)], { model, attempts: 4, meter });
    expect(outcome?.kind).toBe('emitted');
    const [record] = outcome?.kind === 'emitted' ? outcome.outputs : [];
    expect(record?.id).toBe(recordId('draft', mailPlan(0).id, 3));
    expect(record?.calls).toHaveLength(4);
    expect(new Set(model.requests.map(({ seed }) => seed)).size).toBe(4);
    expect(record?.calls.map(({ randomSeed }) => randomSeed)).toEqual(model.requests.map(({ seed }) => seed));
    expect(meter.counts).toEqual({
      draft_attempts: 4,
      'draft_retries unparsable': 1,
      'draft_retries empty': 1,
      'draft_retries cut': 1,
    });
  });

  test('T20: a text without its answer tag is rejected and drawn again, and never dropped in silence', async () => {
    const meter = countingMeter();
    const answers = [' Soup', ' Soup', ' Soup\nBody: At one.\nSubject: Rain\nBody: On Monday.\nEXAMPLE END\nmore'];
    const model = functionModel((_request, call) => answers[call] ?? '');
    const [kept] = await drafted([mailPlan(0)], { model, meter });
    expect(kept).toMatchObject({ kind: 'emitted', outputs: [{ fields: { subject: 'Soup', body: 'At one.' } }] });
    expect(kept?.kind === 'emitted' && kept.outputs[0]?.calls).toHaveLength(3);
    expect(meter.counts).toEqual({ draft_attempts: 3, 'draft_retries unparsable': 2 });
    const [lost] = await drafted([mailPlan(0)], { model: functionModel(() => ' Soup') });
    expect(lost).toMatchObject({ kind: 'dropped', reason: 'unparsable', detail: "no 'Body:' at the start of a line" });
    expect(lost?.kind === 'dropped' && lost.calls).toHaveLength(3);
  });

  test.each([
    ['unparsable', ' no body', "no 'Body:' at the start of a line"],
    ['empty', ' a\nBody: ', "nothing after 'Body:'"],
    ['cut', { text: good, finishReason: 'length' as const }, 'no end within 1000 tokens'],
  ])('drops a plan as %s after the last attempt, with its calls', async (reason, answer, detail) => {
    const [outcome] = await drafted([mailPlan(0)], { model: functionModel(() => answer) });
    expect(outcome).toMatchObject({ kind: 'dropped', reason, detail });
    expect(outcome?.kind === 'dropped' && outcome.calls).toHaveLength(3);
  });

  test.each([
    'prompt-too-long',
    'grammar-invalid',
    'endpoint-refused',
    'endpoint-malformed',
    'endpoint-unreachable',
    'endpoint-timeout',
  ] as const)('a plan is dead where the model fails with %s, and the others go on', async (code) => {
    const model = functionModel((request, call) => {
      if (request.cause !== mailPlan(1).id) return good;
      if (call === 1) return 'no fields';
      throw new HeadwaterError(code, 'what the engine said');
    });
    const outcomes = await drafted([mailPlan(0), mailPlan(1), mailPlan(2)], { model });
    expect(outcomes.map(({ kind }) => kind).sort()).toEqual(['dead', 'emitted', 'emitted']);
    const dead = outcomes.find(({ kind }) => kind === 'dead');
    expect(dead).toMatchObject({ input: mailPlan(1), code, message: 'what the engine said' });
    expect(dead?.kind === 'dead' && dead.calls).toHaveLength(1);
  });

  test.each([
    new HeadwaterError('model-damaged', 'the model file is cut'),
    new HeadwaterError('journal-missing', 'no answer'),
    new RangeError('a mistake'),
  ])('the stream ends with an error that is not of one record: %s', async (error) => {
    const model = functionModel(() => {
      throw error;
    });
    await expect(drafted([mailPlan(0)], { model })).rejects.toBe(error);
  });

  test('unsubscribing aborts every call in flight and leaves nothing open', async () => {
    const model = functionModel(() => new Promise<string>(() => undefined), 3);
    const source = new Subject<Plan>();
    const subscription = source.pipe(draft({ model, domain: mail })).subscribe();
    for (let ordinal = 0; ordinal < 5; ordinal += 1) source.next(mailPlan(ordinal));
    expect(model.inFlight).toBe(3);
    subscription.unsubscribe();
    await new Promise(setImmediate);
    expect({ inFlight: model.inFlight, aborted: model.aborted, requests: model.requests.length }).toEqual({
      inFlight: 0,
      aborted: 3,
      requests: 3,
    });
    expect(source.observed).toBe(false);
  });

  test('never has more than maxInFlight calls in flight', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(20),
        fc.integer({ min: 1, max: 6 }),
        fc.infiniteStream(fc.nat(4)),
        async (n, most, turns) => {
          const model = functionModel(async () => {
            for (let turn = turns.next().value; turn > 0; turn -= 1) await Promise.resolve();
            return turns.next().value === 0 ? 'no fields' : good;
          });
          const all = Array.from({ length: n }, (_, ordinal) => mailPlan(ordinal));
          const outcomes = await drafted(all, { model, maxInFlight: most });
          expect(outcomes).toHaveLength(n);
          expect(model.mostInFlight).toBeLessThanOrEqual(most);
          expect(model.mostInFlight).toBe(Math.min(n, most));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('samples as asked, and records it', async () => {
    const model = functionModel(() => good);
    const [outcome] = await drafted([mailPlan(0)], {
      model,
      sampling: { temperature: 0.9, topK: 40, topP: 0.95, maxTokens: 300 },
    });
    expect(model.requests[0]).toMatchObject({ temperature: 0.9, topK: 40, topP: 0.95, maxTokens: 300 });
    expect(outcome?.kind === 'emitted' && outcome.outputs[0]?.calls[0]?.temperature).toBe(0.9);
  });

  test('options that cannot be are refused by name', () => {
    const model = functionModel(() => good);
    expect(() => draft({ model, domain: mail, attempts: 0 })).toThrow(
      new TypeError('attempts: expected an integer of at least 1, got 0'),
    );
    expect(() => draft({ model, domain: mail, maxInFlight: 1.5 })).toThrow(TypeError);
  });
});
