import { setImmediate } from 'node:timers/promises';

/** How long work on the main thread may go on before others get their turn: Ctrl-C and the progress line among them. */
const turnMs = 25;

/** Lets others have their turn between the steps of long work. */
export class Turns {
  #since = performance.now();

  constructor(private readonly signal: AbortSignal) {}

  /** Waits for the others where it is their turn. Rejects with the signal's reason. */
  async next(): Promise<void> {
    this.signal.throwIfAborted();
    if (performance.now() - this.#since < turnMs) return;
    await setImmediate();
    this.signal.throwIfAborted();
    this.#since = performance.now();
  }
}
