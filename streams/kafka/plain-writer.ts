import type { Producer } from 'kafkajs';

import type { Message } from '../topics.js';
import { GatheredWrites } from './gathered-writes.js';
import type { Persistence } from './persistence.js';
import { batchOf, explicitPartition, placeOffsets, requestsOf, type WriterOptions } from './transactional-writer.js';

/**
 * Writes that stand outside transactions, as journals do: durable when they resolve, seen at once. What comes while a request is
 * under way goes with the next one. A lost answer may write a message twice.
 */
export class PlainWriter {
  readonly #producer: Producer;
  #connected: Promise<void> | undefined;
  readonly #writes = new GatheredWrites((messages) => this.persistence.persist(() => this.#send(messages)));

  constructor(
    private readonly options: Omit<WriterOptions, 'transactionalId' | 'timeoutMs'>,
    private readonly persistence: Persistence,
  ) {
    this.#producer = options.client.producer({
      allowAutoTopicCreation: false,
      maxInFlightRequests: 1,
      retry: { initialRetryTime: 5, maxRetryTime: 500, retries: 10 },
      createPartitioner: () => explicitPartition,
    });
  }

  write(messages: readonly Message[]): Promise<readonly number[]> {
    return this.#writes.add(messages);
  }

  /** Resolves when nothing is being written. */
  get ended(): Promise<void> {
    return this.#writes.ended;
  }

  async close(): Promise<void> {
    await this.ended;
    await this.#producer.disconnect().catch(() => undefined);
  }

  async #send(messages: readonly Message[]): Promise<readonly number[]> {
    this.#connected ??= this.#producer.connect();
    await this.#connected.catch((error: unknown) => {
      this.#connected = undefined;
      throw error;
    });
    const offsets: number[] = new Array(messages.length).fill(-1);
    for (const request of requestsOf(messages, (topic) => this.options.catalogue.batchBytes(topic))) {
      const answers = await this.#producer.sendBatch(
        batchOf(
          request.map(({ message }) => message),
          this.options,
        ),
      );
      placeOffsets(request, answers, this.options.names, offsets);
    }
    return offsets;
  }
}
