import { z } from 'zod';

import { parseJson } from '../../schemas/codec.js';
import { readAll } from '../stage/read-all.js';
import type { Message, Topics } from '../topics.js';
import { pipelineTopic } from './pipeline-identity.js';
import { runnableStages } from './stages.js';
import type { WorkerStatus } from './workers.js';

/** What all runs on a pipeline's topics may come to. */
export interface Limits {
  readonly tokens?: number | undefined;
  readonly usd?: number | undefined;
}

const key = 'budget';
const schema = z.object({ tokens: z.number().optional(), usd: z.number().optional() });

/** Says on the pipeline's topic that a budget is spent, to workers that ask no model, or have nothing to ask. */
export function budgetNotice({ tokens, usd }: Limits): Message {
  const value = new TextEncoder().encode(JSON.stringify({ tokens, usd }));
  return { topic: pipelineTopic.name, partition: 0, key, value };
}

/** Whether the budget that was last said to be spent is this one: a larger one is another one. */
export async function isNoticed(topics: Topics, { tokens, usd }: Limits): Promise<boolean> {
  let noticed: Limits | undefined;
  for await (const message of readAll(topics, pipelineTopic.name, 0)) {
    if (message.key !== key || message.value === null) continue;
    noticed = schema.safeParse(parseJson(message.value)).data;
  }
  return noticed !== undefined && noticed.tokens === tokens && noticed.usd === usd;
}

/**
 * Whether another worker that is alive may still make something for one with the given stages: its first stage comes earlier in the
 * river, or is not known yet. So of all that wait for one another one can end.
 */
export function isFed(
  stages: readonly string[],
  others: readonly Pick<WorkerStatus, 'stages' | 'state' | 'silentSince'>[],
) {
  const own = first(stages);
  return others.some(
    ({ silentSince, state, stages: theirs }) =>
      silentSince === null && (state === 'starting' || first(theirs.map(({ name }) => name)) < own),
  );
}

const order: readonly string[] = runnableStages;

function first(stages: readonly string[]): number {
  const places = stages.map((name) => order.indexOf(name)).filter((at) => at >= 0);
  return Math.min(...places, order.length);
}
