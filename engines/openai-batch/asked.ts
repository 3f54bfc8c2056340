import type { ChatRequest, Completion, CompletionRequest } from '../../operators/language-model.js';
import { HeadwaterError } from '../../schemas/errors.js';
import { Failure } from '../openai/failure.js';
import type { Route } from './lines.js';
import type { BatchSettings } from './options.js';

interface Waiter {
  readonly resolve: (completion: Completion) => void;
  readonly reject: (reason: unknown) => void;
}

/** A request that somebody waits for; equal ones are one. */
export interface Asked {
  readonly key: string;
  readonly route: Route;
  readonly request: CompletionRequest | ChatRequest;
  readonly startedAt: number;
  readonly waiters: Set<Waiter>;
  /** Batches that did not answer it. */
  failed: number;
}

/** The requests that somebody waits for, by key; one that is answered, rejected or left by all is in it no more. */
export class AskedRequests {
  readonly #byKey = new Map<string, Asked>();

  constructor(
    private readonly model: string,
    private readonly settings: Pick<BatchSettings, 'base' | 'key' | 'retries'>,
  ) {}

  get size(): number {
    return this.#byKey.size;
  }

  get all(): readonly Asked[] {
    return [...this.#byKey.values()];
  }

  get(key: string): Asked | undefined {
    return this.#byKey.get(key);
  }

  /** Those of the keys that somebody waits for. */
  of(keys: Iterable<string>): readonly Asked[] {
    return [...keys].flatMap((key) => this.#byKey.get(key) ?? []);
  }

  add(asked: Asked): void {
    this.#byKey.set(asked.key, asked);
  }

  /** Waits for the answer until the signal is aborted; `left` is called when nobody waits any more. */
  wait(asked: Asked, signal: AbortSignal | undefined, left: () => void): Promise<Completion> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        asked.waiters.delete(waiter);
        if (asked.waiters.size === 0) {
          this.#byKey.delete(asked.key);
          left();
        }
        reject(signal?.reason);
      };
      const release = () => signal?.removeEventListener('abort', leave);
      const waiter: Waiter = {
        resolve: (completion) => {
          release();
          resolve(completion);
        },
        reject: (reason) => {
          release();
          reject(reason);
        },
      };
      signal?.addEventListener('abort', leave, { once: true });
      asked.waiters.add(waiter);
    });
  }

  /** Gives the answer to everybody who waits: to all but the first as reused. */
  resolve(asked: Asked, completion: Completion): void {
    this.#byKey.delete(asked.key);
    const [first, ...others] = asked.waiters;
    first?.resolve(completion);
    for (const waiter of others) waiter.resolve({ ...completion, reused: true });
  }

  /** Says why to everybody who waits, without the key of the server. */
  reject(asked: Asked, error: unknown): void {
    this.#byKey.delete(asked.key);
    const reason = this.#final(error);
    for (const waiter of asked.waiters) waiter.reject(reason);
  }

  /** Counts a failed try; whether there is another one. If not, it is rejected. */
  triesAgain(asked: Asked, error: unknown): boolean {
    const mayHelp = error instanceof Failure && error.retriable;
    if (!mayHelp || asked.failed >= this.settings.retries) {
      this.reject(asked, error);
      return false;
    }
    asked.failed += 1;
    return true;
  }

  #final(error: unknown): unknown {
    if (!(error instanceof Failure)) return error;
    const { base, key } = this.settings;
    const said = key === undefined ? error.message : error.message.replaceAll(key, '[key]');
    return new HeadwaterError(error.code, `${this.model} at ${base}: ${said.slice(0, 300)}`);
  }
}
