import { z } from 'zod';

import { parseJson } from '../../schemas/codec.js';
import { HeadwaterError } from '../../schemas/errors.js';
import { recipeDifferences } from '../recipe-differences.js';
import { readAll } from '../stage/read-all.js';
import type { Message, TopicSpec, Topics } from '../topics.js';

/** What of a recipe decides the results, as plain JSON. */
export type Identity = Readonly<Record<string, unknown>>;

/** The topic that says to which recipe all the others belong; also the lock of those who begin a pipeline on it. */
export const pipelineTopic: TopicSpec = { name: 'pipeline', partitions: 1, cleanup: 'compact' };

const key = 'recipe';
const schema = z.record(z.string(), z.unknown());

/** The recipe to which the topics belong; undefined where they belong to none yet, or are not there. */
export async function readIdentity(topics: Topics): Promise<Identity | undefined> {
  let identity: Identity | undefined;
  try {
    for await (const message of readAll(topics, pipelineTopic.name, 0)) {
      if (message.key === key && message.value !== null) identity = schema.parse(parseJson(message.value));
    }
  } catch (error) {
    if (error instanceof HeadwaterError && error.code === 'topic-unknown') return undefined;
    throw error;
  }
  return identity;
}

export function identityMessage(identity: Identity): Message {
  const value = new TextEncoder().encode(JSON.stringify(identity));
  return { topic: pipelineTopic.name, partition: 0, key, value };
}

/** Throws `data-foreign` where the topics belong to another recipe. */
export function checkIdentity(kept: Identity, wanted: Identity): void {
  const lines = recipeDifferences(kept, wanted);
  if (lines === undefined) return;
  const text = 'these topics belong to another recipe: go on with that one, or choose another topics.prefix';
  throw new HeadwaterError('data-foreign', `${text}\n${lines}`);
}
