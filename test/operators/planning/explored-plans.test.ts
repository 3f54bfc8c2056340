import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { randomFeatures } from '../../../operators/kernels/mmd/random-features.js';
import type { EmbeddedReal } from '../../../operators/synalign/embedded-real.js';
import type { ExploringOptions } from '../../../operators/synalign/explore/explored-examples.js';
import { toBase64 } from '../../../schemas/codec.js';
import { type Correction, correctionSchema } from '../../../schemas/correction.js';
import { recordId } from '../../../schemas/ids.js';
import type { LedgerEntry } from '../../../schemas/ledger-entry.js';
import { type Plan, planSchema } from '../../../schemas/plan.js';
import { realSchema } from '../../../schemas/real.js';
import { seedSchema } from '../../../schemas/seed.js';
import { exploreStep, steerStep } from '../../../schemas/steps/synalign.js';
import type { Tick } from '../../../schemas/tick.js';
import { endingOf, type LaneOptions, PlannedLane, targetTick } from './planned-lane.js';

const dimensions = 4;
const frequencies = 32;
const seed = 7;
const embedder = { id: 'test/axes', dimensions };

const explore: ExploringOptions = {
  embedder,
  settings: exploreStep.parse({ examples: 2, inducing: 16, candidates: 64, halfLife: 16 }),
  steer: steerStep.parse({ strength: 2, bound: 16 }),
  frequencies,
  uses: 1,
  feed: 'files',
};

const options: LaneOptions = {
  domain: { about: 'notes', fields: { body: { minLength: 1, maxLength: 1000 } }, label: undefined, vary: {} },
  lane: 0,
  window: 4,
  examples: 3,
  seed,
  explore,
};

const seeds = [0, 1, 2, 3].map((n) =>
  seedSchema.parse({ kind: 'seed', id: recordId('seed', n), fields: { body: `s${n}` }, origin: {} }),
);

/** A real record near one of four axes. */
function real(n: number, label?: string): EmbeddedReal {
  const axis = n % 4;
  const vector = Float32Array.from({ length: dimensions }, (_, i) => (i === axis ? 1 : 0.02 * ((n * (i + 3)) % 7)));
  const norm = Math.hypot(...vector);
  const record = realSchema.parse({ kind: 'real', id: recordId('r', n), fields: { body: `r${n}` }, label, origin: {} });
  return { kind: 'embedded-real', real: record, embedding: vector.map((value) => value / norm) };
}

const reals = Array.from({ length: 24 }, (_, n) => real(n));
const loaded: Tick = {
  kind: 'tick',
  id: recordId('tick', 'real'),
  lane: 0,
  reason: 'loaded',
  input: 'real',
  total: 24,
  at: 1,
};

function started(changes: Partial<LaneOptions> = {}): PlannedLane {
  const lane = new PlannedLane({ ...options, ...changes });
  lane.take(...seeds, targetTick(null), ...reals, loaded);
  return lane;
}

/** A correction by which one axis is missing. */
function correction(ordinal: number, axis: number): Correction {
  const bandwidth = 0.7;
  const features = randomFeatures({ dimensions, frequencies, bandwidth, seed });
  const point = Float32Array.from({ length: dimensions }, (_, i) => (i === axis ? 1 : 0));
  const phi = new Float64Array(2 * frequencies);
  features.map(point, phi);
  return correctionSchema.parse({
    kind: 'correction',
    id: recordId('correction', ordinal),
    lane: 0,
    accepted: ordinal + 1,
    mmd2: 0.1,
    bandwidth,
    frequencies,
    embedder: embedder.id,
    synthetic: { size: 4, firstOrdinal: 0, lastOrdinal: ordinal },
    real: { size: 4, seen: 24 },
    witness: toBase64(Float32Array.from(phi, (value) => 0.5 * value)),
    at: 3,
  });
}

const accepted = (plan: Plan, told?: Correction): LedgerEntry => ({
  ...endingOf(plan, 'accepted'),
  ...(told === undefined ? {} : { correction: told.id }),
});
const timeless = (plans: readonly Plan[]) => plans.map(({ plannedAt: _, ...plan }) => plan);
const planAt = (lane: PlannedLane, ordinal: number): Plan => {
  const found = lane.plans[ordinal];
  if (found === undefined) throw new Error(`there is no plan ${ordinal}`);
  return found;
};
const axisOf = ({ region }: Plan) => reals.findIndex((each) => each.real.id === region?.exemplar) % 4;

describe('plans that explore', () => {
  it('wait for the end of a file, then show a pick and its neighbours', () => {
    const lane = new PlannedLane(options);
    expect(lane.take(...seeds, targetTick(null), ...reals)).toEqual([]);
    const plans = lane.take(loaded);
    expect(plans).toHaveLength(4);
    for (const plan of plans) {
      expect(planSchema.parse(plan)).toEqual(plan);
      expect(plan).toMatchObject({ method: 'synalign', reals: 23, region: { exemplar: plan.examples[0]?.id } });
      expect(plan.examples.map(({ from }) => from)).toEqual(['real', 'real']);
      // The neighbour lies on the same axis.
      const shown = plan.examples.map(({ id }) => reals.findIndex((each) => each.real.id === id) % 4);
      expect(new Set(shown).size).toBe(1);
    }
    // Each axis is as unknown as the others: four picks, four axes.
    expect(new Set(plans.map(axisOf)).size).toBe(4);
  });

  it('of a topic begin as soon as there are enough', () => {
    const lane = new PlannedLane({ ...options, explore: { ...explore, feed: 'topic' } });
    lane.take(...seeds, targetTick(null), real(0));
    expect(lane.plans).toEqual([]);
    expect(lane.take(real(1))).toHaveLength(4);
    expect(lane.plans.every((plan) => plan.reals === 1)).toBe(true);
  });

  it('of a file whose records are all refused fail at its end, and say why', () => {
    const lane = new PlannedLane(options);
    const isRefused = { ...real(0), real: { ...real(0).real, fields: { body: 'x'.repeat(70_000) } } };
    const nothing = { ...real(1), embedding: new Float32Array(dimensions) };
    expect(lane.take(...seeds, targetTick(null), nothing, isRefused)).toEqual([]);
    lane.take(loaded);
    expect(lane.failure).toMatchObject({
      code: 'input-unreadable',
      message:
        'inputs.real: no record of lane 0 can be explored; the last one: its fields have 70000 characters, and plans carry 64000: ' +
        "shorten it; see 'headwater tail dead-letters', mend the input, and start with a new data folder",
    });
    expect(lane.plans).toEqual([]);
  });

  it('show fewer than asked where a file has no more', () => {
    const lane = new PlannedLane({
      ...options,
      explore: { ...explore, settings: { ...explore.settings, examples: 5 } },
    });
    lane.take(...seeds, targetTick(null), real(0), real(1), loaded);
    expect(lane.plans.map(({ examples }) => examples.length)).toEqual([2, 2, 2, 2]);
  });

  it('share a pick as often as they may, and carry seeds that show the format where attributes will stand', () => {
    const lane = started({ explore: { ...explore, uses: 3 }, reasons: true, window: 7 });
    const exemplars = lane.plans.map(({ region }) => region?.exemplar);
    expect(new Set(exemplars.slice(0, 3)).size).toBe(1);
    expect(new Set(exemplars.slice(3, 6)).size).toBe(1);
    expect(new Set(exemplars).size).toBe(3);
    for (const { formats = [] } of lane.plans) expect(formats.map(({ id }) => id)).toHaveLength(3);
  });

  it('refuse an embedding that has no direction', () => {
    const lane = started();
    const before = lane.remembered;
    lane.take({ ...real(99), embedding: new Float32Array(dimensions) });
    expect(lane.remembered).toBe(before);
  });
});

describe('corrections', () => {
  it('draw picks to what is missing', () => {
    const picks = (axes: readonly number[]) => {
      const lane = started();
      for (let n = 0; n < 24; n++) {
        const axis = axes[n % axes.length];
        const told = axis === undefined || n % 4 !== 0 ? undefined : correction(n, axis);
        lane.take(accepted(planAt(lane, n), told), ...(told === undefined ? [] : [told]));
      }
      return lane.plans.slice(4).filter((plan) => axisOf(plan) === 2).length;
    };
    expect(picks([2])).toBeGreaterThan(1.5 * picks([0, 1, 2, 3]));
  });

  it('are waited for by plans behind their sample, and by no others', () => {
    const lane = started();
    const told = correction(1, 2);
    expect(lane.take(accepted(planAt(lane, 1), told))).toEqual([]);
    expect(lane.take(accepted(planAt(lane, 0)))).toHaveLength(1);
    expect(lane.take(accepted(planAt(lane, 2)))).toEqual([]);
    expect(lane.take(told)).toHaveLength(2);
  });

  it('change nothing where steering is off', () => {
    const lane = started({ explore: { ...explore, steer: 'off' } });
    const told = correction(0, 2);
    expect(lane.take(told)).toEqual([]);
    expect(lane.take(accepted(planAt(lane, 0), told))).toHaveLength(1);
  });

  it('T34 give the same plans in whatever order they and the ledger come, and whenever the planner is started again', () => {
    const fates = fc.array(fc.record({ drop: fc.boolean(), axis: fc.integer({ min: -1, max: 3 }) }), {
      minLength: 12,
      maxLength: 24,
    });
    fc.assert(
      fc.property(
        fates,
        fc.infiniteStream(fc.nat(1000)),
        fc.array(fc.nat(40), { maxLength: 5 }),
        (list, dice, kills) => {
          const run = (pick: (choices: number) => number, restarts: readonly number[]) => {
            const lane = started();
            /** What is on its way: one of it comes next. */
            const coming: (LedgerEntry | Correction)[] = [];
            let sent = 0;
            for (let step = 0; sent < list.length || coming.length > 0; step++) {
              for (; sent < Math.min(list.length, lane.plans.length); sent++) {
                const { drop, axis } = list[sent] ?? { drop: false, axis: -1 };
                const plan = planAt(lane, sent);
                const told = drop || axis < 0 ? undefined : correction(sent, axis);
                coming.push(drop ? endingOf(plan, 'dropped') : accepted(plan, told));
                if (told !== undefined) coming.push(told);
              }
              if (restarts.includes(step)) lane.restart();
              lane.take(...coming.splice(pick(coming.length), 1));
            }
            return timeless(lane.plans);
          };
          const inOrder = run(() => 0, []);
          expect(run((choices) => Number(dice.next().value) % choices, kills)).toEqual(inOrder);
          expect(inOrder.length).toBe(list.length + options.window);
        },
      ),
      { numRuns: 20 },
    );
  });
});

describe('labels that follow the real stream', () => {
  it('are planned in its shares, and go along when these change', () => {
    const label = { field: 'kind', values: ['ham', 'spam'], shares: 'real' as const };
    const lane = new PlannedLane({ ...options, domain: { ...options.domain, label } });
    const labelled = (n: number, spam: boolean) => real(n, spam ? 'spam' : 'ham');
    lane.take(...seeds, targetTick(null), ...Array.from({ length: 40 }, (_, n) => labelled(n, n % 4 === 0)), loaded);
    const go = (count: number) => {
      for (let n = 0; n < count; n++) {
        const [plan] = lane.open;
        if (plan !== undefined) lane.end(plan, n % 5 === 0 ? 'dropped' : 'accepted');
      }
    };
    go(80);
    const spamOf = (plans: readonly Plan[]) => plans.filter((plan) => plan.label === 'spam').length / plans.length;
    expect(spamOf(lane.plans)).toBeCloseTo(0.25, 1);
    const before = lane.plans.length;
    lane.take(...Array.from({ length: 4000 }, (_, n) => labelled(100 + n, true)));
    go(80);
    expect(spamOf(lane.plans.slice(before + 20))).toBeGreaterThan(0.85);
  });
});
