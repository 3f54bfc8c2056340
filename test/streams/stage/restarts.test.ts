import { createHash } from 'node:crypto';

import fc from 'fast-check';
import { concat, concatMap, defer, from, map, mergeMap, tap } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { Changes } from '../../../operators/flow/outcome.js';
import type { AnyRecord } from '../../../schemas/codec.js';
import { countsKey, noOutcomes } from '../../../streams/stage/outcome-counts.js';
import type { Stage, StageContext } from '../../../streams/stage/stage.js';
import {
  committedOffset,
  copied,
  documents,
  type Outcomes,
  put,
  recordsOf,
  runWithRestarts,
  stageLog,
  stageOf,
  turns,
} from './stage-log.js';

const cuts = fc.array(
  fc.record({ after: fc.integer({ min: 1, max: 20 }), how: fc.constantFrom('drain' as const, 'abandon' as const) }),
  { maxLength: 6 },
);

describe('a stage over restarts', () => {
  it('copies every record exactly once', async () => {
    await fc.assert(
      fc.asyncProperty(cuts, fc.integer({ min: 1, max: 16 }), async (list, credit) => {
        const { topics } = await stageLog();
        const records = documents(60);
        await put(topics, 'from', records);
        const commits = await runWithRestarts(topics, (entered) => shufflingCopier(entered, credit), 60, list);
        const copies = await recordsOf(topics, 'documents');
        expect(copies).toHaveLength(records.length);
        expect(new Map(copies.map((copy) => [copy.id, copy]))).toEqual(new Map(records.map((one) => [one.id, one])));
        expect(commits.outcomes).toHaveLength(records.length);
        expect(commits.all.at(-1)?.counts).toEqual({ ...noOutcomes, emitted: records.length });
        expect(await committedOffset(topics, 'from')).toBe(records.length);
      }),
      { numRuns: 20 },
    );
  });

  it('has the memory of exactly the outcomes that are committed', async () => {
    await fc.assert(
      fc.asyncProperty(cuts, fc.integer({ min: 4, max: 16 }), async (list, credit) => {
        const { topics } = await stageLog();
        await put(topics, 'from', documents(30));
        await put(topics, 'also', documents(30, 30));
        const restored: { readonly memory: ReadonlyMap<string, unknown>; readonly committed: number }[] = [];
        const stage = (entered: () => void): Stage =>
          stageOf(
            ({ memory }) => {
              restored.push({ memory, committed: committedIn(memory) });
              return digesting(memory, entered);
            },
            { inputs: ['from', 'also'], stateful: true, credit },
          );
        const commits = await runWithRestarts(topics, stage, 60, list);
        const ids = commits.outcomes.map(({ input }) => input.id);
        expect(new Set(ids).size).toBe(60);
        for (const { memory, committed } of restored) {
          expect(memory.get('digest') ?? '').toBe(ids.slice(0, committed).reduce(digestOf, ''));
          expect(memory.get('count') ?? 0).toBe(committed);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('forgets a key that a change sets to null', async () => {
    const { topics } = await stageLog();
    const seen: (readonly string[])[] = [];
    const stage = () =>
      stageOf(
        ({ memory }) => {
          seen.push([...memory.keys()].filter((key) => key !== countsKey));
          const changes: Changes = [
            ['kept', 1],
            ['held', memory.has('held') ? null : 1],
          ];
          return map((input) => ({ kind: 'absorbed', input, changes }));
        },
        { stateful: true },
      );
    for (const record of documents(3)) {
      await put(topics, 'from', [record]);
      await runWithRestarts(topics, stage, 1, []);
    }
    expect(seen.map((keys) => keys.toSorted())).toEqual([[], ['held', 'kept'], ['kept']]);
  });
});

/** Copies, and finishes in another order than that of the offsets. */
function shufflingCopier(entered: () => void, credit: number): Stage {
  let count = 0;
  return stageOf(
    () =>
      mergeMap(async (input) => {
        entered();
        count++;
        await turns((count * 7) % 5);
        return copied(input);
      }),
    { credit },
  );
}

/**
 * Remembers how many records it ended and a digest of their ids, in the order in which it ended them. Every third record of a
 * topic is held until the next one is through, so that this order is not that of the offsets.
 */
function digesting(memory: ReadonlyMap<string, unknown>, entered: () => void): ReturnType<Stage['operator']> {
  return (source) =>
    defer(() => {
      let digest = String(memory.get('digest') ?? '');
      let count = Number(memory.get('count') ?? 0);
      let held: AnyRecord | undefined;
      const end = (input: AnyRecord): Outcomes => {
        digest = digestOf(digest, input.id);
        count++;
        return {
          kind: 'absorbed',
          input,
          changes: [
            ['digest', digest],
            ['count', count],
          ],
        };
      };
      const release = (): readonly Outcomes[] => {
        const released = held === undefined ? [] : [end(held)];
        held = undefined;
        return released;
      };
      const take = (input: AnyRecord): readonly Outcomes[] => {
        if (held !== undefined || numberOf(input) % 3 !== 1) return [end(input), ...release()];
        held = input;
        return [];
      };
      const records = source.pipe(tap(entered), concatMap(take));
      return concat(
        records,
        defer(() => from(release())),
      );
    });
}

function digestOf(digest: string, id: string): string {
  return createHash('sha256').update(digest).update(id).digest('hex');
}

function numberOf(input: AnyRecord): number {
  return input.kind === 'document' ? (input.origin.line ?? 0) - 1 : 0;
}

function committedIn(memory: StageContext['memory']): number {
  const counts = memory.get(countsKey);
  return typeof counts === 'object' && counts !== null ? Number(Reflect.get(counts, 'absorbed')) : 0;
}
