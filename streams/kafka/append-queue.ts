import type { Message } from '../topics.js';
import { GatheredWrites } from './gathered-writes.js';
import { faultOf } from './kafka-error.js';
import type { KafkaSettings } from './kafka-settings.js';
import type { PartitionReader } from './partition-reader.js';
import type { Persistence } from './persistence.js';
import { TransactionalWriter, type WriterOptions } from './transactional-writer.js';

/**
 * Appends of one process, in transactions of their own: what comes while one is written goes with the next. Where the answer to a
 * commit is lost, the log itself is asked whether it came to pass, so nothing is written twice.
 */
export class AppendQueue {
  readonly #writes = new GatheredWrites((messages) => this.#append(messages));
  #writer: Promise<TransactionalWriter> | undefined;

  constructor(
    private readonly options: WriterOptions,
    private readonly settings: KafkaSettings,
    private readonly reader: PartitionReader,
    private readonly persistence: Persistence,
  ) {}

  async append(messages: readonly Message[]): Promise<readonly number[]> {
    return messages.length === 0 ? [] : this.#writes.add(messages);
  }

  /** Resolves when nothing is being written. */
  get ended(): Promise<void> {
    return this.#writes.ended;
  }

  /** Lets what is being written end. */
  async close(): Promise<void> {
    await this.ended;
    await this.#discard();
  }

  async #append(messages: readonly Message[]): Promise<readonly number[]> {
    const offsets = await this.persistence.persist(() => this.#write(messages));
    await this.persistence.persist(() => seen(this.reader, messages, offsets));
    return offsets;
  }

  /** A transaction; where it is in doubt, what the log says of it. */
  async #write(messages: readonly Message[]): Promise<readonly number[]> {
    for (;;) {
      this.#writer ??= TransactionalWriter.open(this.options);
      let sent: readonly number[] = [];
      try {
        const writer = await this.#writer;
        return await writer.write(messages, undefined, (offsets) => {
          sent = offsets;
        });
      } catch (error) {
        await this.#discard();
        if (sent.length > 0 && (await this.#isCommitted(messages, sent))) return sent;
        if (faultOf(error, this.settings).kind !== 'fenced') throw error;
      }
    }
  }

  /** After the fencing that opening a writer does, the transaction is over, in either way. */
  async #isCommitted([first]: readonly Message[], [offset]: readonly number[]): Promise<boolean> {
    if (first === undefined || offset === undefined) return false;
    return this.persistence.persist(async () => {
      this.#writer = TransactionalWriter.open(this.options);
      await this.#writer.catch(async (error: unknown) => {
        await this.#discard();
        throw error;
      });
      const cursor = { topic: first.topic, partition: first.partition, from: offset };
      // Somebody else's open transaction hides what stands behind its beginning.
      await this.reader.settled(first.topic, first.partition, offset);
      const { messages } = await this.reader.read(cursor, { maxRecords: 1, maxBytes: 1 });
      return messages[0]?.offset === offset;
    });
  }

  async #discard(): Promise<void> {
    const writer = this.#writer;
    this.#writer = undefined;
    await writer?.then((open) => open.close()).catch(() => undefined);
  }
}

/** Resolves when readers see messages: the brokers confirm a commit before they mark it in the partitions. */
export async function seen(
  reader: PartitionReader,
  messages: readonly Message[],
  offsets: readonly number[],
): Promise<void> {
  const last = new Map<string, { readonly message: Message; readonly offset: number }>();
  for (const [index, message] of messages.entries()) {
    last.set(`${message.topic}/${message.partition}`, { message, offset: offsets[index] ?? -1 });
  }
  await Promise.all(
    [...last.values()].map(({ message, offset }) => reader.settled(message.topic, message.partition, offset)),
  );
}
