import type { Dialect } from '../openai/payload.js';

export interface SentBatch {
  readonly id: string;
  /** In which its requests were written. */
  readonly dialect: Dialect;
  /** Keys of requests that are not settled. */
  readonly open: Set<string>;
  /** Whether it was known to have ended at the last look. */
  hasEnded: boolean;
}

/** The batches, of this process and of those before, that may still have something for a request. */
export class SentBatches {
  readonly #byId = new Map<string, SentBatch>();
  /** The batch that has a request, by its key. */
  readonly #byKey = new Map<string, SentBatch>();

  get all(): readonly SentBatch[] {
    return [...this.#byId.values()];
  }

  get(id: string): SentBatch | undefined {
    return this.#byId.get(id);
  }

  /** The batch that has a request. */
  with(key: string): SentBatch | undefined {
    return this.#byKey.get(key);
  }

  add(batch: SentBatch): void {
    this.#byId.set(batch.id, batch);
    for (const key of batch.open) this.#byKey.set(key, batch);
  }

  /** The batch has nothing more for the request. */
  settle(batch: SentBatch, key: string): void {
    batch.open.delete(key);
    if (this.#byKey.get(key) === batch) this.#byKey.delete(key);
  }

  /** Forgets a batch that has nothing more for any request. */
  forgetIfDone({ id, open }: SentBatch): void {
    if (open.size === 0) this.#byId.delete(id);
  }
}
