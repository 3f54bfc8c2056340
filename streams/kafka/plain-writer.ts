import type { Producer } from 'kafkajs';

import type { Message } from '../topics.js';
import type { Persistence } from './persistence.js';
import { batchOf, explicitPartition, placeOffsets, requestsOf, type WriterOptions } from './transactional-writer.js';

interface Waiting {
  readonly messages: readonly Message[];
  readonly resolve: (offsets: readonly number[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Writes that stand outside transactions, as journals do: durable when they resolve, seen at once. What comes while a request is
 * under way goes with the next one. A lost answer may write a message twice.
 */
export class PlainWriter {
  readonly #producer: Producer;
  #connected: Promise<void> | undefined;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;

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
    return new Promise((resolve, reject) => {
      this.#waiting.push({ messages, resolve, reject });
      this.#running ??= this.#run().finally(() => {
        this.#running = undefined;
      });
    });
  }

  /** Resolves when nothing is being written. */
  get ended(): Promise<void> {
    return this.#running ?? Promise.resolve();
  }

  async close(): Promise<void> {
    await this.#running;
    await this.#producer.disconnect().catch(() => undefined);
  }

  async #run(): Promise<void> {
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        const offsets = await this.persistence.persist(() => this.#send(batch.flatMap(({ messages }) => messages)));
        let from = 0;
        for (const { messages, resolve } of batch) {
          resolve(offsets.slice(from, from + messages.length));
          from += messages.length;
        }
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
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
