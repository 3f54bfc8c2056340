import { setTimeout as delay } from 'node:timers/promises';

import kafkajs, { type Admin, type ITopicConfig } from 'kafkajs';

import { HeadwaterError } from '../../schemas/errors.js';
import type { Message, TopicSpec } from '../topics.js';
import { isForeign, type TopicNames } from './topic-names.js';

// Node sees no such name on a CommonJS module that spreads its exports.
const { ConfigResourceTypes } = kafkajs;
/** Bytes that Kafka adds to a message in its batch, at most. */
const overheadBytes = 512;
const defaultMaxBytes = 1_048_588;
/** Of what one request carries to one partition: below Kafka's default limit, with room for its frame. */
const mostBatchBytes = 900_000;

interface KnownTopic {
  readonly spec: TopicSpec;
  /** Its cleanup.policy, which may be both. */
  readonly policy: string;
  readonly maxMessageBytes: number;
}

/** The pipeline's topics as the cluster has them; asked once, since partitions and cleanup of a topic in use do not change. */
export class TopicCatalogue {
  readonly #known = new Map<string, KnownTopic>();
  #maxMessageBytes: number | undefined;

  constructor(
    private readonly admin: Admin,
    private readonly names: TopicNames,
    private readonly replicas: number,
  ) {}

  /** What every known topic of the pipeline takes. */
  get maxMessageBytes(): number {
    return this.#maxMessageBytes ?? defaultMaxBytes - overheadBytes;
  }

  /** Bytes of messages that a batch for a topic may hold: Kafka's limit of a message is one of a batch. */
  batchBytes(topic: string): number {
    return Math.min(mostBatchBytes, this.#known.get(topic)?.maxMessageBytes ?? defaultMaxBytes);
  }

  /** Creates what is missing, and compares what is there. */
  async ensure(specs: readonly TopicSpec[]): Promise<void> {
    const wanted = specs.filter(({ name }) => !this.#known.has(name));
    if (wanted.length > 0) {
      const existing = await this.#existing();
      const missing = wanted.filter(({ name }) => !existing.has(this.names.onCluster(name)));
      if (missing.length > 0) await this.#create(missing);
      await this.#look(wanted.map(({ name }) => name));
    }
    for (const spec of specs) this.#compare(spec);
  }

  async list(): Promise<readonly TopicSpec[]> {
    const ours = [...(await this.#existing())].flatMap((onCluster) => this.names.ours(onCluster) ?? []);
    await this.#look(ours);
    return ours.flatMap((name) => this.#known.get(name)?.spec ?? []);
  }

  /** Rejects with `topic-unknown`. */
  async spec(name: string): Promise<TopicSpec> {
    const known = this.#known.get(name);
    if (known !== undefined) return known.spec;
    if ((await this.#existing()).has(this.names.onCluster(name))) await this.#look([name]);
    const found = this.#known.get(name);
    if (found !== undefined) return found.spec;
    throw new HeadwaterError('topic-unknown', `there is no topic '${this.names.onCluster(name)}' on this cluster`);
  }

  /** Rejects where a message cannot be written: an unknown place, no key on a `compact` topic, too large. */
  async check(messages: readonly Message[]): Promise<void> {
    for (const { topic, partition, key, value, headers } of messages) {
      const { partitions, cleanup } = this.#known.get(topic)?.spec ?? (await this.spec(topic));
      if (partition >= partitions || partition < 0) {
        throw new HeadwaterError(
          'topic-unknown',
          `the topic '${topic}' has no partition ${partition}, only ${partitions}`,
        );
      }
      if (cleanup === 'compact' && key === null) {
        throw new HeadwaterError('topic-misfit', `a message for the compacted topic '${topic}' has no key`);
      }
      // kafkajs takes such a record for the end of a transaction, if one that holds it is aborted.
      if (key?.startsWith('\0\0\0\0')) {
        throw new HeadwaterError(
          'topic-misfit',
          `a key for '${topic}' begins with four zero bytes, which readers mistake`,
        );
      }
      const limit = this.#known.get(topic)?.maxMessageBytes ?? defaultMaxBytes;
      const bytes = sizeOf(key, value, headers);
      if (bytes > limit) {
        const text = `a message of ${bytes} bytes for '${topic}', which takes ${limit}: raise its max.message.bytes`;
        throw new HeadwaterError('record-too-large', text);
      }
    }
  }

  async #existing(): Promise<ReadonlySet<string>> {
    return new Set(await this.admin.listTopics());
  }

  async #create(missing: readonly TopicSpec[]): Promise<void> {
    const topics = missing.map(
      (spec): ITopicConfig => ({
        topic: this.names.onCluster(spec.name),
        numPartitions: spec.partitions,
        replicationFactor: this.replicas,
        configEntries: [...configOf(spec)].map(([name, value]) => ({ name, value })),
      }),
    );
    // Another worker may create the same at the same time: what is there then is compared below.
    await this.admin.createTopics({ topics, waitForLeaders: false });
    const names = topics.map(({ topic }) => topic);
    for (let waitMs = 20; !(await this.#haveLeaders(names)); waitMs = Math.min(2 * waitMs, 1000)) await delay(waitMs);
  }

  async #haveLeaders(topics: string[]): Promise<boolean> {
    try {
      const { topics: found } = await this.admin.fetchTopicMetadata({ topics });
      return found.every(({ partitions }) => partitions.length > 0 && partitions.every(({ leader }) => leader >= 0));
    } catch (error) {
      if (/UNKNOWN_TOPIC_OR_PARTITION|LEADER_NOT_AVAILABLE/.test(typeOf(error))) return false;
      throw error;
    }
  }

  /** Learns how topics are laid out on the cluster. */
  async #look(names: readonly string[]): Promise<void> {
    const unknown = names.filter((name) => !this.#known.has(name));
    if (unknown.length === 0) return;
    const onCluster = unknown.map((name) => this.names.onCluster(name));
    const { topics } = await this.admin.fetchTopicMetadata({ topics: onCluster });
    const configs = await this.#configs(onCluster);
    for (const [index, name] of unknown.entries()) {
      const partitions = topics.find((topic) => topic.name === onCluster[index])?.partitions.length ?? 0;
      const known = knownTopic(name, partitions, configs.get(onCluster[index] ?? '') ?? new Map());
      this.#known.set(name, known);
      // Those of others are only read.
      if (isForeign(name)) continue;
      this.#maxMessageBytes = Math.min(this.#maxMessageBytes ?? known.maxMessageBytes, known.maxMessageBytes);
    }
  }

  async #configs(onCluster: readonly string[]): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
    const resources = onCluster.map((name) => ({ type: ConfigResourceTypes.TOPIC, name }));
    const { resources: found } = await this.admin.describeConfigs({ resources, includeSynonyms: false });
    return new Map(
      found.map(({ resourceName, configEntries }) => [
        resourceName,
        new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
      ]),
    );
  }

  #compare({ name, partitions, cleanup, retention }: TopicSpec): void {
    const known = this.#known.get(name);
    if (known === undefined || isForeign(name)) return;
    const { spec, policy } = known;
    const onCluster = this.names.onCluster(name);
    const choose = 'choose another topics.prefix, or delete the topic if it holds nothing';
    if (spec.partitions !== partitions) {
      const text = `the topic '${onCluster}' has ${spec.partitions} partitions, and the recipe asks for ${partitions}`;
      throw new HeadwaterError('topic-misfit', `${text}: set topics.partitions to ${spec.partitions}, or ${choose}`);
    }
    if (policy !== cleanup) {
      const text = `the topic '${onCluster}' has cleanup.policy ${policy}, and ${cleanup} is needed`;
      throw new HeadwaterError('topic-misfit', `${text}: alter its cleanup.policy, or ${choose}`);
    }
    if (retention === undefined && spec.retention !== undefined) {
      const text = `the topic '${onCluster}' does not keep all records, as is needed`;
      const cure =
        'set its retention.ms and retention.bytes to -1, or topics.retention where the recipe allows some to go';
      throw new HeadwaterError('topic-misfit', `${text}: ${cure}`);
    }
  }
}

/** Of a message as it counts against the topic's limit. */
export function sizeOf(key: string | null, value: Uint8Array | null, headers: Message['headers'] = {}): number {
  let bytes = (value?.byteLength ?? 0) + (key === null ? 0 : Buffer.byteLength(key));
  for (const name in headers) bytes += Buffer.byteLength(name) + Buffer.byteLength(headers[name] ?? '') + 4;
  return bytes;
}

function knownTopic(name: string, partitions: number, config: ReadonlyMap<string, string>): KnownTopic {
  const policy = config.get('cleanup.policy') ?? 'delete';
  const [bytes, ageMs] = [Number(config.get('retention.bytes') ?? -1), Number(config.get('retention.ms') ?? -1)];
  const retention = { ...(bytes >= 0 ? { bytes } : {}), ...(ageMs >= 0 ? { ageMs } : {}) };
  const cleanup = policy.includes('compact') ? 'compact' : 'delete';
  return {
    spec: {
      name,
      partitions,
      cleanup,
      ...(cleanup === 'delete' && Object.keys(retention).length > 0 ? { retention } : {}),
    },
    policy,
    maxMessageBytes: Number(config.get('max.message.bytes') ?? defaultMaxBytes) - overheadBytes,
  };
}

/**
 * Without a retention all is kept, as on the embedded log. A compacted topic is rolled and cleaned often, since its newest values
 * are the snapshot from which a worker restores its state: what is not cleaned yet is read in vain.
 */
function configOf({ cleanup, retention }: TopicSpec): ReadonlyMap<string, string> {
  if (cleanup === 'compact') {
    return new Map([
      ['cleanup.policy', 'compact'],
      ['segment.bytes', String(16 * 2 ** 20)],
      ['segment.ms', String(10 * 60_000)],
      ['min.cleanable.dirty.ratio', '0.2'],
    ]);
  }
  return new Map([
    ['cleanup.policy', 'delete'],
    ['retention.bytes', String(retention?.bytes ?? -1)],
    ['retention.ms', String(retention?.ageMs ?? -1)],
  ]);
}

function typeOf(error: unknown): string {
  return error instanceof Error ? String(Reflect.get(error, 'type') ?? error.message) : '';
}
