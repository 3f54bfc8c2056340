import avro from 'avsc';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

import type { Real } from '../../../schemas/real.js';
import { intakeStageNames, intakeStages, laneOf } from '../../../streams/intake/intake-stages.js';
import { foreignTopic } from '../../../streams/kafka/topic-names.js';
import { runStage } from '../../../streams/stage/run-stage.js';
import { FixtureRegistry } from './fixture-registry.js';
import {
  deadLetters,
  foreign,
  foreignName,
  foreignPartitions,
  intakeLog,
  intakeRecipe,
  lanes,
  recordsByLane,
  startIntake,
} from './intake-log.js';
import { inWireFormat, json } from './test-registry.js';

const ticket = (n: number) => ({ body: `It leaks by ${n}.`, type: n % 2 === 0 ? 'money' : 'time' });
const texts = (records: readonly unknown[]) => records.map((record) => (record as Real).fields['text']);

async function registry(): Promise<FixtureRegistry> {
  const fixture = await FixtureRegistry.start();
  onTestFinished(() => fixture.stop().catch(() => undefined));
  return fixture;
}

const ticketAvro: avro.Schema = {
  type: 'record',
  name: 'Ticket',
  fields: [
    { name: 'body', type: ['null', 'string'] },
    { name: 'type', type: { type: 'enum', name: 'Kind', symbols: ['money', 'time'] } },
  ],
};
const ticketJson = { type: 'object', properties: { body: { type: 'string' } }, required: ['body'] };

describe('an intake of JSON', () => {
  it('turns each message into one record on our topic, its place as origin', async () => {
    const topics = await intakeLog();
    await topics.append(Array.from({ length: 30 }, (_, n) => foreign(json(ticket(n)), n % foreignPartitions)));
    await (await startIntake(topics, intakeRecipe('real', {}))).through(30);
    const byLane = await recordsByLane(topics, 'real');
    expect(texts(byLane.flat()).sort()).toEqual(Array.from({ length: 30 }, (_, n) => ticket(n).body).sort());
    expect(byLane.every((records) => records.length > 0)).toBe(true);
    const last = byLane.flat().find((record) => (record as Real).fields['text'] === ticket(29).body);
    expect(last).toMatchObject({
      kind: 'real',
      label: 'time',
      origin: { topic: foreignName, partition: 2, offset: 9 },
    });
    expect(await deadLetters(topics)).toEqual([]);
  });

  it('keeps messages of one key in one lane and in order', async () => {
    const topics = await intakeLog();
    await topics.append(Array.from({ length: 40 }, (_, n) => foreign(json(ticket(n)), 1, `key ${n % 4}`)));
    await (await startIntake(topics, intakeRecipe('real', {}))).through(40);
    for (const records of await recordsByLane(topics, 'real')) {
      const offsets = records.map((record) => (record as Real).origin.offset ?? -1);
      expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
      const keys = new Set(offsets.map((offset) => offset % 4));
      expect(offsets).toHaveLength(10 * keys.size);
    }
  });

  it('gives seeds to every lane', async () => {
    const topics = await intakeLog();
    await topics.append([0, 1, 2].map((n) => foreign(json(ticket(n)), n)));
    await (await startIntake(topics, intakeRecipe('seeds', {}))).through(3);
    const [first = [], second = []] = await recordsByLane(topics, 'seeds');
    expect(first.map(({ id }) => id).sort()).toEqual(second.map(({ id }) => id).sort());
    expect(first).toHaveLength(3);
    expect(first[0]).toMatchObject({ kind: 'seed' });
  });

  it('reads documents', async () => {
    const topics = await intakeLog();
    await topics.append([foreign(json({ body: 'A long text.' }), 2)]);
    await (await startIntake(topics, intakeRecipe('documents', {}))).through(1);
    expect((await recordsByLane(topics, 'documents')).flat()).toMatchObject([
      { kind: 'document', text: 'A long text.' },
    ]);
  });

  it('buries what is at fault with its code, drops tombstones, and goes on', async () => {
    const topics = await intakeLog();
    await topics.append([
      foreign(Buffer.from([0xff, 0xfe]), 2),
      foreign(Buffer.from('{"body": '), 2),
      foreign(json({ type: 'money' }), 2),
      foreign(json(['a list']), 2),
      foreign(null, 2, 'deleted'),
      foreign(Buffer.alloc(0), 2),
      foreign(json(ticket(6)), 2),
    ]);
    const intake = await startIntake(topics, intakeRecipe('real', {}));
    await intake.through(7);
    expect(texts((await recordsByLane(topics, 'real')).flat())).toEqual([ticket(6).body]);
    const letters = [...(await deadLetters(topics))].sort((a, b) => (a.origin.offset ?? 0) - (b.origin.offset ?? 0));
    expect(letters.map(({ code, origin }) => [origin.offset, code])).toEqual([
      [0, 'record-undecodable'],
      [1, 'record-undecodable'],
      [2, 'line-invalid'],
      [3, 'line-invalid'],
      [5, 'record-undecodable'],
    ]);
    expect(letters[2]).toMatchObject({ stage: 'intake.real', message: expect.stringContaining('$.body') });
    expect(letters[0]).toMatchObject({ encoding: 'base64', value: '//4=' });
    expect(intake.commits.all.at(-1)?.counts).toMatchObject({ emitted: 1, dropped: { tombstone: 1 } });
  });

  it('begins at the end where the recipe says latest, once', async () => {
    const topics = await intakeLog();
    const recipe = intakeRecipe('real', { from: 'latest' });
    await topics.append([foreign(json(ticket(0)))]);
    const first = await startIntake(topics, recipe);
    first.run.drain();
    await first.run.done;
    await topics.append([foreign(json(ticket(1)))]);
    await (await startIntake(topics, recipe)).through(1);
    expect(texts((await recordsByLane(topics, 'real')).flat())).toEqual([ticket(1).body]);
  });

  it('makes the same records of the same messages, wherever it is stopped', async () => {
    const outcome = async (stops: readonly number[]) => {
      const topics = await intakeLog();
      const recipe = intakeRecipe('real', {});
      await topics.append(Array.from({ length: 24 }, (_, n) => foreign(json(ticket(n)), n % foreignPartitions)));
      for (const after of stops) {
        const { run, commits } = await startIntake(topics, recipe);
        await Promise.race([commits.reach(after), new Promise((resolve) => setImmediate(resolve))]);
        run.abandon();
        await run.done;
      }
      const state = await startIntake(topics, recipe);
      await vi.waitFor(async () =>
        expect((await recordsByLane(topics, 'real')).flat().length).toBeGreaterThanOrEqual(24),
      );
      state.run.drain();
      await state.run.done;
      return (await recordsByLane(topics, 'real')).map((records) => records.map(({ id }) => id).sort());
    };
    const whole = await outcome([]);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(8), { maxLength: 3 }), async (stops) => {
        expect(await outcome(stops)).toEqual(whole);
      }),
      { numRuns: 8 },
    );
  });
});

describe('an intake through a schema registry', () => {
  it('reads Avro whose schema changes in between', async () => {
    const [topics, fixture] = [await intakeLog(), await registry()];
    const wider = { ...ticketAvro, fields: [{ name: 'at', type: 'long' }, ...ticketAvro.fields] } as avro.Schema;
    const [old, now] = [
      await fixture.register('tickets-value', { type: 'AVRO', schema: ticketAvro }),
      await fixture.register('tickets-value', { type: 'AVRO', schema: wider }),
    ];
    const encoded = (id: number, schema: avro.Schema, value: object) =>
      foreign(inWireFormat(id, avro.Type.forSchema(schema).toBuffer(value)));
    await topics.append([
      encoded(old, ticketAvro, ticket(0)),
      encoded(now, wider, { ...ticket(1), at: 5 }),
      encoded(old, ticketAvro, ticket(2)),
      encoded(old, ticketAvro, { ...ticket(3), body: null }),
    ]);
    const recipe = intakeRecipe('real', { format: 'avro', registry: { url: fixture.url } });
    await (await startIntake(topics, recipe)).through(4);
    const records = (await recordsByLane(topics, 'real')).flat() as Real[];
    expect(records.map(({ fields, label }) => [fields['text'], label]).sort()).toEqual([
      [ticket(0).body, 'money'],
      [ticket(1).body, 'time'],
      [ticket(2).body, 'money'],
    ]);
    expect(await deadLetters(topics)).toMatchObject([
      { code: 'line-invalid', message: expect.stringContaining('$.body') },
    ]);
    expect(fixture.asked).toEqual([`/schemas/ids/${old}`, `/schemas/ids/${now}`]);
  });

  it('reads JSON Schema, and buries what does not fit, has no head, or a foreign id', async () => {
    const [topics, fixture] = [await intakeLog(), await registry()];
    const id = await fixture.register('tickets-value', { type: 'JSON', schema: ticketJson });
    await topics.append([
      foreign(inWireFormat(id, json(ticket(0)))),
      foreign(inWireFormat(id, json({ body: 5 }))),
      foreign(json(ticket(2))),
      foreign(inWireFormat(77, json(ticket(3)))),
      foreign(inWireFormat(id, Buffer.from('{'))),
      foreign(Buffer.from([0, 0])),
      foreign(inWireFormat(id, json(ticket(6)))),
    ]);
    const recipe = intakeRecipe('real', { format: 'json-schema', registry: { url: fixture.url } });
    await (await startIntake(topics, recipe)).through(7);
    expect(texts((await recordsByLane(topics, 'real')).flat()).sort()).toEqual([ticket(0).body, ticket(6).body]);
    const letters = [...(await deadLetters(topics))].sort((a, b) => (a.origin.offset ?? 0) - (b.origin.offset ?? 0));
    expect(letters.map(({ code }) => code)).toEqual([
      'record-invalid',
      'record-undecodable',
      'schema-unknown',
      'record-undecodable',
      'record-undecodable',
    ]);
    expect(letters[1]?.message).toContain('is its format json?');
    expect(letters[2]?.message).toContain('77');
  });

  it('waits for a registry that is away, says so, and buries nothing', async () => {
    const [topics, fixture] = [await intakeLog(), await registry()];
    const id = await fixture.register('tickets-value', { type: 'JSON', schema: ticketJson });
    await fixture.stop();
    await topics.append([0, 1, 2].map((n) => foreign(inWireFormat(id, json(ticket(n))), n)));
    const intake = await startIntake(
      topics,
      intakeRecipe('real', { format: 'json-schema', registry: { url: fixture.url } }),
    );
    await vi.waitFor(() => expect(intake.waits.length).toBeGreaterThan(3));
    expect(intake.waits[0]).toContain(fixture.url);
    fixture.trouble = { status: 503, body: '' };
    await fixture.listen();
    await vi.waitFor(() => expect(intake.waits.at(-1)).toContain('503'));
    fixture.trouble = null;
    await intake.through(3);
    expect(texts((await recordsByLane(topics, 'real')).flat())).toHaveLength(3);
    expect(await deadLetters(topics)).toEqual([]);
    expect(intake.waits.at(-1)).toBeNull();
  });

  it('can be stopped while it waits, and leaves the messages to the next one', async () => {
    const [topics, fixture] = [await intakeLog(), await registry()];
    const id = await fixture.register('tickets-value', { type: 'JSON', schema: ticketJson });
    const recipe = intakeRecipe('real', { format: 'json-schema', registry: { url: fixture.url } });
    await topics.append([foreign(inWireFormat(id, json(ticket(0))))]);
    fixture.trouble = 'silent';
    const intake = await startIntake(topics, recipe);
    await vi.waitFor(() => expect(fixture.asked).toHaveLength(1));
    intake.run.drain();
    await intake.run.done;
    fixture.trouble = null;
    await (await startIntake(topics, recipe)).through(1);
    expect(texts((await recordsByLane(topics, 'real')).flat())).toEqual([ticket(0).body]);
  });

  it('ends with what to mend where the registry refuses, and buries nothing', async () => {
    const [topics, fixture] = [await intakeLog(), await registry()];
    fixture.login = 'ada:right';
    const id = await fixture.register('tickets-value', { type: 'JSON', schema: ticketJson });
    await topics.append([foreign(inWireFormat(id, json(ticket(0))))]);
    const login = { url: fixture.url, username: 'ada', password: '$REGISTRY_PASSWORD' };
    const recipe = intakeRecipe('real', { format: 'json-schema', registry: login });
    const { run } = await startIntake(topics, recipe, { registryPassword: async () => 'wrong' });
    await expect(run.done).rejects.toMatchObject({ code: 'registry-refused' });
    expect(await deadLetters(topics)).toEqual([]);
    await (await startIntake(topics, recipe, { registryPassword: async () => 'right' })).through(1);
    expect(texts((await recordsByLane(topics, 'real')).flat())).toEqual([ticket(0).body]);
  });
});

describe('intakeStages', () => {
  const recipe = intakeRecipe('real', {});
  const parts = { registryPassword: async () => '' };

  it('has a stage for each topic of others, under the name that keeps it without prefix', () => {
    expect(intakeStageNames(recipe)).toEqual(['intake.real']);
    const [stage] = intakeStages(recipe, parts);
    expect(stage).toMatchObject({ name: 'intake.real', inputs: [foreignTopic(foreignName)] });
    const own = { ...recipe, inputs: { seeds: 'seeds.jsonl', real: { topic: 'real' } } };
    expect(intakeStages(own, parts)).toEqual([]);
  });

  it('refuses a mapping and a format that cannot be', async () => {
    const wrong = {
      ...recipe,
      inputs: {
        ...recipe.inputs,
        real: { topic: 't', map: { text: 'body' }, format: 'json', from: 'latest' } as const,
      },
    };
    expect(() => intakeStages(wrong, parts)).toThrow(expect.objectContaining({ code: 'recipe-invalid' }));
    const topics = await intakeLog();
    await topics.append([foreign(inWireFormat(1, json({})))]);
    const { run } = await startIntake(topics, intakeRecipe('real', { format: 'avro' }));
    await expect(run.done).rejects.toMatchObject({
      code: 'recipe-invalid',
      message: expect.stringContaining('registry'),
    });
  });

  it('spreads messages without a key evenly, and leaves those with one together', () => {
    const message = { topic: 't', timestamp: 0, headers: {}, value: null };
    const counts = [0, 0, 0, 0];
    for (let offset = 0; offset < 4000; offset++) {
      const lane = laneOf({ ...message, key: null, partition: 0, offset }, 4);
      counts[lane] = (counts[lane] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
    const placed = (offset: number, partition: number) => laneOf({ ...message, key: 'ada', partition, offset }, 4);
    expect(new Set([placed(1, 1), placed(2, 0), placed(9, 5)]).size).toBe(1);
    expect(lanes).toBe(2);
  });

  it('has a task for each partition of the topic, however many lanes there are', async () => {
    const topics = await intakeLog();
    const [stage] = intakeStages(recipe, { ...parts, topicName: (topic) => topic });
    if (stage === undefined) throw new Error('no stage');
    const run = await runStage({ stage, topics });
    await vi.waitFor(() => expect(run.partitions).toHaveLength(foreignPartitions));
    run.drain();
    await run.done;
  });
});
