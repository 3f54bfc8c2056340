import { setMaxListeners } from 'node:events';

interface Waiting<Ask, Grant> {
  readonly ask: Ask;
  readonly resolve: (grant: Grant) => void;
  readonly reject: (reason: unknown) => void;
}

/** Those who wait for something, in order of arrival. */
export class WaitingLine<Ask, Grant> {
  readonly #waiting = new Set<Waiting<Ask, Grant>>();

  get size(): number {
    return this.#waiting.size;
  }

  /** What the first one asks for; undefined where nobody waits. */
  get first(): Ask | undefined {
    const [first] = this.#waiting;
    return first?.ask;
  }

  /** Resolves with what is granted; rejects with the signal's reason, and then calls `left`. */
  enter(ask: Ask, signal: AbortSignal | undefined, left: () => void): Promise<Grant> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      // One signal may end any number of requests, of which Node would warn.
      if (signal) setMaxListeners(0, signal);
      const leave = () => {
        this.#waiting.delete(waiting);
        reject(signal?.reason);
        left();
      };
      const release = () => signal?.removeEventListener('abort', leave);
      const waiting: Waiting<Ask, Grant> = {
        ask,
        resolve: (grant) => {
          release();
          resolve(grant);
        },
        reject: (reason) => {
          release();
          reject(reason);
        },
      };
      signal?.addEventListener('abort', leave, { once: true });
      this.#waiting.add(waiting);
    });
  }

  /** Lets the first one go. */
  grant(grant: Grant): void {
    this.#shift()?.resolve(grant);
  }

  rejectAll(reason: unknown): void {
    while (this.size > 0) this.#shift()?.reject(reason);
  }

  #shift(): Waiting<Ask, Grant> | undefined {
    const [first] = this.#waiting;
    if (first !== undefined) this.#waiting.delete(first);
    return first;
  }
}
