import fc from 'fast-check';
import { from } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../../operators/flow/outcome.js';
import { apportion } from '../../../operators/kernels/apportion.js';
import { builtInPersonas } from '../../../operators/planning/personas.js';
import { type PlanInput, plan } from '../../../operators/planning/plan.js';
import { type Document, documentSchema } from '../../../schemas/document.js';
import { type Given, givenSchema } from '../../../schemas/given.js';
import { recordId } from '../../../schemas/ids.js';
import { type Plan, planSchema } from '../../../schemas/plan.js';
import { type Real, realSchema } from '../../../schemas/real.js';
import { seedSchema } from '../../../schemas/seed.js';
import { endingOf, type LaneOptions, loadedTick, PlannedLane, runLane, targetTick } from './planned-lane.js';

const labelled: LaneOptions = {
  domain: {
    about: 'short e-mails',
    fields: { body: { minLength: 1, maxLength: 1000 } },
    label: { field: 'kind', values: ['ham', 'spam', 'other'], shares: [5, 3, 2] },
    vary: { tone: ['plain', 'warm', 'terse'] },
  },
  lane: 0,
  window: 8,
  examples: 3,
  seed: 7,
};
const plain: LaneOptions = { ...labelled, domain: { ...labelled.domain, label: undefined } };

const seeds = Array.from({ length: 7 }, (_, n) =>
  seedSchema.parse({ kind: 'seed', id: recordId('seed', n), fields: { body: `s${n}` }, label: 'ham', origin: {} }),
);
const document = (n: number, text = `Text ${n}.`): Document =>
  documentSchema.parse({ kind: 'document', id: recordId('document', n), text, origin: {} });
const given = (n: number, label?: string): Given =>
  givenSchema.parse({ kind: 'given', id: recordId('given', n), fields: { body: `g${n}` }, label, origin: {} });
const real = (n: number, label?: string): Real =>
  realSchema.parse({ kind: 'real', id: recordId('real', n), fields: { body: `r${n}` }, label, origin: {} });
const documents = Array.from({ length: 5 }, (_, n) => document(n));

/** The counts of a lane's labels by its shares. */
function wanted(total: number): Readonly<Record<string, number>> {
  const { values = [] } = labelled.domain.label ?? {};
  const counts = apportion([5, 3, 2], total);
  return Object.fromEntries(values.map((value, i) => [value, counts[i] ?? 0]));
}

function countsOf(plans: readonly Plan[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = { ham: 0, spam: 0, other: 0 };
  for (const { label = '' } of plans) counts[label] = (counts[label] ?? 0) + 1;
  return counts;
}

function started(options: LaneOptions, ...inputs: readonly PlanInput[]): PlannedLane {
  const lane = new PlannedLane(options);
  lane.take(...seeds, ...inputs);
  return lane;
}

const timeless = (plans: readonly Plan[]) => plans.map(({ plannedAt: _, ...plan }) => plan);
const shownTo = ({ examples }: Plan) => examples.map(({ fields }) => fields['body']);

describe('plans of a lane', () => {
  it('begin with the target, as valid records', () => {
    const lane = started(labelled);
    expect(lane.plans).toEqual([]);
    const plans = lane.take(targetTick(100, wanted(100)));
    expect(plans.map(({ ordinal }) => ordinal)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    for (const plan of plans) expect(planSchema.parse(plan)).toEqual(plan);
    expect(new Set(plans.map(({ id }) => id)).size).toBe(8);
  });

  it('begin behind seeds of a topic, when there are enough of them', () => {
    const lane = new PlannedLane(plain);
    expect(lane.take(targetTick(100))).toEqual([]);
    const [first, second, third] = seeds.map((seed) => ({
      ...seed,
      origin: { topic: 'mails', partition: 0, offset: 1 },
    }));
    if (!first || !second || !third) throw new Error('seeds were made');
    expect(lane.take(first, second)).toEqual([]);
    expect(lane.take(third)).toHaveLength(8);
  });

  it('have other texts in another lane, or with another seed', () => {
    const of = (changes: Partial<LaneOptions>) => started({ ...labelled, ...changes }, targetTick(null)).plans;
    expect(of({})).toEqual(of({}));
    expect(of({ lane: 1 })[0]?.id).not.toBe(of({})[0]?.id);
    expect(of({ seed: 8 })[0]?.randomSeed).not.toBe(of({})[0]?.randomSeed);
  });

  it('show whole groups of seeds, all of them in turn', () => {
    const lane = started({ ...plain, window: 50 }, targetTick(null));
    const groups = new Set(lane.plans.map((plan) => shownTo(plan).join()));
    expect([...groups].every((group) => group.split(',').length === 3)).toBe(true);
    expect(new Set([...groups].join().split(',')).size).toBe(seeds.length);
    expect(groups.size).toBe(3);
  });

  it('draw varied values evenly', () => {
    const lane = started({ ...plain, window: 900 }, targetTick(null));
    for (const tone of ['plain', 'warm', 'terse']) {
      const count = lane.plans.filter(({ vary }) => vary['tone'] === tone).length;
      expect(count).toBeGreaterThan(240);
      expect(count).toBeLessThan(360);
    }
  });

  it.each(['window', 'examples', 'group'])('refuse a %s of 0', (name) => {
    expect(() => new PlannedLane({ ...plain, [name]: 0 })).toThrow(
      `plan: ${name} must be a whole number from 1, not 0`,
    );
  });
});

/** Which plans fail, by a list that goes round with the ordinals. */
const fates = fc.array(fc.boolean(), { minLength: 1, maxLength: 30 }).filter((list) => list.some(Boolean));
const totals = fc.integer({ min: 1, max: 25 });
const picks = fc.infiniteStream(fc.nat(1000));

/** Material of every sort: everything that a plan can draw. */
const kinds: readonly (readonly [string, Partial<LaneOptions>, readonly PlanInput[]])[] = [
  ['seeds', {}, []],
  [
    'personas and documents',
    { personas: builtInPersonas, documents: 'files' },
    [...documents, loadedTick('documents')],
  ],
  ['documents of a topic', { documents: 'topic' }, documents],
  ['real examples', { from: 'real' }, Array.from({ length: 20 }, (_, n) => real(n, n % 3 === 0 ? 'spam' : 'ham'))],
  ['given texts', { given: 'files' }, [given(0), given(1), given(2), loadedTick('drafts')]],
  ['groups', { group: 3, documents: 'files', personas: ['a', 'b'] }, [...documents, loadedTick('documents')]],
];

describe.each(kinds)('a lane that draws from %s', (_, changes, inputs) => {
  const options = { ...labelled, ...changes };

  it('reaches exact counts of labels with the same plans, in whatever order they end', () => {
    fc.assert(
      fc.property(totals, fates, picks, (total, list, stream) => {
        const target = targetTick(total, wanted(total));
        const passes = ({ ordinal }: Plan) => list[ordinal % list.length] ?? true;
        const inOrder = started(options, ...inputs, target);
        const shuffled = started(options, ...inputs, target);
        const accepted = runLane(inOrder, target, { passes, pick: () => 0 });
        expect(countsOf(accepted)).toEqual(wanted(total));
        runLane(shuffled, target, { passes, pick: (choices) => Number(stream.next().value) % choices });
        expect(timeless(shuffled.plans)).toEqual(timeless(inOrder.plans));
      }),
      { numRuns: 25 },
    );
  });

  it('plans the same when it is started again at any time', () => {
    fc.assert(
      fc.property(totals, fates, fc.array(fc.nat(30), { maxLength: 6 }), (total, list, restarts) => {
        const target = targetTick(total, wanted(total));
        const passes = ({ ordinal }: Plan) => list[ordinal % list.length] ?? true;
        const pick = () => 0;
        const whole = started(options, ...inputs, target);
        runLane(whole, target, { passes, pick });

        const broken = new PlannedLane(options);
        for (const [n, input] of [...seeds, ...inputs, target].entries()) {
          if (restarts.includes(n)) broken.restart();
          broken.take(input);
        }
        const between = (lane: PlannedLane, endings: number) => {
          if (restarts.includes(endings)) lane.restart();
        };
        runLane(broken, target, { passes, pick, between });
        expect(timeless(broken.plans)).toEqual(timeless(whole.plans));
      }),
      { numRuns: 25 },
    );
  });
});

describe('labels', () => {
  it('stand in their shares where one is rejected far more often, all the way', () => {
    const target = targetTick(200, wanted(200));
    const lane = started(labelled, target);
    const passes = ({ label, ordinal }: Plan) => label !== 'spam' || ordinal % 5 === 0;
    const accepted = runLane(lane, target, { passes, pick: () => 0 });
    expect(countsOf(accepted)).toEqual({ ham: 100, spam: 60, other: 40 });
    for (let n = 20; n <= 200; n += 20) {
      // What is outstanding counts as if it were there: a window of labels may be late.
      expect(Math.abs((countsOf(accepted.slice(0, n))['spam'] ?? 0) - 0.3 * n)).toBeLessThanOrEqual(labelled.window);
    }
  });

  it('stand in their shares without end', () => {
    const lane = started(labelled, targetTick(null));
    let accepted: Plan[] = [];
    for (let n = 0; n < 1000; n++) {
      const [first] = lane.open;
      if (first === undefined) throw new Error('no plan is out');
      const passes = first.label !== 'other' || n % 3 === 0;
      if (passes) accepted = [...accepted, first];
      lane.end(first, passes ? 'accepted' : 'dropped');
      expect(lane.open).toHaveLength(labelled.window);
    }
    const counts = countsOf(accepted);
    for (const [value, share] of Object.entries({ ham: 0.5, spam: 0.3, other: 0.2 })) {
      expect(Math.abs((counts[value] ?? 0) - share * accepted.length)).toBeLessThanOrEqual(labelled.window);
    }
  });

  it('are added to when a target is raised', () => {
    const first = targetTick(7, wanted(7));
    const lane = started(labelled, first);
    const accepted = runLane(lane, first, { passes: () => true, pick: () => 0 });
    const more = lane.take(targetTick(20, wanted(20)));
    expect(more.length).toBeGreaterThan(0);
    const counts: Record<string, number> = { ...countsOf(accepted) };
    const target = wanted(20);
    while (lane.open.length > 0) {
      const [plan] = lane.open;
      if (plan === undefined) break;
      const { label = '' } = plan;
      const kept = (counts[label] ?? 0) < (target[label] ?? 0);
      if (kept) counts[label] = (counts[label] ?? 0) + 1;
      lane.end(plan, kept ? 'accepted' : 'dropped');
    }
    expect(counts).toEqual(target);
  });
});

describe('documents', () => {
  const grounded: LaneOptions = { ...plain, documents: 'files' };
  const idsOf = (plans: readonly Plan[]) => plans.map((plan) => plan.document?.id);
  const run = (lane: PlannedLane, total: number) =>
    runLane(lane, targetTick(total), { passes: () => true, pick: () => 0 });

  it('are waited for until their files have ended', () => {
    const lane = started(grounded, targetTick(10), ...documents);
    expect(lane.plans).toEqual([]);
    expect(lane.take(loadedTick('drafts'))).toEqual([]);
    expect(lane.take(loadedTick('documents'))).toHaveLength(8);
  });

  it('come once in every round, in an order that depends on the seed alone', () => {
    const orderOf = (changes: Partial<LaneOptions>, inputs: readonly PlanInput[]) => {
      const lane = started({ ...grounded, ...changes }, ...inputs, loadedTick('documents'), targetTick(20));
      run(lane, 20);
      return idsOf(lane.plans);
    };
    const order = orderOf({}, documents);
    for (let round = 0; round < 4; round++) {
      expect(new Set(order.slice(5 * round, 5 * round + 5))).toEqual(new Set(documents.map(({ id }) => id)));
    }
    expect(order.slice(0, 5)).not.toEqual(order.slice(5, 10));
    expect(orderOf({}, documents.toReversed())).toEqual(order);
    expect(orderOf({ seed: 8 }, documents)).not.toEqual(order);
  });

  it('of a topic go round again when a plan ends, and not before', () => {
    const lane = started({ ...grounded, documents: 'topic' }, targetTick(100));
    expect(lane.plans).toEqual([]);
    expect(lane.take(document(0), document(1))).toHaveLength(2);
    const [first] = lane.open;
    if (first === undefined) throw new Error('two plans are out');
    expect(lane.end(first, 'accepted')).toHaveLength(7);
  });

  it('that come during a round are drawn in it', () => {
    const lane = started(grounded, ...documents, loadedTick('documents'), targetTick(null));
    const late = document(99);
    lane.take(late);
    for (let n = 0; n < 4; n++) {
      const [first] = lane.open;
      if (first !== undefined) lane.end(first, 'accepted');
    }
    // Eight of the second round's six, the last of which came late, are out or over.
    expect(idsOf(lane.plans.slice(5, 11))).toContain(late.id);
    expect(new Set(idsOf(lane.plans.slice(5, 11))).size).toBe(6);
  });

  it('are held up to a bound, of which the oldest used ones go first', () => {
    const lane = started({ ...grounded, bounds: { documents: 4 } }, targetTick(null), ...documents.slice(0, 3));
    expect(lane.plans).toEqual([]);
    // The pool is full: no need to wait for the end.
    const plans = lane.take(document(3));
    expect(new Set(idsOf(plans)).size).toBe(4);
    const before = lane.remembered;
    for (let n = 10; n < 30; n++) lane.take(document(n));
    // Of each document its text and its round, where it has one.
    expect(lane.remembered).toBeLessThanOrEqual(before);
    for (let n = 0; n < 8; n++) {
      const [first] = lane.open;
      if (first !== undefined) lane.end(first, 'accepted');
    }
    const newest = [26, 27, 28, 29].map((n) => document(n).id);
    expect(new Set(idsOf(lane.plans.slice(-4)))).toEqual(new Set(newest));
  });

  it('are cut to a bound behind a sentence', () => {
    const long = document(0, `${'A sentence. '.repeat(700)}The end is cut.`);
    const [plan] = started(grounded, long, loadedTick('documents'), targetTick(1)).plans;
    expect(plan?.document?.text.length).toBeLessThanOrEqual(8000);
    expect(plan?.document?.text).toMatch(/A sentence\.$/);
  });
});

describe('given texts', () => {
  const options: LaneOptions = { ...plain, given: 'files' };
  const texts = [given(0), given(1), given(2)];

  it('stand in their order, again and again with another random seed', () => {
    const lane = started(options, targetTick(null), ...texts);
    expect(lane.plans).toEqual([]);
    lane.take(loadedTick('drafts'));
    expect(lane.plans.map((plan) => plan.given?.fields['body'])).toEqual(
      lane.plans.map(({ ordinal }) => `g${ordinal % 3}`),
    );
    expect(new Set(lane.plans.map(({ randomSeed }) => randomSeed)).size).toBe(8);
  });

  it('keep their own label and values', () => {
    const own = { ...given(0, 'other'), vary: { tone: 'warm' } };
    const lane = started({ ...labelled, given: 'files' }, own, loadedTick('drafts'), targetTick(null));
    expect(lane.plans.every(({ label, vary }) => label === 'other' && vary['tone'] === 'warm')).toBe(true);
  });
});

describe('a text that is too long for a plan', () => {
  it.each(['given', 'real'] as const)('is dead, and comes into none: %s', (kind) => {
    const options: LaneOptions = kind === 'given' ? { ...plain, given: 'topic' } : { ...plain, from: 'real' };
    const make = kind === 'given' ? given : real;
    const long = { ...make(9), fields: { body: 'x'.repeat(64_001) } };
    const fits = [0, 1, 2].map((n) => ({ ...make(n), fields: { body: `${n}`.repeat(64_000) } }));
    const inputs = [...seeds, targetTick(100), long, ...fits];
    const outcomes: Outcome<PlanInput, Plan>[] = [];
    from(inputs)
      .pipe(plan({ ...options, memory: new Map() }))
      .subscribe((outcome) => outcomes.push(outcome));
    expect(outcomes.filter(({ kind: end }) => end === 'dead')).toMatchObject([
      { input: long, code: 'record-too-large', message: expect.stringContaining('64001') },
    ]);
    const plans = outcomes.flatMap((outcome) => (outcome.kind === 'emitted' ? outcome.outputs : []));
    expect(plans.length).toBeGreaterThan(0);
    expect(JSON.stringify(plans)).not.toContain('xxx');
  });
});

describe('examples of the real stream', () => {
  const options: LaneOptions = { ...plain, from: 'real' };

  it('are waited for until there are enough, and are told from seeds', () => {
    const lane = started(options, targetTick(null), real(0), real(1));
    expect(lane.plans).toEqual([]);
    expect(lane.take(real(2))).toHaveLength(8);
    for (const { examples, seedCount } of lane.plans) {
      expect(new Set(examples.map(({ id }) => id)).size).toBe(3);
      expect(examples.every(({ from }) => from === 'real')).toBe(true);
      expect(seedCount).toBe(seeds.length);
    }
    expect(new Set(lane.plans.map((plan) => shownTo(plan).join())).size).toBeGreaterThan(1);
  });

  it('are the newest, of which a bounded number is held', () => {
    const many = Array.from({ length: 40 }, (_, n) => real(n));
    const lane = started({ ...options, bounds: { real: 5 } }, ...many, targetTick(null));
    const shown = lane.plans.flatMap(shownTo);
    expect(new Set(shown)).toEqual(new Set(['r35', 'r36', 'r37', 'r38', 'r39']));
    // Five records, how many there were, the planner's state, and the seeds.
    expect(lane.remembered).toBe(7 + seeds.length);
  });

  it('are of the plan’s label where there are enough of it', () => {
    const few = [real(0, 'spam'), real(1, 'spam'), ...[2, 3, 4, 5, 6].map((n) => real(n, 'ham'))];
    const lane = started({ ...labelled, from: 'real' }, ...few, targetTick(null));
    const labelsOf = (label: string) =>
      lane.plans.filter((plan) => plan.label === label).flatMap(({ examples }) => examples.map((shown) => shown.label));
    expect(new Set(labelsOf('ham'))).toEqual(new Set(['ham']));
    expect(new Set(labelsOf('spam'))).toEqual(new Set(['ham', 'spam']));
  });
});

describe('personas', () => {
  it('are drawn evenly: each once in every round', () => {
    const lane = started({ ...plain, window: 50, personas: builtInPersonas }, targetTick(null));
    for (let round = 0; round < 5; round++) {
      const drawn = lane.plans.slice(10 * round, 10 * round + 10).map(({ persona }) => persona);
      expect(new Set(drawn)).toEqual(new Set(builtInPersonas));
    }
    expect(lane.plans.slice(0, 10).map(({ persona }) => persona)).not.toEqual(
      lane.plans.slice(10, 20).map(({ persona }) => persona),
    );
  });

  it('must be some', () => {
    expect(() => new PlannedLane({ ...plain, personas: [] })).toThrow('plan: personas must have one');
  });
});

describe('groups', () => {
  const options: LaneOptions = { ...labelled, group: 4, personas: ['a', 'b', 'c'], documents: 'files' };

  it('go out whole, and share all but their place and random seed', () => {
    fc.assert(
      fc.property(totals, fates, (total, list) => {
        const target = targetTick(total, wanted(total));
        const lane = started(options, ...documents, loadedTick('documents'), target);
        const passes = ({ ordinal }: Plan) => list[ordinal % list.length] ?? true;
        runLane(lane, target, {
          passes,
          pick: () => 0,
          between: ({ plans, open }) => {
            expect(plans.length % 4).toBe(0);
            expect(open.length).toBeLessThanOrEqual(8);
          },
        });
        for (let first = 0; first < lane.plans.length; first += 4) {
          const group = lane.plans.slice(first, first + 4);
          expect(group.map((plan) => plan.group)).toEqual(
            [0, 1, 2, 3].map((place) => ({ number: first / 4, place, size: 4 })),
          );
          const shared = group.map(({ label, vary, examples, persona, document: text }) =>
            JSON.stringify({ label, vary, examples, persona, text }),
          );
          expect(new Set(shared).size).toBe(1);
          expect(new Set(group.map(({ randomSeed }) => randomSeed)).size).toBe(4);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('are of one plan where they are so small', () => {
    const [plan] = started({ ...plain, group: 1 }, targetTick(1)).plans;
    expect(plan?.group).toEqual({ number: 0, place: 0, size: 1 });
  });
});

it('ignores endings of plans that it has counted', () => {
  const lane = started(plain, targetTick(100));
  const [first] = lane.plans;
  if (first === undefined) throw new Error('plans are out');
  expect(lane.end(first, 'dropped')).toHaveLength(1);
  expect(lane.take(endingOf(first, 'dropped'))).toEqual([]);
});
