import type { Cursor, PartitionReader } from './partition-reader.js';
import type { Persistence } from './persistence.js';

/** While partitions come and go, who comes must not wait long for the round of the others; at rest, rounds should be few. */
const shortestMs = 10;
const longestMs = 250;

interface Waiting {
  readonly cursor: Cursor;
  readonly wake: () => void;
}

/** Waits at the ends of partitions for more, with one request at a time for all of them: its broker answers one after the other. */
export class LongPoll {
  readonly #waiting = new Set<Waiting>();
  #running = false;
  /** Set when somebody came during a round that is without him. */
  #joined = false;

  constructor(
    private readonly reader: PartitionReader,
    private readonly persistence: Persistence,
    private readonly closed: AbortSignal,
  ) {}

  /**
   * Resolves when there may be more, or a signal is aborted. Who joins is looked after from the next round on: a quarter of a second
   * later at most.
   */
  async wait(cursor: Cursor, signals: readonly AbortSignal[]): Promise<void> {
    const ends = [...signals, this.closed];
    if (ends.some(({ aborted }) => aborted)) return;
    await new Promise<void>((resolve) => {
      const waiting = { cursor, wake: resolve };
      const end = () => {
        this.#waiting.delete(waiting);
        for (const signal of ends) signal.removeEventListener('abort', end);
        resolve();
      };
      waiting.wake = end;
      for (const signal of ends) signal.addEventListener('abort', end, { once: true });
      this.#waiting.add(waiting);
      this.#joined = true;
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      for (let waitMs = shortestMs; this.#waiting.size > 0 && !this.closed.aborted; ) {
        waitMs = this.#joined ? shortestMs : Math.min(2 * waitMs, longestMs);
        this.#joined = false;
        const round = [...this.#waiting];
        const ready = await this.persistence.persist(
          () =>
            this.reader.wait(
              round.map(({ cursor }) => cursor),
              waitMs,
            ),
          this.closed,
        );
        for (const waiting of round) if (ready.has(waiting.cursor)) waiting.wake();
      }
    } catch {
      // Whoever waits looks for itself, and meets the error there.
      for (const waiting of [...this.#waiting]) waiting.wake();
    } finally {
      this.#running = false;
    }
  }
}
