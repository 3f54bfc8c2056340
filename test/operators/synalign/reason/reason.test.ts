import fc from 'fast-check';
import { from, Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';

import { OpenAnswers } from '../../../../operators/flow/open-answers.js';
import type { Outcome } from '../../../../operators/flow/outcome.js';
import { randomFrom } from '../../../../operators/kernels/random.js';
import type { ChatRequest, CompletionRequest } from '../../../../operators/language-model.js';
import { spendingOf } from '../../../../operators/spending.js';
import { attributeFiguresOf } from '../../../../operators/synalign/reason/attribute-figures.js';
import { type ReasonOptions, reason } from '../../../../operators/synalign/reason/reason.js';
import { HeadwaterError } from '../../../../schemas/errors.js';
import type { LedgerEntry } from '../../../../schemas/ledger-entry.js';
import type { Plan } from '../../../../schemas/plan.js';
import { type Reasoned, reasonedSchema } from '../../../../schemas/reasoned.js';
import { MemoryJournal } from '../../bare/journal.js';
import { countingMeter, mail } from '../../bare/mail.js';
import { memoryAfter, operatorContract, outcomesOf } from '../../flow/operator-contract.js';
import { functionModel } from '../../function-model.js';
import { endingOf } from '../../planning/planned-lane.js';
import { realText, regionIn, regionPlan, settings } from '../reasoned-plans.js';

type In = Plan | LedgerEntry;
type Request = CompletionRequest | ChatRequest;
type Ended = Outcome<In, Reasoned>;

function make(options: Partial<ReasonOptions> & Pick<ReasonOptions, 'model'>) {
  return reason({ role: 'instruct', domain: mail, settings, lane: 0, memory: new Map(), ...options });
}

/** Attributes that name the region and the call's random seed. */
function described(request: Request): string {
  return JSON.stringify({ style: `plain ${regionIn(request)}`, intent: `seed ${request.seed}`, mood: 'calm' });
}

/** The same, but some calls give nothing, and some are refused. */
function sometimes(request: Request): string {
  const { seed = 0 } = request;
  if (seed % 5 === 1) return 'I cannot help with that.';
  if (seed % 11 === 2) throw new HeadwaterError('prompt-too-long', 'too long');
  return described(request);
}

function reasonedIn(outcomes: readonly Ended[]): readonly Reasoned[] {
  return outcomes.flatMap((outcome) => (outcome.kind === 'emitted' ? outcome.outputs : []));
}

function valuesIn(outcomes: readonly Ended[], name: string): readonly (string | undefined)[] {
  return reasonedIn(outcomes).map(({ plan }) => plan.attributes?.values[name]);
}

/** Plans of these regions, in order. */
function plansOf(...regions: readonly number[]): readonly Plan[] {
  return regions.map((region, ordinal) => regionPlan(ordinal, region));
}

/** Plans with the endings that the planner knew when it sent each, for a window of plans. */
function withEndings(plans: readonly Plan[], window: number, passes: (plan: Plan) => boolean): readonly In[] {
  return plans.flatMap((plan, n): readonly In[] => {
    const ended = plans[n - window];
    return ended === undefined ? [plan] : [endingOf(ended, passes(ended) ? 'accepted' : 'dropped'), plan];
  });
}

const regions = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 24 });

describe('reason', () => {
  operatorContract({
    make: (memory) => make({ memory, model: functionModel(sometimes), regions: 3 }),
    inputs: regions.map((list) => plansOf(...list)),
    runs: 60,
  });

  operatorContract({
    make: (memory) => make({ memory, model: functionModel(sometimes), window: 4, settings: { ...settings, uses: 50 } }),
    inputs: regions.map((list) => withEndings(plansOf(...list), 4, ({ ordinal }) => ordinal % 3 === 0)),
    runs: 60,
  });

  test('one answer serves the plans of a region, up to its uses; another asks anew', async () => {
    const model = functionModel(described);
    const outcomes = await outcomesOf(make({ model }), from(plansOf(1, 1, 2, 1, 1, 2)));
    expect(model.requests).toHaveLength(3);
    expect(valuesIn(outcomes, 'style')).toEqual(['plain 1', 'plain 1', 'plain 2', 'plain 1', 'plain 1', 'plain 2']);
    const ids = reasonedIn(outcomes).map(({ plan }) => plan.attributes?.id);
    expect(new Set([ids[0], ids[1], ids[3]]).size).toBe(1);
    expect(ids[4]).not.toBe(ids[0]);
    expect(ids[5]).toBe(ids[2]);
    for (const record of reasonedIn(outcomes)) expect(reasonedSchema.parse(record)).toEqual(record);
  });

  test('plans of another label, and without a region of other examples, share nothing', async () => {
    const model = functionModel(described);
    const { region: _, ...free } = regionPlan(2, 3);
    const plans = [regionPlan(0, 3), regionPlan(1, 3, { label: 'spam' }), free, { ...free, ...idOf(3) }];
    const outcomes = await outcomesOf(make({ model }), from(plans));
    expect(new Set(reasonedIn(outcomes).map(({ plan }) => plan.attributes?.id)).size).toBe(3);
    expect(model.requests).toHaveLength(3);
  });

  test('all examples are shown, and the plan goes on as it was', async () => {
    const model = functionModel(described);
    const [plan] = plansOf(7);
    const outcomes = await outcomesOf(make({ model }), from(plansOf(7)));
    const [request] = model.requests;
    const content = request !== undefined && 'messages' in request ? (request.messages[0]?.content ?? '') : '';
    expect(content).toContain(realText(7, 0));
    expect(content).toContain(realText(7, 1));
    const [{ plan: { attributes, ...rest } = {} as Plan } = {} as Reasoned] = reasonedIn(outcomes);
    expect(rest).toEqual(plan);
    expect(attributes).toMatchObject({
      askedFor: plan?.id,
      calls: [{ role: 'instruct', prompt: 'synalign.reason/1/json' }],
    });
  });

  test('what was paid adds up: the plan that asked has it, those that share it nothing', async () => {
    const model = functionModel((request, call) => ({
      text: call === 0 ? 'nothing' : described(request),
      cost: 0.3,
      usage: { promptTokens: 101, completionTokens: 7 },
      reused: call === 1,
    }));
    const outcomes = await outcomesOf(make({ model }), from(plansOf(1, 1, 1)));
    const calls = reasonedIn(outcomes).map(({ plan }) => plan.attributes?.calls ?? []);
    expect(calls.map(({ length }) => length)).toEqual([2, 1, 1]);
    const spent = calls.map((each) => spendingOf(each));
    expect(spent.map(({ promptTokens }) => promptTokens)).toEqual([202, 0, 0]);
    expect(spent.map(({ cost, savedCost, savedCalls }) => [cost, savedCost, savedCalls])).toEqual([
      [0.3, 0.3, 1],
      [0, 0, 0],
      [0, 0, 0],
    ]);
    expect(calls[1]?.[0]).toMatchObject({ prompt: 'synalign.reason/1/json', model: 'test/function' });
  });

  test('a failure costs the plan that asked, and the next one that waits asks in its turn', async () => {
    const model = functionModel((request) => {
      if (request.cause === regionPlan(0, 1).id) return 'no attributes';
      if (request.cause === regionPlan(1, 1).id) throw new HeadwaterError('endpoint-timeout', 'away');
      return described(request);
    });
    const meter = countingMeter();
    const outcomes = await outcomesOf(make({ model, meter }), from(plansOf(1, 1, 1, 1)));
    expect(outcomes.map((outcome) => ('reason' in outcome ? outcome.reason : outcome.kind))).toEqual([
      'no-attributes',
      'dead',
      'emitted',
      'emitted',
    ]);
    expect(outcomes[0]).toMatchObject({ detail: 'no attribute in "no attributes"', calls: [{}, {}] });
    expect(outcomes[1]).toMatchObject({ code: 'endpoint-timeout', calls: [] });
    const [third, fourth] = reasonedIn(outcomes).map(({ plan }) => plan.attributes);
    expect(third?.askedFor).toBe(regionPlan(2, 1).id);
    // the fourth was the first beyond the uses of that answer
    expect(fourth?.askedFor).toBe(regionPlan(3, 1).id);
    expect(meter.counts).toMatchObject({ reason_attempts: 5, reason_retries: 1 });
  });

  test('other errors end the stream', async () => {
    const model = functionModel(() => {
      throw new Error('a bug');
    });
    await expect(outcomesOf(make({ model }), from(plansOf(1)))).rejects.toThrow('a bug');
  });

  test('the same plans have the same attributes whatever the order of answers', async () => {
    const whole = await outcomesOf(make({ model: functionModel(sometimes, 1) }), from(plansOf(...many)));
    for (let seed = 0; seed < 10; seed++) {
      const random = randomFrom(seed);
      const model = functionModel(async (request) => {
        for (let turns = random.below(6); turns > 0; turns--) await turn();
        return sometimes(request);
      }, 3);
      const outcomes = await outcomesOf(make({ model }), from(plansOf(...many)));
      expect(outcomes).toEqual(whole);
      expect(model.mostInFlight).toBeLessThanOrEqual(3);
    }
  });

  test('the same wherever endings stand among plans, as long as each comes before the plan that counts it', async () => {
    const plans = plansOf(...Array.from({ length: 90 }, (_, n) => n % 2));
    const options = { window: 6, settings: { ...settings, uses: 1000 } };
    const late = withEndings(plans, 6, ({ ordinal }) => ordinal % 2 === 1 && ordinal % 7 !== 0);
    const whole = await outcomesOf(make({ model: functionModel(sometimes), ...options }), from(late));
    // one of the regions was asked about anew
    expect(new Set(reasonedIn(whole).map(({ plan }) => plan.attributes?.id)).size).toBeGreaterThan(2);
    for (let seed = 0; seed < 10; seed++) {
      const random = randomFrom(seed);
      const inputs = shuffledEndings(late, random.below);
      const outcomes = await outcomesOf(make({ model: functionModel(sometimes), ...options }), from(inputs));
      expect(reasonedIn(outcomes)).toEqual(reasonedIn(whole));
    }
  });

  test('a plan waits for the endings that it goes by, and for no others', async () => {
    const source = new Subject<In>();
    const outcomes: Ended[] = [];
    const model = functionModel(described);
    const plans = plansOf(0, 1, 2, 3);
    source.pipe(make({ model, window: 2 })).subscribe((outcome) => outcomes.push(outcome));
    for (const plan of plans) source.next(plan);
    await turn();
    source.next(ending(plans, 1, 'dropped'));
    await turn();
    expect(model.requests).toHaveLength(2);
    source.next(ending(plans, 0, 'accepted'));
    await turn();
    expect(model.requests).toHaveLength(4);
    expect(outcomes.map(({ input }) => input.ordinal)).toEqual([0, 1, 1, 0, 2, 3]);
  });

  test('attributes of a poor yield are asked for anew', async () => {
    const plans = plansOf(...Array.from({ length: 80 }, (_, n) => n % 2));
    const inputs = withEndings(plans, 8, ({ ordinal }) => ordinal % 2 === 1);
    const model = functionModel(described);
    const outcomes = await outcomesOf(make({ model, window: 8, settings: { ...settings, uses: 1000 } }), from(inputs));
    const answers = [0, 1].map((region) => {
      const own = reasonedIn(outcomes).filter(({ plan }) => plan.ordinal % 2 === region);
      return new Set(own.map(({ plan }) => plan.attributes?.id)).size;
    });
    expect(answers[1]).toBe(1);
    expect(answers[0]).toBeGreaterThan(1);
    expect(answers[0]).toBeLessThan(8);
    const figures = attributeFiguresOf(memoryAfter(outcomes));
    expect(figures).toMatchObject({ plans: 80, regions: 2, ended: 72, accepted: 36 });
  });

  test('the length is counted, not asked for, unless it is all that is asked for', async () => {
    const model = functionModel(() => '{"style": "plain", "length": "long"}');
    const own = (attributes: string[]) => ({ model, settings: { ...settings, attributes } });
    const counted = await outcomesOf(make(own(['length', 'style'])), from(plansOf(1)));
    expect(reasonedIn(counted)[0]?.plan.attributes?.values).toEqual({ style: 'plain', length: 'about 20 words' });
    expect(JSON.stringify(model.requests[0]?.schema)).not.toContain('length');
    const alone = await outcomesOf(make(own(['length'])), from(plansOf(1)));
    expect(reasonedIn(alone)[0]?.plan.attributes?.values).toEqual({ length: 'long', style: 'plain' });
  });

  test('values are counted for reports', async () => {
    const model = functionModel(() => '{"style": "Plain", "mood": "calm"}');
    const outcomes = await outcomesOf(make({ model }), from(plansOf(1, 1, 2)));
    expect(attributeFiguresOf(memoryAfter(outcomes))).toEqual({
      plans: 3,
      regions: 2,
      ended: 0,
      accepted: 0,
      values: { style: [{ value: 'plain', count: 3 }], mood: [{ value: 'calm', count: 3 }] },
    });
  });

  test('its memory stays within its bounds, however many regions there are', async () => {
    const model = functionModel((request) => JSON.stringify({ style: `plain ${request.seed}`, mood: 'calm' }));
    const plans = plansOf(...Array.from({ length: 700 }, (_, n) => n));
    const inputs = withEndings(plans, 10, () => true);
    const outcomes = await outcomesOf(make({ model, window: 10, regions: 64 }), from(inputs));
    // 64 regions with two keys each, 512 values, what is out, and two numbers
    expect(memoryAfter(outcomes).size).toBeLessThanOrEqual(2 * 64 + 512 + 2 * 10 + 2);
    const [calm] = attributeFiguresOf(memoryAfter(outcomes)).values['mood'] ?? [];
    expect(calm).toEqual({ value: 'calm', count: 700 });
  });

  test('a restart asks for nothing that its journal holds', async () => {
    const plans = plansOf(...many);
    const journal = new MemoryJournal();
    const first = functionModel(sometimes);
    const whole = await outcomesOf(make({ model: journal.of(first) }), from(plans));
    const committed = whole.slice(0, 7);
    const left = journal.without(new Set(committed.map(({ input }) => input.id)));
    const never = functionModel((request) => {
      // a refusal is no answer, and is given again
      if ((request.seed ?? 0) % 11 === 2) throw new HeadwaterError('prompt-too-long', 'too long');
      throw new Error('asked again');
    });
    const rest = await outcomesOf(
      make({ model: left.of(never), memory: memoryAfter(committed) }),
      from(plans.slice(committed.length)),
    );
    expect([...committed, ...rest]).toEqual(whole);
  });

  test('when no more is wanted, what has not ended is surplus with what was paid for it; endings still count', async () => {
    const complete = new AbortController();
    const answers = new OpenAnswers();
    const journal = new MemoryJournal();
    const model = functionModel((request, call) => {
      if (call === 0) return new Promise<string>(() => undefined);
      return call === 1 ? { text: 'nothing', cost: 0.25 } : described(request);
    });
    const source = new Subject<In>();
    const outcomes: Ended[] = [];
    const watched = watchedModel(model, journal, answers);
    const plans = plansOf(0, 1, 2, 0, 5);
    source
      .pipe(make({ model: watched, complete: complete.signal, answers, window: 4 }))
      .subscribe((outcome) => outcomes.push(outcome));
    for (const plan of plans) source.next(plan);
    await turn();
    complete.abort();
    source.next(ending(plans, 0, 'dropped'));
    source.next(regionPlan(5, 3));
    source.complete();
    await turn();
    expect(outcomes.map((outcome) => ('reason' in outcome ? outcome.reason : outcome.kind))).toEqual([
      'surplus',
      'surplus',
      'surplus',
      'surplus',
      'surplus',
      'absorbed',
      'surplus',
    ]);
    expect(model.inFlight).toBe(0);
    const paid = outcomes[1];
    expect(paid?.kind === 'dropped' && paid.calls?.map(({ cost }) => cost)).toEqual([0.25, null]);
    expect(memoryAfter(outcomes)).toEqual(new Map([['ended/0', false]]));
  });

  test('leaving aborts what is in flight', async () => {
    const hanging = functionModel(() => new Promise<string>(() => undefined));
    const source = new Subject<In>();
    const subscription = source.pipe(make({ model: hanging })).subscribe();
    for (const plan of plansOf(1, 2, 2)) source.next(plan);
    subscription.unsubscribe();
    await turn();
    expect([hanging.inFlight, hanging.aborted]).toEqual([0, 2]);
  });

  test('plans of another lane are dead, their endings no concern', async () => {
    const model = functionModel(described);
    const strange = regionPlan(0, 1, { lane: 3 });
    const outcomes = await outcomesOf(make({ model, window: 2 }), from([strange, endingOf(strange, 'accepted')]));
    expect(outcomes).toMatchObject([{ kind: 'dead', code: 'record-invalid' }, { kind: 'absorbed' }]);
    expect(memoryAfter(outcomes).size).toBe(0);
  });

  test('a damaged memory is refused', async () => {
    for (const [key, value] of [
      ['use/a', { since: 'x' }],
      ['totals', 3],
      ['value/0', ['style', 4]],
      ['applied', -1],
      ['of/3', 'a'],
    ] as const) {
      const damaged = make({ model: functionModel(described), memory: new Map([[key, value]]) });
      await expect(outcomesOf(damaged, from([]))).rejects.toThrow('memory of');
    }
  });

  test('options that leave nothing to do are refused', () => {
    const model = functionModel(described);
    expect(() => make({ model, settings: { ...settings, attributes: ['topic', 'Subject'] } })).toThrow(
      "attributes: expected a name that is not one of the domain's",
    );
    expect(() => make({ model, settings: { ...settings, uses: 0 } })).toThrow('uses');
    expect(() => make({ model, window: 0.5 })).toThrow('window');
  });

  test('the example of its documentation', async () => {
    const model = functionModel(described);
    const outcomes = await outcomesOf(make({ model }), from(plansOf(4)));
    expect(valuesIn(outcomes, 'style')).toEqual(['plain 4']);
  });
});

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Regions of forty plans, some of them often. */
const many = Array.from({ length: 40 }, (_, n) => (n * n) % 7);

function idOf(ordinal: number): Pick<Plan, 'id' | 'ordinal'> {
  const { id } = regionPlan(ordinal, 0);
  return { id, ordinal };
}

function ending(plans: readonly Plan[], ordinal: number, outcome: LedgerEntry['outcome']): LedgerEntry {
  const plan = plans[ordinal];
  if (plan === undefined) throw new TypeError('no such plan');
  return endingOf(plan, outcome);
}

/** Endings as much earlier as their plans allow: an ending comes behind its own plan. */
function shuffledEndings(inputs: readonly In[], below: (bound: number) => number): readonly In[] {
  const moved: In[] = [];
  for (const input of inputs) {
    if (input.kind === 'plan') moved.push(input);
    else {
      const own = moved.findIndex((other) => other.kind === 'plan' && other.ordinal === input.ordinal);
      moved.splice(own + 1 + below(moved.length - own), 0, input);
    }
  }
  return moved;
}

function watchedModel(model: ReturnType<typeof functionModel>, journal: MemoryJournal, answers: OpenAnswers) {
  const watching = answers.watching(journal);
  const ask = async (request: Request) => {
    const completion = await ('messages' in request ? model.chat(request) : model.complete(request));
    await watching.put(`${request.seed}`, request.cause ?? '', completion);
    return completion;
  };
  return { ...model, complete: ask, chat: ask };
}
