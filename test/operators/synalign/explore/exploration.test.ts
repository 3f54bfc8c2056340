import fc from 'fast-check';
import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import { describe, expect, test } from 'vitest';

import type { Changes } from '../../../../operators/flow/outcome.js';
import { medianHeuristic } from '../../../../operators/kernels/mmd/median-heuristic.js';
import { randomFeatures } from '../../../../operators/kernels/mmd/random-features.js';
import { squaredDistance, stack } from '../../../../operators/kernels/points.js';
import { randomFrom } from '../../../../operators/kernels/random.js';
import { Exploration, type ExplorationOptions } from '../../../../operators/synalign/explore/exploration.js';
import { toBase64 } from '../../../../schemas/codec.js';
import type { Correction } from '../../../../schemas/correction.js';
import type { Real } from '../../../../schemas/real.js';
import type { ExploreStep, SteerStep } from '../../../../schemas/steps/synalign.js';
import { realRecord } from '../../flow/records.js';
import { unit } from '../hashing-embedder.js';

const dimensions = 8;
const embedder = { id: 'test/vectors@8', dimensions };
const frequencies = 64;
const small: ExploreStep = { examples: 3, inducing: 64, candidates: 64, halfLife: 1e9, criterion: 'integrated' };
const steering: SteerStep = { strength: 1, bound: 4 };

function make(options: Partial<ExplorationOptions> = {}): Exploration {
  const common = { memory: new Map(), embedder, lane: 0, seed: 5, settings: small, steer: 'off' as const, frequencies };
  return new Exploration({ ...common, ...options });
}

function record(n: number, label?: string): Real {
  const real = realRecord(n);
  numbers.set(real.id, n);
  return label === undefined ? real : { ...real, label };
}

const numbers = new Map<string, number>();
const numberOf = (id: string) => numbers.get(id) ?? -1;
const idOf = (n: number) => realRecord(n).id;

/** A unit vector near an axis. */
function near(axis: number, random: ReturnType<typeof randomFrom>, spread = 0.2): Float32Array {
  return unit(Float32Array.from({ length: dimensions }, (_, i) => (i === axis ? 1 : 0) + spread * random.gaussian()));
}

function apply(memory: Map<string, unknown>, changes: Changes): void {
  // as a store would: what is remembered has been JSON
  for (const [key, value] of changes) {
    if (value === null) memory.delete(key);
    else memory.set(key, JSON.parse(JSON.stringify(value)));
  }
}

function correctionOf(
  real: readonly Float32Array[],
  synthetic: readonly Float32Array[],
  more: Partial<Correction> = {},
): Correction {
  const bandwidth = 0.8;
  const features = randomFeatures({ dimensions, frequencies, bandwidth, seed: 5 });
  const phi = new Float64Array(2 * frequencies);
  const witness = new Float32Array(2 * frequencies);
  for (const [side, sign] of [[real, 1] as const, [synthetic, -1] as const]) {
    for (const embedding of side) {
      features.map(embedding, phi);
      for (let i = 0; i < phi.length; i++) witness[i] = (witness[i] ?? 0) + (sign * (phi[i] ?? 0)) / side.length;
    }
  }
  return {
    kind: 'correction',
    id: 'c1',
    lane: 0,
    accepted: synthetic.length,
    mmd2: 0.1,
    bandwidth,
    frequencies,
    embedder: embedder.id,
    synthetic: { size: synthetic.length, firstOrdinal: 0, lastOrdinal: 9 },
    real: { size: real.length, seen: real.length },
    witness: toBase64(witness),
    at: 0,
    ...more,
  };
}

describe('Exploration', () => {
  describe('picks as a solve of the whole process would, over and over, by', () => {
    test.each(['variance', 'integrated'] as const)('%s', (criterion) => {
      const random = randomFrom(1);
      const vectors = Array.from({ length: 40 }, (_, n) => near(n % 4, random, 0.5));
      const exploration = make({ settings: { ...small, criterion } });
      for (const [n, vector] of vectors.entries()) exploration.add(record(n), vector);
      const points = stack(vectors);
      const lengthScale = medianHeuristic(points);
      const kernel = (i: number, j: number) =>
        Math.exp(-squaredDistance(points, i, points, j) / (2 * lengthScale ** 2));
      const all = [...vectors.keys()];
      const matrix = (rows: readonly number[], columns: readonly number[]) =>
        new Matrix(rows.map((i) => columns.map((j) => kernel(i, j))));
      const picked: number[] = [];
      for (let number = 0; number < 12; number++) {
        const { region, examples } = exploration.draw({ number, count: 1, label: undefined });
        const index = numberOf(region.exemplar);
        expect(examples.map(({ id }) => id)).toEqual([region.exemplar]);
        let covariance = matrix(all, all);
        if (picked.length > 0) {
          const noisy = matrix(picked, picked).add(Matrix.eye(picked.length).mul(1e-6));
          const across = matrix(picked, all);
          covariance = covariance.sub(across.transpose().mmul(new CholeskyDecomposition(noisy).solve(across)));
        }
        // all records came before the first pick: each stands for as many
        const scores = all.map((p) => {
          const variance = covariance.get(p, p);
          if (criterion === 'variance') return variance;
          return all.reduce((sum, j) => sum + covariance.get(j, p) ** 2, 0) / (variance + 1e-3);
        });
        expect(Math.abs(region.variance - covariance.get(index, index))).toBeLessThan(1e-6);
        expect(scores[index]).toBeGreaterThan(Math.max(...scores) * (1 - 1e-6));
        picked.push(index);
      }
      expect(new Set(picked).size).toBe(12);
      expect(exploration.report()).toMatchObject({ lengthScale, informative: true, seen: 40, explored: { '': 12 } });
    });
  });

  test('examples are the pick and its nearest neighbours, copies last', () => {
    const random = randomFrom(2);
    const vectors = Array.from({ length: 20 }, () => near(0, random, 0.5));
    const exploration = make();
    for (const [n, vector] of vectors.entries()) exploration.add(record(n), vector);
    for (const [n, vector] of vectors.entries()) exploration.add(record(100 + n), vector);
    const { examples, region } = exploration.draw({ number: 0, count: 4, label: undefined });
    const centre = vectors[numberOf(region.exemplar) % 100] ?? new Float32Array(0);
    const distance = (id: string) => {
      const other = vectors[numberOf(id) % 100] ?? new Float32Array(0);
      return other.reduce((sum, value, i) => sum + (value - (centre[i] ?? 0)) ** 2, 0);
    };
    const nearest = vectors.map((_, n) => distance(idOf(n))).sort((a, b) => a - b);
    expect(examples[0]?.id).toBe(region.exemplar);
    expect(examples.map(({ id }) => distance(id))).toEqual(nearest.slice(0, 4));
    for (const { from } of examples) expect(from).toBe('real');
    const all = exploration.draw({ number: 1, count: 25, label: undefined });
    expect(new Set(all.examples.map(({ id }) => numberOf(id) % 100)).size).toBe(20);
    expect(
      all.examples
        .slice(0, 20)
        .map(({ id }) => numberOf(id) % 100)
        .sort(),
    ).toEqual([...vectors.keys()].sort());
  });

  test('T13 equally uncertain records do not come in their order, and another seed has another one', () => {
    const orthogonal = Array.from({ length: dimensions }, (_, n) => near(n, randomFrom(0), 0));
    const orders = [5, 6].map((seed) => {
      const exploration = make({ seed });
      for (const [n, vector] of orthogonal.entries()) exploration.add(record(n), vector);
      return orthogonal.map((_, number) => exploration.draw({ number, count: 1, label: undefined }).region.exemplar);
    });
    for (const order of orders) {
      expect(new Set(order).size).toBe(dimensions);
      expect(order).not.toEqual(order.toSorted());
    }
    expect(orders[0]).not.toEqual(orders[1]);
  });

  test('T34 restored anywhere, it goes on as if nothing had happened, byte for byte', () => {
    const settings = { ...small, inducing: 8, candidates: 10, halfLife: 5 };
    const run = (steps: number, seed: number, cut: number) => {
      const random = randomFrom(seed);
      let memory = new Map<string, unknown>();
      const options = { settings, steer: steering, embedder, lane: 0, seed: 5, frequencies };
      let exploration = make({ ...options, memory });
      const said: unknown[] = [];
      for (let step = 0; step < steps; step++) {
        if (step === cut) {
          memory = new Map(memory);
          exploration = make({ ...options, memory: new Map([...memory].reverse()) });
        }
        const action = random.below(10);
        const vector = near(random.below(4), random);
        const label = ['a', 'b', undefined][random.below(3)];
        let changes: Changes = [];
        if (action < 6 || exploration.size === 0) changes = exploration.add(record(step, label), vector);
        else if (action < 9) {
          const drawn = exploration.draw({ number: step, count: 3, label });
          said.push(drawn.examples, drawn.region);
          changes = drawn.changes;
        } else {
          const other = near(random.below(4), random);
          changes = exploration.steer(
            correctionOf([vector], [other], { accepted: step, reference: Math.floor(step / 60) }),
          );
        }
        said.push(changes);
        apply(memory, changes);
      }
      return JSON.stringify([said, [...memory].sort(([a], [b]) => (a < b ? -1 : 1)), exploration.report()]);
    };
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 140 }), fc.nat(), fc.nat(139), (steps, seed, cut) => {
        expect(run(steps, seed, cut)).toBe(run(steps, seed, -1));
      }),
      { seed: 3, numRuns: 25 },
    );
  });

  test('holds no more than its bounds, and a record changes few entries', () => {
    const random = randomFrom(3);
    const memory = new Map<string, unknown>();
    const exploration = make({ settings: { ...small, inducing: 16, candidates: 32, halfLife: 20 } });
    let most = 0;
    for (let n = 0; n < 3000; n++) {
      const added = exploration.add(record(n), near(n % 5, random));
      if (n > 300) expect(added.length).toBeLessThanOrEqual(3);
      apply(memory, added);
      if (n % 5 === 0) apply(memory, exploration.draw({ number: n, count: 3, label: undefined }).changes);
      most = Math.max(most, memory.size);
    }
    // shape, scale, label, counts; candidates; explored records with their masses, and the mass outside
    expect(most).toBeLessThanOrEqual(4 + 32 + 2 * 16 + 1);
    const { explored, candidates, seen } = exploration.report();
    expect(explored['']).toBeLessThanOrEqual(16);
    expect([candidates[''], seen]).toEqual([32, 3000]);
  });

  test('what was explored fades, so that there is always something to explore', () => {
    const random = randomFrom(4);
    const exploration = make({ settings: { ...small, examples: 1, halfLife: 16 } });
    for (let n = 0; n < 6; n++) exploration.add(record(n), near(n, random));
    const picks = Array.from(
      { length: 120 },
      (_, number) => exploration.draw({ number, count: 1, label: undefined }).region,
    );
    const counts = new Map<string, number>();
    for (const { exemplar } of picks) counts.set(exemplar, (counts.get(exemplar) ?? 0) + 1);
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 20)).toBeLessThan(10);
    for (const { variance } of picks.slice(20)) expect(variance).toBeGreaterThan(0.05);
  });

  test('each label is explored on its own; one with too few records is shown others behind its own', () => {
    const random = randomFrom(6);
    const exploration = make();
    for (let n = 0; n < 30; n++) exploration.add(record(n, n < 20 ? 'spam' : 'ham'), near(n % 3, random));
    exploration.add(record(90, 'rare'), near(5, random));
    for (let number = 0; number < 10; number++) {
      const ham = exploration.draw({ number, count: 3, label: 'ham' });
      expect(ham.examples.map(({ label }) => label)).toEqual(['ham', 'ham', 'ham']);
    }
    const rare = exploration.draw({ number: 10, count: 3, label: 'rare' });
    expect(rare.region.exemplar).toBe(idOf(90));
    expect(rare.examples.map(({ label }) => label === 'rare')).toEqual([true, false, false]);
    expect(new Set(rare.examples.map(({ id }) => id)).size).toBe(3);
    expect(exploration.draw({ number: 11, count: 1, label: 'rare' }).region.exemplar).toBe(idOf(90));
    expect(exploration.draw({ number: 12, count: 3, label: 'unknown' }).examples).toHaveLength(3);
    const { explored, candidates } = exploration.report();
    expect(candidates).toEqual({ spam: 20, ham: 10, rare: 1 });
    expect(Object.values(explored).reduce((sum, count) => sum + count)).toBe(13);
  });

  test('labels without end share one state beyond the 64th', () => {
    const random = randomFrom(7);
    const memory = new Map<string, unknown>();
    const exploration = make();
    for (let n = 0; n < 200; n++) apply(memory, exploration.add(record(n, `label ${n}`), near(n % 3, random)));
    expect(Object.keys(exploration.report().candidates)).toHaveLength(65);
    expect(exploration.size).toBe(64 + 64);
    const restored = make({ memory });
    expect(restored.report()).toEqual(exploration.report());
    expect(restored.add(record(300, 'label 300'), near(0, randomFrom(8)))).toEqual(
      exploration.add(record(300, 'label 300'), near(0, randomFrom(8))),
    );
  });

  test('the length scale is taken anew while records double, and is fixed from the 256th on', () => {
    const random = randomFrom(9);
    const exploration = make({ settings: { ...small, candidates: 512 } });
    const scales: (number | null)[] = [];
    for (let n = 0; n < 400; n++) {
      exploration.add(record(n), near(n % 3, random, 0.1 + n / 1000));
      if (n >= 3 && (n < 20 || n % 16 === 0)) exploration.draw({ number: n, count: 1, label: undefined });
      const { lengthScale } = exploration.report();
      if (lengthScale !== scales.at(-1)) scales.push(lengthScale);
    }
    expect(scales).toHaveLength(1 + 7);
    expect(scales[0]).toBeNull();
  });

  describe('steered by corrections', () => {
    const random = randomFrom(10);
    const sides = [0, 1].map((axis) => Array.from({ length: 30 }, () => near(axis, random)));
    const [left = [], right = []] = sides;

    function withBoth(steer: SteerStep | 'off', criterion: 'variance' | 'integrated' = 'integrated'): Exploration {
      const exploration = make({ steer, settings: { ...small, halfLife: 16, criterion } });
      for (const [n, vector] of [...left, ...right].entries()) exploration.add(record(n), vector);
      return exploration;
    }
    const shareOfLeft = (exploration: Exploration) => {
      const picks = Array.from({ length: 200 }, (_, number) =>
        exploration.draw({ number, count: 1, label: undefined }),
      );
      return picks.filter(({ region }) => numberOf(region.exemplar) < 30).length / picks.length;
    };

    test('more is picked where too little is written, in bounds', () => {
      const steered = withBoth(steering);
      const before = shareOfLeft(withBoth(steering));
      const changes = steered.steer(correctionOf([...left, ...right], right));
      expect(changes.map(([key]) => key)).toEqual(['steer']);
      const { region } = steered.draw({ number: 0, count: 1, label: undefined });
      expect(numberOf(region.exemplar)).toBeLessThan(30);
      expect(region.demand).toBeGreaterThan(1.5);
      expect(region.demand).toBeLessThanOrEqual(4);
      expect(before).toBeGreaterThan(0.35);
      expect(shareOfLeft(steered)).toBeGreaterThan(before + 0.15);
    });

    test('a writer who falls into one theme: the closed loop brings the shares back, the open one does not', () => {
      const errors = ([steering, 'off'] as const).map((steer) => {
        const draws = randomFrom(12);
        const window = 128;
        const exploration = make({ steer, settings: { ...small, candidates: 48, halfLife: 64 } });
        const side = new Map<string, number>();
        const real: Float32Array[] = [];
        for (let n = 0; n < window; n++) {
          const axis = draws.float() < 0.6 ? 0 : 1;
          real.push(near(axis, draws));
          side.set(idOf(n), axis);
          exploration.add(record(n), real[n] ?? new Float32Array(0));
        }
        const share = (axes: readonly number[]) => axes.filter((axis) => axis === 0).length / axes.length;
        const written: number[] = [];
        const texts: Float32Array[] = [];
        for (let accepted = 1; accepted <= 6 * window; accepted++) {
          // he writes what he is shown, but for a quarter of the time
          const { region } = exploration.draw({ number: accepted, count: 1, label: undefined });
          const axis = draws.float() < 0.25 ? 1 : (side.get(region.exemplar) ?? 0);
          written.push(axis);
          texts.push(near(axis, draws));
          if (accepted % 64 === 0) exploration.steer(correctionOf(real, texts.slice(-window), { accepted }));
        }
        return Math.abs(share(written.slice(-2 * window)) - share([...side.values()]));
      });
      expect(errors[0]).toBeLessThan(0.06);
      expect(errors[1]).toBeGreaterThan(0.1);
    });

    test('demand never leaves [1 / bound, bound]', () => {
      const extreme = withBoth({ strength: 10, bound: 2 });
      for (let accepted = 30; accepted < 3000; accepted += 30) extreme.steer(correctionOf(left, right, { accepted }));
      const demands = Array.from(
        { length: 100 },
        (_, number) => extreme.draw({ number, count: 1, label: undefined }).region.demand,
      );
      for (const demand of demands) expect(demand >= 0.5 - 1e-12 && demand <= 2 + 1e-12).toBe(true);
      expect(Math.max(...demands)).toBeCloseTo(2, 6);
    });

    test('switched off, at strength 0, or by a correction of others, nothing is steered', () => {
      const plain = shareOfLeft(withBoth('off'));
      const correction = correctionOf([...left, ...right], right);
      const off = withBoth('off');
      expect(off.steer(correction)).toEqual([]);
      expect(shareOfLeft(off)).toBe(plain);
      const weak = withBoth({ strength: 0, bound: 4 });
      weak.steer(correction);
      expect(shareOfLeft(weak)).toBe(plain);
      const steered = withBoth(steering);
      for (const other of [{ embedder: 'other' }, { lane: 1 }, { witness: undefined }, { witness: 'AAAA' }]) {
        const { witness, ...rest } = { ...correction, ...other };
        expect(steered.steer(witness === undefined ? rest : { ...rest, witness })).toEqual([]);
      }
    });

    test('a correction against another reference opens all regions again', () => {
      const exploration = withBoth(steering, 'variance');
      exploration.steer(correctionOf(left, left));
      for (let number = 0; number < 30; number++) exploration.draw({ number, count: 1, label: undefined });
      const explored = exploration.draw({ number: 30, count: 1, label: undefined }).region.variance;
      const changes = exploration.steer(correctionOf(left, left, { reference: 1 }));
      expect(changes.map(([key]) => key)).toContain('0/counts');
      expect(exploration.draw({ number: 31, count: 1, label: undefined }).region.variance).toBeGreaterThan(explored);
    });
  });

  test('a stream that has turned is explored where it is now, also after a restart', () => {
    const random = randomFrom(21);
    const settings: ExploreStep = { ...small, candidates: 512, halfLife: 512 };
    const memory = new Map<string, unknown>();
    const [old, turned] = [2000, 100];
    const exploration = make({ settings, steer: steering });
    const placed = new Map<string, 'old' | 'new'>();
    const add = (n: number, axis: number) => {
      const real = record(n);
      placed.set(real.id, n < old ? 'old' : 'new');
      apply(memory, exploration.add(real, near(axis, random)));
    };
    for (let n = 0; n < old; n++) add(n, n % 4);
    for (let n = old; n < old + turned; n++) add(n, 5);
    const newShare = (of: Exploration, from: number, draws: number) => {
      let found = 0;
      for (let number = from; number < from + draws; number++) {
        const { region, changes } = of.draw({ number, count: 3, label: undefined });
        if (of === exploration) apply(memory, changes);
        if (placed.get(region.exemplar) === 'new') found += 1;
      }
      return found / draws;
    };
    expect(newShare(exploration, 0, 20)).toBeLessThan(0.5);
    const drift = { statistic: 1, threshold: null, expectedRunTime: 1000, tested: 0, window: 32, alarms: 1 };
    const [axis0, axis5] = [near(0, random), near(5, random)];
    const correction = correctionOf([axis5], [axis0], { reference: 1, drift, real: { size: 64, seen: old + 30 } });
    apply(memory, exploration.steer(correction));
    const { size } = exploration;
    expect(size).toBeGreaterThanOrEqual(16);
    expect(size).toBeLessThanOrEqual(turned + 2);
    const restored = make({ settings, steer: steering, memory: new Map(memory) });
    const exemplars = (of: Exploration) =>
      Array.from({ length: 10 }, (_, i) => of.draw({ number: 100 + i, count: 3, label: undefined }).region);
    expect(exemplars(restored)).toEqual(exemplars(make({ settings, steer: steering, memory: new Map(memory) })));
    expect(newShare(exploration, 100, 20)).toBeGreaterThan(0.9);
    // all records of late are candidates again
    for (let n = old + turned; n < old + turned + 300; n++) add(n, 5);
    expect(exploration.size).toBe(size + 300);
  });

  test('a turn that a correction tells of late is where the alarm was, and rare labels keep their records', () => {
    const random = randomFrom(23);
    const exploration = make({ settings: { ...small, candidates: 512 }, steer: steering });
    // 1 in 20 is rare; the alarm is raised by record 300, and told of when all 400 have come
    for (let n = 0; n < 400; n++) exploration.add(record(n, n % 20 === 0 ? 'rare' : 'common'), near(n % 4, random));
    const drift = {
      statistic: 1,
      threshold: null,
      expectedRunTime: 1000,
      tested: 0,
      window: 40,
      since: 100,
      alarms: 1,
    };
    const real = { size: 64, seen: 400 };
    exploration.steer(correctionOf([near(0, random)], [near(1, random)], { reference: 1, drift, real }));
    expect(exploration.report().candidates).toEqual({ rare: 16, common: 133 });
  });

  test('what comes before a turn stays where little came after it', () => {
    const random = randomFrom(22);
    const exploration = make({ settings: { ...small, candidates: 512 }, steer: steering });
    for (let n = 0; n < 300; n++) exploration.add(record(n), near(n % 4, random));
    exploration.steer(
      correctionOf([near(0, random)], [near(1, random)], { reference: 1, real: { size: 64, seen: 300 } }),
    );
    expect(exploration.size).toBe(16);
  });

  describe('bad input:', () => {
    const vector = near(0, randomFrom(11));

    test('vectors of another length, not finite or zero are refused with a reason', () => {
      const exploration = make();
      const real = record(1);
      expect(exploration.refusal(real, vector)).toBeUndefined();
      expect(exploration.refusal(real, new Float32Array(7))).toMatch(/real record \w+ is not 8 finite numbers/);
      expect(exploration.refusal(real, vector.with(3, Number.NaN))).toMatch(/not 8 finite numbers/);
      expect(exploration.refusal(real, vector.with(3, 1e38))).toMatch(
        /real record \w+ has the norm 1.00e\+38: expected 1/,
      );
      expect(exploration.refusal(real, new Float32Array(8))).toMatch(/is zero/);
      expect(() => exploration.add(real, new Float32Array(8))).toThrow(/is zero/);
      expect(exploration.size).toBe(0);
    });

    test('no record, one record, fewer than asked', () => {
      const exploration = make();
      expect(exploration.ready(1)).toBe(false);
      expect(() => exploration.draw({ number: 0, count: 1, label: undefined })).toThrow(/no real record/);
      exploration.add(record(1), vector);
      expect([exploration.ready(1), exploration.ready(2)]).toEqual([true, false]);
      for (const number of [0, 1]) {
        const { examples, region } = exploration.draw({ number, count: 3, label: undefined });
        expect(examples.map(({ id }) => id)).toEqual([idOf(1)]);
        expect(region).toEqual({ exemplar: idOf(1), variance: 1, demand: 1 });
      }
      expect(exploration.report()).toMatchObject({ lengthScale: null, informative: null });
    });

    test('all records equal: they can be drawn, and it is said that nothing tells them apart', () => {
      const exploration = make({ settings: { ...small, candidates: 8 } });
      for (let n = 0; n < 20; n++) exploration.add(record(n), vector);
      expect(exploration.ready(8)).toBe(true);
      for (let number = 0; number < 5; number++) {
        expect(exploration.draw({ number, count: 3, label: undefined }).examples).toHaveLength(3);
      }
      expect(exploration.report()).toMatchObject({ lengthScale: 1, informative: false, candidates: { '': 8 } });
    });

    test('another embedder, or other settings, in the middle', () => {
      const memory = new Map<string, unknown>();
      apply(memory, make().add(record(1), vector));
      expect(() => make({ memory, embedder: { id: 'other', dimensions } })).toThrow(
        /kept for 'test\/vectors@8 8 64 64'/,
      );
      expect(() => make({ memory, settings: { ...small, candidates: 32 } })).toThrow(/new data folder/);
      expect(make({ memory }).size).toBe(1);
    });

    test('a damaged memory is refused by its code', () => {
      const memory = new Map<string, unknown>();
      const exploration = make();
      for (let n = 0; n < 4; n++) apply(memory, exploration.add(record(n), near(n, randomFrom(n))));
      apply(memory, exploration.draw({ number: 0, count: 1, label: undefined }).changes);
      const damages = [
        ['0/candidate/0', null],
        ['0/candidate/1', { embedding: 'AAAA' }],
        ['0/explored/0', { id: 'r1', born: 1, embedding: 'AAAA' }],
        ['0/counts', { seen: -1 }],
        ['scale', { lengthScale: 0, of: 4 }],
        ['steer', { accepted: 1 }],
      ] as const;
      for (const [key, value] of damages) {
        const damaged = new Map(memory);
        apply(damaged, [[key, value]]);
        expect(() => make({ memory: damaged, steer: steering }), key).toThrow(
          expect.objectContaining({ code: 'record-invalid' }),
        );
      }
    });
  });
});
