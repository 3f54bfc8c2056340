import { HeadwaterError } from '../../schemas/errors.js';
import { LogTransaction } from './log-transaction.js';
import type { Store } from './store.js';
import { storeFailure } from './store-failure.js';

/** Message bytes after which a transaction takes no further caller. */
const fullTransaction = 32 * 2 ** 20;

interface Caller {
  readonly bytes: number;
  /** Runs the caller's part; throws only what must undo the whole transaction. */
  readonly run: (transaction: LogTransaction) => void;
  /** Answers the caller once the transaction is on disk. */
  readonly settle: () => void;
  readonly fail: (error: HeadwaterError) => void;
}

/** The only writer of a process: callers that come while the disk is busy share the next transaction and its flush. */
export class GroupCommit {
  readonly #waiting: Caller[] = [];
  #draining: Promise<void> | undefined;
  /** After a failure that is not a full disk, LMDB may not accept another transaction before it is reopened. */
  #broken: HeadwaterError | undefined;

  constructor(
    private readonly store: Store,
    private readonly now: () => number,
    private readonly committed: (places: readonly string[]) => void,
  ) {}

  /**
   * Resolves with what `action` returned, when it is durable. A `HeadwaterError` that `action` throws rejects this caller alone;
   * it must be thrown before the first write.
   */
  write<T>(bytes: number, action: (transaction: LogTransaction) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      let settle = () => {};
      const run = (transaction: LogTransaction) => {
        try {
          const result = action(transaction);
          settle = () => resolve(result);
        } catch (error) {
          if (!(error instanceof HeadwaterError)) throw error;
          settle = () => reject(error);
        }
      };
      this.#waiting.push({ bytes, run, settle: () => settle(), fail: reject });
      this.#draining ??= this.#drain();
    });
  }

  /** Resolves when nothing waits to be written. */
  async idle(): Promise<void> {
    while (this.#draining !== undefined) await this.#draining;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) await this.#commit();
    this.#draining = undefined;
  }

  async #commit(): Promise<void> {
    let callers: readonly Caller[] = [];
    let places: readonly string[] = [];
    try {
      if (this.#broken !== undefined) throw this.#broken;
      await this.store.transaction(() => {
        // Taken only now, with the writer's lock held, so that as many callers as possible share it.
        callers = this.#take();
        const transaction = new LogTransaction(this.store, this.now());
        for (const caller of callers) caller.run(transaction);
        places = transaction.finish();
      });
    } catch (error) {
      const failure = await storeFailure(this.store.dir, error);
      if (failure.code !== 'store-full') this.#broken = failure;
      for (const caller of callers.length > 0 ? callers : this.#take()) caller.fail(failure);
      return;
    }
    this.committed(places);
    for (const caller of callers) caller.settle();
  }

  #take(): readonly Caller[] {
    let bytes = 0;
    let count = 0;
    for (const caller of this.#waiting) {
      count += 1;
      bytes += caller.bytes;
      if (bytes >= fullTransaction) break;
    }
    return this.#waiting.splice(0, count);
  }
}
