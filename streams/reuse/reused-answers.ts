import { setImmediate as nextTurn } from 'node:timers/promises';

import { z } from 'zod';

import type { PaidAnswers } from '../../operators/journal.js';
import type { Completion } from '../../operators/language-model.js';
import { parseJson } from '../../schemas/codec.js';
import { HeadwaterError } from '../../schemas/errors.js';
import { readPages } from '../stage/read-all.js';
import { isJournal } from '../stage/stage.js';
import type { StoredMessage, Topics } from '../topics.js';
import { AnswerIndex } from './answer-index.js';

/** What the journals of our own and of later versions have in common. */
const keptAnswer = z.looseObject({
  text: z.string(),
  finishReason: z.enum(['stop', 'length']),
  usage: z.looseObject({ promptTokens: z.number(), completionTokens: z.number() }),
  model: z.string(),
  cost: z.number().nullable(),
  startedAt: z.number(),
  milliseconds: z.number(),
  attempts: z.number(),
});

interface Source {
  readonly topics: Topics;
  readonly topic: string;
  readonly partition: number;
}

const one = { maxRecords: 1, maxBytes: 1 };
/** Partitions of journals that places can tell apart. */
const maxSources = 65_535;

/**
 * The answers on the journals of other pipelines, which may run meanwhile: those that are there when it is opened.
 *
 * In memory are their places alone, 43 bytes an answer at most (64 while the index grows); an answer is read when it is asked for. One
 * that retention has dropped since, or that is damaged, is not there. The topics stay the caller's to close.
 */
export class ReusedAnswers implements PaidAnswers {
  readonly #index = new AnswerIndex();
  readonly #sources: Source[] = [];

  private constructor() {}

  /** Reads all journals once. Of equal requests the first pipeline's answer counts. Rejects with the reason of the signal. */
  static async open(pipelines: readonly Topics[], signal: AbortSignal): Promise<ReusedAnswers> {
    const answers = new ReusedAnswers();
    for (const topics of pipelines) {
      for (const { name, partitions } of await topics.list()) {
        if (!isJournal(name)) continue;
        for (let partition = 0; partition < partitions; partition++) {
          await answers.#read({ topics, topic: name, partition }, signal);
        }
      }
    }
    return answers;
  }

  /** Requests that have an answer. */
  get size(): number {
    return this.#index.size;
  }

  /** Bytes of the index. */
  get indexBytes(): number {
    return this.#index.bytes;
  }

  async find(request: string): Promise<Completion | undefined> {
    const place = this.#index.find(request);
    const source = place && this.#sources[place.source];
    if (place === undefined || source === undefined) return undefined;
    const { topics, topic, partition } = source;
    const [message] = await unlessGone(() => topics.read(topic, partition, place.offset, one));
    return message?.key === request ? completionOf(message) : undefined;
  }

  async #read(source: Source, signal: AbortSignal): Promise<void> {
    const number = this.#sources.length;
    if (number >= maxSources)
      throw new RangeError(`journals: more than ${maxSources} partitions cannot be reused at once`);
    this.#sources.push(source);
    const { topics, topic, partition } = source;
    signal.throwIfAborted();
    for await (const page of readPages(topics, topic, partition)) {
      // Reading a local log does not wait for anything, so that signals would not be heard.
      await nextTurn();
      signal.throwIfAborted();
      for (const { key, value, offset } of page) {
        if (key !== null && value !== null && isHash(key)) this.#index.add(key, { source: number, offset });
      }
    }
  }
}

/** A pipeline whose topics are deleted meanwhile has nothing to reuse any more. */
async function unlessGone<Result>(read: () => Promise<readonly Result[]>): Promise<readonly Result[]> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof HeadwaterError && error.code === 'topic-unknown') return [];
    throw error;
  }
}

function completionOf({ value }: StoredMessage): Completion | undefined {
  if (value === null) return undefined;
  try {
    const json = parseJson(value);
    return keptAnswer.safeParse(json).success ? (json as Completion) : undefined;
  } catch {
    return undefined;
  }
}

function isHash(key: string): boolean {
  return /^[0-9a-f]{32}$/.test(key);
}
