import type { Message } from '../topics.js';

interface Waiting {
  readonly messages: readonly Message[];
  readonly resolve: (offsets: readonly number[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Of one write. */
const maxMessages = 10_000;

/** Writes of many callers, one after the other: what comes while one is under way goes with the next, in its order. */
export class GatheredWrites {
  readonly #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;

  /** @param write resolves with the offset of each message */
  constructor(private readonly write: (messages: readonly Message[]) => Promise<readonly number[]>) {}

  /** Resolves with the offset of each message; rejects with what the write rejects with that they went with. */
  add(messages: readonly Message[]): Promise<readonly number[]> {
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

  async #run(): Promise<void> {
    // Those who write in the same turn go together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#take();
      try {
        const offsets = await this.write(batch.flatMap(({ messages }) => messages));
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

  #take(): readonly Waiting[] {
    let count = 0;
    let messages = 0;
    for (const each of this.#waiting) {
      if (count > 0 && messages + each.messages.length > maxMessages) break;
      messages += each.messages.length;
      count++;
    }
    return this.#waiting.splice(0, count);
  }
}
