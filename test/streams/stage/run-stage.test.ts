import fc from 'fast-check';
import { from, map, mergeMap, NEVER, type Observable, Subject, throwError } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';

import { addOutcomes, noOutcomes, totalOutcomes } from '../../../streams/stage/outcome-counts.js';
import { runStage, type StageRun } from '../../../streams/stage/run-stage.js';
import type { Committed } from '../../../streams/stage/run-task.js';
import type { Topics } from '../../../streams/topics.js';
import {
  Commits,
  committedOffset,
  copied,
  documents,
  messagesOf,
  type Outcomes,
  put,
  recordsOf,
  stageLog,
  stageOf,
} from './stage-log.js';

/** Lets everything else run that can, so many times over. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** A copying operator that finishes out of order and calls `entered` for each record. */
function copying(entered: (count: number) => void, credit: number) {
  let count = 0;
  return stageOf(
    () =>
      mergeMap(async (input) => {
        entered(++count);
        await turns((count * 7) % 5);
        return copied(input);
      }),
    { credit },
  );
}

describe('runStage', () => {
  it('copies every record exactly once, over restarts at any moment', async () => {
    const cuts = fc.array(fc.record({ after: fc.integer({ min: 1, max: 20 }), gently: fc.boolean() }), {
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(cuts, fc.integer({ min: 1, max: 16 }), async (list, credit) => {
        const { topics } = await stageLog();
        const records = documents(60);
        await put(topics, 'from', records);
        const commits = new Commits();
        for (const { after, gently } of list) {
          const reached = new Promise<void>((resolve) => {
            const stage = copying((count) => {
              if (count === after) resolve();
            }, credit);
            void runStage({ stage, topics, committed: commits.add }).then(async (run) => {
              if (records.length - commits.outcomes.length < after) resolve();
              await ready;
              run[gently ? 'drain' : 'abandon']();
              await run.done;
              ended();
            });
          });
          let ended = () => {};
          const end = new Promise<void>((resolve) => {
            ended = resolve;
          });
          const ready = reached;
          await end;
        }
        const run = await runStage({ stage: copying(() => {}, credit), topics, committed: commits.add });
        await commits.reach(records.length);
        run.drain();
        await run.done;
        const copies = await recordsOf(topics, 'documents');
        expect(copies.map(({ id }) => id).toSorted()).toEqual(records.map(({ id }) => id).toSorted());
        expect(commits.all.at(-1)?.counts).toEqual({ ...noOutcomes, emitted: records.length });
        await topics.close();
      }),
      { numRuns: 15 },
    );
  });
});
