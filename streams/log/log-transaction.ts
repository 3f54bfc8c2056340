import { HeadwaterError } from '../../schemas/errors.js';
import type { GroupOptions, Message, TopicSpec } from '../topics.js';
import { appendCompact, appendDelete } from './append-partition.js';
import type { Mark, Store, StoredTopic } from './store.js';

/** A partition that gets messages in a transaction. */
interface Tail {
  readonly topic: StoredTopic;
  readonly partition: number;
  readonly mark: Mark;
  readonly messages: Message[];
}

/**
 * What may be done within one write transaction of the store. Methods that can refuse do so before they write, so that one refused
 * caller leaves no trace while the others in the same transaction go on.
 */
export class LogTransaction {
  /** By topic and partition; written at the end, so that callers of one transaction share blocks. */
  readonly #tails = new Map<string, Tail>();

  constructor(
    readonly store: Store,
    private readonly now: number,
  ) {}

  /** Creates topics, or lets existing ones take a new retention. Throws `topic-misfit`. */
  ensure(specs: readonly TopicSpec[]): void {
    for (const spec of specs) checkFits(spec, this.store.topics.get(spec.name)?.spec);
    for (const spec of specs) {
      const id = this.store.topics.get(spec.name)?.id ?? this.#nextTopicId();
      this.store.topics.put(spec.name, { id, spec });
    }
  }

  /** The offsets that the messages get. Throws `topic-unknown`, or `topic-misfit` for a compact message without key. */
  append(messages: readonly Message[]): readonly number[] {
    const tails = messages.map((message) => this.#tailFor(message));
    return tails.map(({ mark, messages: waiting }, index) => {
      const message = messages[index];
      if (message !== undefined) waiting.push(message);
      return mark.high + waiting.length - 1;
    });
  }

  generation(group: string, partition: number): number {
    return this.store.generations.get([group, partition]) ?? 0;
  }

  /** Hands a partition of a group over: commits of earlier holders are refused from now on. */
  nextGeneration(group: string, partition: number): number {
    const next = this.generation(group, partition) + 1;
    this.store.generations.put([group, partition], next);
    return next;
  }

  /** The group's next offset to read; a new group starts at the low mark, or at the high one with `latest`, and holds retention back from there on. */
  startOffset(group: string, topic: string, partition: number, from?: GroupOptions['from']): number {
    const found = this.store.offsets.get([topic, partition, group]);
    if (found !== undefined) return found;
    const { low, high } = this.store.mark(this.store.topic(topic), partition);
    const start = from === 'latest' ? high : low;
    this.commitOffset(group, topic, partition, start);
    return start;
  }

  commitOffset(group: string, topic: string, partition: number, offset: number): void {
    this.store.offsets.put([topic, partition, group], offset);
  }

  /** Writes the messages of all callers; says which partitions got some. */
  finish(): readonly string[] {
    for (const { topic, partition, mark, messages } of this.#tails.values()) {
      const append = topic.spec.cleanup === 'compact' ? appendCompact : appendDelete;
      const next = append(this.store, topic, partition, mark, messages, this.now);
      this.store.marks.put([topic.id, partition], next);
    }
    return [...this.#tails.keys()];
  }

  #tailFor({ topic: name, partition, key }: Message): Tail {
    const place = placeOf(name, partition);
    let tail = this.#tails.get(place);
    if (tail === undefined) {
      const topic = this.store.partition(name, partition);
      tail = { topic, partition, mark: this.store.mark(topic, partition), messages: [] };
      this.#tails.set(place, tail);
    }
    if (key === null && tail.topic.spec.cleanup === 'compact') {
      throw new HeadwaterError('topic-misfit', `a message to the compact topic '${name}' has no key: give it one`);
    }
    return tail;
  }

  #nextTopicId(): number {
    let last = 0;
    for (const { value } of this.store.topics.getRange({})) last = Math.max(last, value.id);
    return last + 1;
  }
}

/** Names a partition. */
export function placeOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

function checkFits(wanted: TopicSpec, found: TopicSpec | undefined): void {
  if (found === undefined) return;
  if (found.partitions === wanted.partitions && found.cleanup === wanted.cleanup) return;
  const has = `${found.partitions} partitions and cleanup '${found.cleanup}'`;
  const asked = `${wanted.partitions} and '${wanted.cleanup}'`;
  throw new HeadwaterError('topic-misfit', `the topic '${wanted.name}' has ${has}, asked were ${asked}`);
}
