import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  type Effect,
  type Place,
  type Progress,
  type ProgressEvent,
  startOf,
  step,
} from '../../../streams/stage/progress.js';

const topics = ['a', 'b'] as const;

/** A world around `step`: endless topics, an operator that finishes records in any order, a store that takes commits. */
class World {
  progress: Progress;
  readonly fetched = new Map<string, number[]>();
  readonly inFlight: Place[] = [];
  readonly completed: Place[] = [];
  readonly committed = new Map<string, number>();
  fetches: Extract<Effect, { type: 'fetch' }>[] = [];
  commit: ReadonlyMap<string, number> | undefined;
  stopped = false;

  constructor(
    readonly credit: number,
    readonly ordered: boolean,
  ) {
    this.progress = startOf({
      committed: new Map(topics.map((topic) => [topic, 0])),
      credit,
      creditBytes: 1000,
      ordered,
    });
    this.send({ type: 'started' });
  }

  send(event: ProgressEvent): void {
    const { progress, effects } = step(this.progress, event);
    this.progress = progress;
    for (const effect of effects) {
      if (effect.type === 'fetch') this.fetches.push(effect);
      else if (effect.type === 'commit') this.commit = effect.offsets;
      else this.stopped = true;
    }
  }

  /** Offsets have gaps, as Kafka's do. */
  answerFetch(size: number, gap: number): void {
    const fetch = this.fetches.shift();
    if (fetch === undefined) return;
    const count = Math.min(size, fetch.maxRecords);
    const records = Array.from({ length: count }, (_, i) => ({ offset: fetch.from + i * (1 + gap), bytes: 10 }));
    const offsets = this.fetched.get(fetch.topic) ?? [];
    this.fetched.set(fetch.topic, [...offsets, ...records.map(({ offset }) => offset)]);
    this.inFlight.push(...records.map(({ offset }) => ({ topic: fetch.topic, offset })));
    this.send({ type: 'fetched', topic: fetch.topic, records });
  }

  finish(which: number): void {
    if (this.inFlight.length === 0) return;
    const [place] = this.inFlight.splice(which % this.inFlight.length, 1);
    if (place === undefined) return;
    this.completed.push(place);
    this.send({ type: 'finished', places: [place] });
  }

  answerCommit(): void {
    const offsets = this.commit;
    if (offsets === undefined) return;
    this.commit = undefined;
    for (const [topic, offset] of offsets) this.committed.set(topic, offset);
    this.send({ type: 'committed', offsets });
  }
}

const actions = fc.array(
  fc.oneof(
    fc.record({
      type: fc.constant('fetch' as const),
      size: fc.integer({ min: 0, max: 9 }),
      gap: fc.integer({ min: 0, max: 2 }),
    }),
    fc.record({ type: fc.constant('finish' as const), which: fc.nat(50) }),
    fc.record({ type: fc.constant('commit' as const) }),
  ),
  { maxLength: 200 },
);

function play(world: World, list: readonly (typeof actions extends fc.Arbitrary<infer T> ? T : never)[number][]): void {
  for (const action of list) {
    if (action.type === 'fetch') world.answerFetch(action.size, action.gap);
    else if (action.type === 'finish') world.finish(action.which);
    else world.answerCommit();
    check(world);
  }
}

function check(world: World): void {
  for (const { topic, entries } of world.progress.inputs) {
    const counted = world.ordered ? entries.filter(({ completion }) => completion === null) : entries;
    expect(counted.length).toBeLessThanOrEqual(world.credit);
    const committed = world.committed.get(topic) ?? 0;
    const open = new Set(world.inFlight.filter((place) => place.topic === topic).map(({ offset }) => offset));
    for (const offset of open) expect(offset).toBeGreaterThanOrEqual(committed);
    for (const offset of world.fetched.get(topic) ?? []) {
      expect(offset < committed || entries.some((entry) => entry.offset === offset)).toBe(true);
    }
  }
  if (world.ordered) {
    const isCommitted = ({ topic, offset }: Place) => offset < (world.committed.get(topic) ?? 0);
    const firstOpen = world.completed.findIndex((place) => !isCommitted(place));
    if (firstOpen !== -1) expect(world.completed.slice(firstOpen).some(isCommitted)).toBe(false);
  }
}

describe('step', () => {
  it.each([false, true])(
    'commits finished prefixes only, loses nothing, keeps to the credit (ordered: %s)',
    (ordered) => {
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 12 }), actions, (credit, list) => play(new World(credit, ordered), list)),
        { numRuns: 300 },
      );
    },
  );

  it.each([false, true])('ends with everything committed that was finished (ordered: %s)', (ordered) => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), actions, (credit, list) => {
        const world = new World(credit, ordered);
        play(world, list);
        world.send({ type: 'drain' });
        while (world.inFlight.length > 0) world.finish(0);
        world.send({ type: 'ended' });
        while (world.commit !== undefined) world.answerCommit();
        expect(world.stopped).toBe(true);
        for (const [topic, offsets] of world.fetched) {
          const last = offsets[offsets.length - 1];
          if (last !== undefined) expect(world.committed.get(topic)).toBe(last + 1);
        }
      }),
    );
  });

  it('leaves what is abandoned uncommitted, and stops', () => {
    const world = new World(8, false);
    world.answerFetch(4, 0);
    world.finish(0);
    world.answerCommit();
    world.finish(1);
    world.send({ type: 'drain' });
    world.send({ type: 'ended' });
    expect(world.stopped).toBe(true);
    expect(world.committed.get('a')).toBe(1);
  });

  it('fetches again when a quarter of the credit is free, and not before', () => {
    const world = new World(8, false);
    expect(world.fetches.map(({ topic, maxRecords }) => [topic, maxRecords])).toEqual([
      ['a', 8],
      ['b', 8],
    ]);
    world.answerFetch(8, 0);
    world.finish(0);
    world.answerCommit();
    expect(world.fetches.map(({ topic }) => topic)).toEqual(['b']);
    world.finish(0);
    world.answerCommit();
    expect(world.fetches.map(({ topic, from, maxRecords }) => [topic, from, maxRecords])).toEqual([
      ['b', 0, 8],
      ['a', 8, 2],
    ]);
  });

  it('does not fetch beyond the credit in bytes', () => {
    let { progress } = step(startOf({ committed: new Map([['a', 0]]), credit: 100, creditBytes: 50, ordered: false }), {
      type: 'started',
    });
    const full = step(progress, { type: 'fetched', topic: 'a', records: [{ offset: 0, bytes: 60 }] });
    expect(full.effects).toEqual([]);
    progress = step(full.progress, { type: 'finished', places: [{ topic: 'a', offset: 0 }] }).progress;
    const { effects } = step(progress, { type: 'committed', offsets: new Map([['a', 1]]) });
    expect(effects).toEqual([{ type: 'fetch', topic: 'a', from: 1, maxRecords: 100, maxBytes: 50 }]);
  });

  it('does not commit past an outcome that another input still holds back, when ordered', () => {
    const start = startOf({ committed: new Map(topics.map((topic) => [topic, 0])), credit: 8, ordered: true });
    let { progress } = step(start, { type: 'started' });
    progress = step(progress, {
      type: 'fetched',
      topic: 'a',
      records: [
        { offset: 0, bytes: 1 },
        { offset: 1, bytes: 1 },
      ],
    }).progress;
    progress = step(progress, { type: 'fetched', topic: 'b', records: [{ offset: 0, bytes: 1 }] }).progress;
    const late = step(progress, {
      type: 'finished',
      places: [
        { topic: 'a', offset: 1 },
        { topic: 'b', offset: 0 },
      ],
    });
    expect(late.effects).toEqual([]);
    const { effects } = step(late.progress, { type: 'finished', places: [{ topic: 'a', offset: 0 }] });
    expect(effects).toEqual([
      {
        type: 'commit',
        offsets: new Map([
          ['a', 2],
          ['b', 1],
        ]),
      },
    ]);
  });

  it('fetches on, when ordered, past finished records that wait for one not fetched yet', () => {
    const start = startOf({ committed: new Map([['a', 0]]), credit: 2, creditBytes: 1000, ordered: true });
    let { progress } = step(start, { type: 'started' });
    const records = [0, 1].map((offset) => ({ offset, bytes: 10 }));
    progress = step(progress, { type: 'fetched', topic: 'a', records }).progress;
    const { effects } = step(progress, { type: 'finished', places: [{ topic: 'a', offset: 1 }] });
    expect(effects).toEqual([{ type: 'fetch', topic: 'a', from: 2, maxRecords: 1, maxBytes: 980 }]);
  });
});
