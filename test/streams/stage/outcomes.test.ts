import fc from 'fast-check';
import { map, mergeMap } from 'rxjs';
import { describe, expect, it } from 'vitest';

import type { AnyRecord } from '../../../schemas/codec.js';
import { recordId } from '../../../schemas/ids.js';
import { recordMessage } from '../../../streams/record-message.js';
import { onKinds } from '../../../streams/stage/on-kinds.js';
import { addOutcomes, noOutcomes, totalOutcomes } from '../../../streams/stage/outcome-counts.js';
import { runStage } from '../../../streams/stage/run-stage.js';
import { startTask } from '../../../streams/stage/run-task.js';
import type { Message } from '../../../streams/topics.js';
import { callRecord, planRecord, refinedRecord, seedRecord, tickRecord } from '../../operators/flow/records.js';
import { sampleAt } from '../shards/samples.js';
import {
  Commits,
  copied,
  documentRecord,
  documents,
  joinedTask,
  later,
  messagesOf,
  type Outcomes,
  put,
  recordsOf,
  runWithRestarts,
  stageLog,
  stageOf,
  turns,
} from './stage-log.js';

const endings = ['emitted', 'absorbed', 'dropped', 'dead', 'undecodable'] as const;
type Ending = (typeof endings)[number];

describe('the outcomes of a stage', () => {
  it('add up with what is in flight to what came in, at every commit', async () => {
    const ways = fc.array(fc.constantFrom(...endings), { minLength: 1, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(ways, fc.integer({ min: 1, max: 16 }), async (list, credit) => {
        const { topics } = await stageLog();
        await topics.append(list.map(messageOf));
        const stage = stageOf(
          () =>
            mergeMap(async (input) => {
              const n = numberOf(input);
              await turns((n * 7) % 4);
              return endingOf(list[n] ?? 'dead', input);
            }),
          { credit },
        );
        const { task, fetched, membership } = await joinedTask(topics, stage);
        const complete = later();
        const sums: (readonly [number, number])[] = [];
        const run = await startTask({
          stage,
          task,
          topics,
          committed: ({ counts }) => {
            const total = totalOutcomes(counts);
            sums.push([total + run.inFlight, fetched.get('from') ?? 0]);
            if (total === list.length) complete.resolve();
          },
        });
        await complete.promise;
        run.drain();
        await expect(run.done).resolves.toBe('drained');
        await membership.leave();
        for (const [accounted, came] of sums) expect(accounted).toBe(came);
        expect(run.counts).toEqual(expectedCounts(list));
      }),
      { numRuns: 25 },
    );
  });

  it('are counted on over a restart', async () => {
    const { topics } = await stageLog();
    const stage = () => stageOf(() => map((input) => ({ kind: 'dropped', input, reason: 'unwanted' })));
    await put(topics, 'from', documents(3));
    await runWithRestarts(topics, stage, 3, []);
    await put(topics, 'from', documents(2, 3));
    const commits = await runWithRestarts(topics, stage, 2, []);
    expect(commits.all.at(-1)?.counts).toEqual({ ...noOutcomes, dropped: { unwanted: 5 } });
  });

  it('of partitions add up by reason and code', () => {
    const a = { emitted: 1, absorbed: 2, dropped: { surplus: 3 }, dead: { 'record-invalid': 4 } };
    const b = { emitted: 5, absorbed: 0, dropped: { surplus: 1, stale: 1 }, dead: {} };
    const sum = { emitted: 6, absorbed: 2, dropped: { surplus: 4, stale: 1 }, dead: { 'record-invalid': 4 } };
    expect(addOutcomes(a, b)).toEqual(sum);
    expect(totalOutcomes(sum)).toBe(17);
  });
});

describe('dead letters', () => {
  const bytes = Buffer.from([0xff, 0xfe, 0x00]);

  it('keep what is no record: its bytes, headers and place', async () => {
    const unknown = { topic: 'from', partition: 0, key: 'k', value: Buffer.from('{}'), headers: { schema: 'other/9' } };
    const cut = Buffer.alloc(64 * 1024 + 1, 'a');
    const headers = { schema: 'headwater.document/1' };
    const [undecodable, strange, long, tombstone] = await deadLettersOf([
      { topic: 'from', partition: 0, key: null, value: bytes, headers, timestamp: 1234 },
      unknown,
      { ...unknown, value: cut, headers },
      { ...unknown, value: null, headers },
    ]);
    expect(undecodable).toEqual({
      kind: 'dead-letter',
      id: recordId('dead-letter', 'tested', 'from', 0, 0),
      stage: 'tested',
      code: 'record-undecodable',
      message: 'the bytes are not UTF-8 JSON',
      origin: { topic: 'from', partition: 0, offset: 0 },
      key: null,
      headers,
      value: bytes.toString('base64'),
      encoding: 'base64',
      cut: false,
      at: 1234,
    });
    expect(strange).toMatchObject({ code: 'schema-unknown', key: 'k', value: '{}', encoding: 'utf8', cut: false });
    expect(strange).toMatchObject({ message: "the schema 'other/9' is not known", origin: { offset: 1 } });
    expect(long).toMatchObject({ code: 'record-undecodable', cut: true, value: 'a'.repeat(64 * 1024) });
    expect(tombstone).toMatchObject({ code: 'record-undecodable', value: '', cut: false });
  });

  it('keep a record that lacks a property, and name it', async () => {
    const value = Buffer.from(JSON.stringify({ ...documentRecord(1), text: 5 }));
    const headers = { schema: 'headwater.document/1' };
    const [letter] = await deadLettersOf([{ topic: 'from', partition: 0, key: null, value, headers }]);
    expect(letter).toMatchObject({ code: 'record-invalid', value: value.toString() });
    expect(letter).toMatchObject({ message: expect.stringContaining("has a bad 'text'") });
  });

  it('keep a record of another kind than the operator takes', async () => {
    const [letter] = await deadLettersOf([recordMessage('from', 0, seedRecord(1))]);
    expect(letter).toMatchObject({
      code: 'record-invalid',
      message: 'a seed record is on a topic of document records',
    });
    expect(letter).toMatchObject({ value: JSON.stringify(seedRecord(1)) });
  });

  it('keep what an operator gives up, under its code and message', async () => {
    const { topics } = await stageLog();
    await put(topics, 'from', documents(3));
    const stage = stageOf(() =>
      map((input) =>
        numberOf(input) === 1 ? { kind: 'dead', input, code: 'endpoint-refused', message: 'too hot' } : copied(input),
      ),
    );
    await runWithRestarts(topics, () => stage, 3, []);
    const [letter, ...others] = await recordsOf(topics, 'dead-letters');
    expect(others).toEqual([]);
    expect(letter).toMatchObject({ code: 'endpoint-refused', message: 'too hot', origin: { offset: 1 } });
    expect(letter).toMatchObject({ value: JSON.stringify(documentRecord(1)), headers: { id: documentRecord(1).id } });
    expect(await recordsOf(topics, 'documents')).toEqual([documentRecord(0), documentRecord(2)]);
    expect(await recordsOf(topics, 'ledger')).toEqual([]);
  });

  /** What a stage that copies documents leaves among the dead letters; the document after them goes through. */
  async function deadLettersOf(messages: readonly Message[]): Promise<readonly AnyRecord[]> {
    const { topics } = await stageLog();
    await topics.append([...messages, recordMessage('from', 0, documentRecord(9))]);
    const stage = stageOf(() => onKinds(['document'], map(copiedDocument)));
    const commits = await runWithRestarts(topics, () => stage, messages.length + 1, []);
    expect(await recordsOf(topics, 'documents')).toEqual([documentRecord(9)]);
    expect(totalOutcomes(commits.all.at(-1)?.counts ?? noOutcomes)).toBe(messages.length + 1);
    return recordsOf(topics, 'dead-letters');
  }
});

describe('the ledger', () => {
  it('gets an entry for a plan that is dropped or dead, with what was spent on it', async () => {
    const spent = callRecord(1, {
      promptTokens: 7,
      completionTokens: 2,
      cost: 0.5,
      startedAt: 9000,
      milliseconds: 10.6,
    });
    const ledger = await ledgerOf([planRecord(3), planRecord(4)], (input) =>
      input.id === planRecord(3).id
        ? { kind: 'dropped', input, reason: 'unparsable', calls: [spent, callRecord(2, { cost: null })] }
        : { kind: 'dead', input, code: 'endpoint-refused', message: 'no' },
    );
    expect(ledger).toEqual([
      {
        kind: 'ledger-entry',
        id: recordId('ledger-entry', planRecord(3).id),
        lane: 0,
        ordinal: 3,
        planId: planRecord(3).id,
        subject: planRecord(3).id,
        stage: 'tested',
        outcome: 'dropped',
        reason: 'unparsable',
        promptTokens: 17,
        completionTokens: 7,
        cost: null,
        at: 9011,
      },
      expect.objectContaining({ ordinal: 4, outcome: 'dead', reason: 'endpoint-refused', cost: 0, at: 1004 }),
    ]);
  });

  it('counts the calls of earlier stages on a line that ends here', async () => {
    const refined = refinedRecord(5, {}, [callRecord(1), callRecord(2)]);
    const [entry] = await ledgerOf([refined], (input) => ({ kind: 'dropped', input, reason: 'copy', calls: [] }));
    expect(entry).toMatchObject({ subject: refined.id, promptTokens: 20, completionTokens: 10, cost: 0.5, at: 1022 });
  });

  it('gets an entry for each accepted sample, and none for what is no line of a plan', async () => {
    const sample = sampleAt(6);
    const ledger = await ledgerOf([refinedRecord(6), seedRecord(1)], (input) =>
      input.kind === 'refined'
        ? { kind: 'emitted', input, outputs: [sample] }
        : { kind: 'dropped', input, reason: 'unwanted' },
    );
    expect(ledger).toEqual([
      expect.objectContaining({
        id: recordId('ledger-entry', sample.lineage.planId),
        outcome: 'accepted',
        subject: sample.id,
        promptTokens: 106,
        completionTokens: 50,
        cost: sample.lineage.cost,
        at: sample.createdAt,
      }),
    ]);
  });

  async function ledgerOf(
    records: readonly AnyRecord[],
    end: (input: AnyRecord) => Outcomes,
  ): Promise<readonly AnyRecord[]> {
    const { topics } = await stageLog();
    await put(topics, 'from', records);
    await runWithRestarts(topics, () => stageOf(() => map(end)), records.length, []);
    return recordsOf(topics, 'ledger');
  }
});

describe('the outputs of a stage', () => {
  it('lie in the order of completion, and behind the first unfinished input none is committed', async () => {
    const { topics } = await stageLog();
    await put(topics, 'from', documents(4));
    const held = later();
    const commits = new Commits();
    const finished = later();
    const stage = stageOf(() =>
      mergeMap(async (input) => {
        if (numberOf(input) === 1) await held.promise;
        if (numberOf(input) === 3) finished.resolve();
        return copied(input);
      }),
    );
    const run = await runStage({ stage, topics, committed: commits.add });
    await finished.promise;
    await commits.reach(1);
    await turns(5);
    expect(await recordsOf(topics, 'documents')).toEqual([documentRecord(0)]);
    expect(run.inFlight).toBe(3);
    held.resolve();
    await commits.reach(4);
    expect(await recordsOf(topics, 'documents')).toEqual([0, 2, 3, 1].map(documentRecord));
    run.drain();
    await run.done;
  });

  it('go to the partition of their input; gathered topics have one; ticks go where the stage says', async () => {
    const { topics } = await stageLog(2);
    await put(topics, 'from', [documentRecord(1)], 1);
    const stage = stageOf(
      () => map((input) => ({ kind: 'emitted', input, outputs: [input, tickRecord('complete', 1)] })),
      { ticksTo: 'gathered', gatheredIn: ['gathered'] },
    );
    await runWithRestarts(topics, () => stage, 1, []);
    expect(await recordsOf(topics, 'documents', 1)).toEqual([documentRecord(1)]);
    expect(await recordsOf(topics, 'gathered')).toEqual([tickRecord('complete', 1)]);
    const [message] = await messagesOf(topics, 'documents', 1);
    const { id } = documentRecord(1);
    expect(message?.headers).toEqual({ schema: 'headwater.document/1', id, trace: id });
  });
});

function messageOf(ending: Ending, n: number): Message {
  const message = recordMessage('from', 0, documentRecord(n));
  return ending === 'undecodable' ? { ...message, value: Buffer.from('{') } : message;
}

function endingOf(ending: Ending, input: AnyRecord): Outcomes {
  if (ending === 'emitted') return copied(input);
  if (ending === 'absorbed') return { kind: 'absorbed', input };
  if (ending === 'dropped') return { kind: 'dropped', input, reason: 'unwanted' };
  return { kind: 'dead', input, code: 'operator-failed', message: 'broken' };
}

function expectedCounts(list: readonly Ending[]) {
  const count = (ending: Ending) => list.filter((one) => one === ending).length;
  const by = (keys: Readonly<Record<string, number>>) =>
    Object.fromEntries(Object.entries(keys).filter(([, many]) => many > 0));
  return {
    emitted: count('emitted'),
    absorbed: count('absorbed'),
    dropped: by({ unwanted: count('dropped') }),
    dead: by({ 'operator-failed': count('dead'), 'record-undecodable': count('undecodable') }),
  };
}

function numberOf(input: AnyRecord): number {
  return input.kind === 'document' ? (input.origin.line ?? 0) - 1 : -1;
}

function copiedDocument<Input extends AnyRecord>(input: Input) {
  return { kind: 'emitted', input, outputs: [input] } as const;
}
