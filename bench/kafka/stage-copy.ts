import { map, NEVER, type OperatorFunction } from 'rxjs';

import type { Outcome } from '../../operators/flow/outcome.js';
import type { AnyRecord } from '../../schemas/codec.js';
import type { Document } from '../../schemas/document.js';
import { deferred } from '../../streams/deferred.js';
import { onKinds } from '../../streams/stage/on-kinds.js';
import { runStage, type StageRun } from '../../streams/stage/run-stage.js';
import { type Stage, stateTopic } from '../../streams/stage/stage.js';
import type { Topics } from '../../streams/topics.js';
import type { Job } from './job.js';
import type { Meter } from './meter.js';
import { meteredTopics } from './metered-topics.js';

const copying = map((input: Document): Outcome<Document, Document> => ({ kind: 'emitted', input, outputs: [input] }));
const stalling: OperatorFunction<AnyRecord, Outcome<AnyRecord, AnyRecord>> = () => NEVER;

/** A stage as a river has them, with an operator that emits what it takes. */
export async function joinStage(
  { group, topic, partitions, credit, stalled = false }: Job,
  topics: Topics,
  meter: Meter,
): Promise<StageRun> {
  const stage: Stage = {
    name: group,
    inputs: [topic],
    credit,
    stateful: false,
    journaled: false,
    operator: () => (stalled ? stalling : onKinds(['document'], copying)),
  };
  await topics.ensure([{ name: stateTopic(group), partitions, cleanup: 'compact' }]);
  return runStage({ stage, topics: meteredTopics(topics, meter) });
}

/** Milliseconds until the memory of a stage is back. */
export async function restoreStage(name: string, topic: string, topics: Topics): Promise<number> {
  const operator = () => onKinds(['document'], copying);
  const stage: Stage = { name, inputs: [topic], credit: 1, stateful: true, journaled: false, operator };
  await topics.ensure([{ name: stateTopic(name), partitions: 1, cleanup: 'compact' }]);
  let changed = deferred();
  const run = await runStage({ stage, topics, held: () => changed.resolve() });
  let [holding] = run.holdings;
  while (typeof holding?.restoreMs !== 'number') {
    await changed.promise;
    changed = deferred();
    [holding] = run.holdings;
  }
  run.abandon();
  await run.done;
  return holding.restoreMs;
}
