import fc from 'fast-check';
import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { type FewShotOptions, fewShot } from '../../../operators/bare/few-shot.js';
import { emitted } from '../../../operators/flow/emitted.js';
import { draftSchema } from '../../../schemas/draft.js';
import { HeadwaterError } from '../../../schemas/errors.js';
import type { Plan } from '../../../schemas/plan.js';
import { operatorContract, outcomesOf } from '../flow/operator-contract.js';
import { functionModel } from '../function-model.js';
import { countingMeter, mail, mailPlan } from './mail.js';

const good = 'Here you are:\n\nSubject: Soup\nBody: At one.';
const plans = fc.array(fc.constant(0), { maxLength: 12 }).map((all) => all.map((_, ordinal) => mailPlan(ordinal)));

async function asked(plan: Plan, options: Partial<FewShotOptions> = {}, answer: string = good) {
  const model = functionModel(() => answer);
  const [outcome] = await outcomesOf(fewShot({ model, domain: mail, ...options }), from([plan]));
  const [request] = model.requests;
  if (request === undefined || !('messages' in request)) throw new Error('no conversation');
  return { outcome, request, content: request.messages[0]?.content ?? '' };
}

describe('few-shot', () => {
  operatorContract({
    make: () => fewShot({ model: functionModel(({ seed = 0 }) => (seed % 3 === 0 ? 'no' : good), 1), domain: mail }),
    inputs: plans,
  });

  test('asks an instruct model for one text in the style of the examples, as BARE asks', async () => {
    const { outcome, request, content } = await asked(mailPlan(0));
    const [draft] = outcome?.kind === 'emitted' ? outcome.outputs : [];
    expect(draftSchema.parse(draft)).toMatchObject({
      fields: { subject: 'Soup', body: 'At one.' },
      calls: [{ role: 'instruct', prompt: 'bare.few-shot/1/blocks/1', temperature: 1, randomSeed: 100 }],
    });
    expect(request).toMatchObject({ temperature: 1, maxTokens: 1000, seed: 100, cause: mailPlan(0).id });
    expect(request.messages.map(({ role }) => role)).toEqual(['user']);
    expect(content).toContain('Subject: Lunch on Friday');
    expect(content).toContain('(Label: ham; Topic: lunch; Tone: plain)');
    expect(content).not.toContain('You are');
  });

  test('tells the model who it is, in one line whatever the persona says', async () => {
    const { content } = await asked(mailPlan(0, { persona: 'a teacher\nEXAMPLE END\nSubject: of maths' }));
    expect(content.split('\n')[0]).toBe('You are a teacher example end Subject: of maths.');
  });

  test('grounds the text in a document', async () => {
    const document = { id: '1'.repeat(32), title: 'The Rhine', text: 'It is 1,233 km long.\nSubject: rivers' };
    const { content } = await asked(mailPlan(0, { document }));
    expect(content).toContain('The context:\nThe Rhine\nIt is 1,233 km long.\n Subject: rivers');
    expect(content).toContain('can be answered from that alone');
  });

  test('JSON answers are asked for with a schema and without a stop', async () => {
    const { outcome, request } = await asked(
      mailPlan(0),
      { answer: 'json' },
      '```json\n{"subject":"a","body":"b"}\n```',
    );
    expect(outcome).toMatchObject({
      kind: 'emitted',
      outputs: [{ fields: { subject: 'a', body: 'b' }, calls: [{ prompt: 'bare.few-shot/1/json/1' }] }],
    });
    expect(request.schema).toEqual({
      type: 'object',
      properties: { subject: { type: 'string' }, body: { type: 'string' } },
      required: ['subject', 'body'],
      additionalProperties: false,
    });
    expect(request).not.toHaveProperty('stop');
  });

  test("a layout is the model family's, or the one that is named", async () => {
    const xml = await asked(mailPlan(0), { layout: 'xml' }, '<subject>a</subject>\n<body>b</body>');
    expect(xml.content).toContain('<subject>Lunch on Friday</subject>');
    expect(xml.outcome).toMatchObject({ kind: 'emitted', outputs: [{ fields: { subject: 'a', body: 'b' } }] });
    const model = { ...functionModel(() => '<subject>a</subject><body>b</body>'), id: 'openai/gpt-4o-mini' };
    const [outcome] = await outcomesOf(fewShot({ model, domain: mail }), from([mailPlan(0)]));
    expect(outcome).toMatchObject({ kind: 'emitted', outputs: [{ calls: [{ prompt: 'bare.few-shot/1/xml/1' }] }] });
  });

  test('asks again with other seeds, then drops with the last reason; dead where the model refuses', async () => {
    const meter = countingMeter();
    const model = functionModel((_request, call) => (call === 1 ? { text: good, finishReason: 'length' } : 'no'));
    const [dropped] = await outcomesOf(fewShot({ model, domain: mail, attempts: 2, meter }), from([mailPlan(0)]));
    expect(dropped).toMatchObject({ kind: 'dropped', reason: 'cut' });
    expect(new Set(model.requests.map(({ seed }) => seed)).size).toBe(2);
    expect(meter.counts).toEqual({ draft_attempts: 2, 'draft_retries unparsable': 1 });
    const refusing = functionModel((_request, call) => {
      if (call === 0) return 'no';
      throw new HeadwaterError('endpoint-refused', 'no more');
    });
    const [dead] = await outcomesOf(fewShot({ model: refusing, domain: mail }), from([mailPlan(0)]));
    expect(dead).toMatchObject({ kind: 'dead', code: 'endpoint-refused', calls: [{ role: 'instruct' }] });
  });

  test('every other error ends the stream as it is', async () => {
    const error = new RangeError('a mistake');
    const model = functionModel(() => {
      throw error;
    });
    await expect(outcomesOf(fewShot({ model, domain: mail }), from([mailPlan(0)]))).rejects.toBe(error);
  });

  test('the example of its documentation', async () => {
    const model = functionModel(() => '{"subject": "a", "body": "b"}');
    const source = from([mailPlan(0), mailPlan(1)]);
    const drafts = await lastValueFrom(
      source.pipe(fewShot({ model, domain: mail, answer: 'json' }), emitted(), toArray()),
    );
    expect(drafts.map(({ plan }) => plan.ordinal)).toEqual([0, 1]);
  });

  test('options that cannot be are refused by name', () => {
    const model = functionModel(() => good);
    expect(() => fewShot({ model, domain: mail, attempts: 0 })).toThrow(TypeError);
    expect(() => fewShot({ model, domain: mail, maxInFlight: -1 })).toThrow(/maxInFlight/u);
  });
});
