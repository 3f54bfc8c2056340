export interface ScheduleLimits {
  /** Requests that are sent together at the latest. */
  readonly requests: number;
  /** Bytes that are sent together at the latest; one request may have more. */
  readonly bytes: number;
  /** Without a new request, after which what is gathered is sent. */
  readonly pauseMs: number;
  /** Between two looks at a batch. */
  readonly pollMs: number;
}

/** What is to be done now. */
export type Due =
  /** The keys of requests to be sent together, in the order of asking; none of them is gathered any more. */
  | { readonly kind: 'send'; readonly pile: string; readonly keys: readonly string[] }
  | { readonly kind: 'look'; readonly batch: string };

interface Pile {
  /** Bytes by key, in the order of asking. */
  readonly keys: Map<string, number>;
  bytes: number;
  lastAt: number;
  /** Not before this time, after a failure. */
  notBefore: number;
  /** Requests that are sent together at the latest, at present. */
  requests: number;
  /** The first of the batches that failed as a whole since one ended otherwise. */
  failedSince: number | undefined;
  /** The pause after such a failure. */
  failedUntil: number;
}

/** A failure to send, to look, or of a whole batch is followed by pauses that double up to this. */
export const longestPauseMs = 600_000;
/** Into how many parts a batch that is too large is divided at the most: a file is uploaded for each. */
const mostParts = 64;

/**
 * When requests are sent and batches are looked at, without doing either: times come in by argument, in milliseconds, what is due
 * comes out. Requests of a pile go together: when it has enough of them, or after a pause.
 */
export class Schedule {
  readonly #limits: ScheduleLimits;
  readonly #piles = new Map<string, Pile>();
  /** When to look at which batch. */
  readonly #looks = new Map<string, number>();
  /** Failures in a row, by what failed. */
  readonly #failures = new Map<string, number>();

  constructor(limits: ScheduleLimits) {
    this.#limits = limits;
  }

  /** Requests that are gathered, and batches that are looked at. */
  get size(): number {
    return [...this.#piles.values()].reduce((sum, { keys }) => sum + keys.size, this.#looks.size);
  }

  gather(pile: string, key: string, bytes: number, now: number): void {
    const gathered = this.#pile(pile);
    if (!gathered.keys.has(key)) gathered.bytes += bytes;
    gathered.keys.set(key, bytes);
    gathered.lastAt = now;
  }

  /** Forgets a request that nobody waits for, unless it was sent. */
  drop(pile: string, key: string): void {
    const gathered = this.#piles.get(pile);
    const bytes = gathered?.keys.get(key);
    if (gathered === undefined || bytes === undefined) return;
    gathered.keys.delete(key);
    gathered.bytes -= bytes;
  }

  /** What was to be sent could not be: whoever failed gathers it again, and waits longer each time. */
  sendFailed(pile: string, now: number): void {
    this.#pile(pile).notBefore = now + this.#pauseAfterFailure(`pile ${pile}`);
  }

  sendSucceeded(pile: string): void {
    this.#failures.delete(`pile ${pile}`);
  }

  /**
   * A batch of the pile failed as a whole, and whoever saw it gathers again what it had: nothing is sent for a pause, which doubles with each
   * failure after it, and then one batch in two looks, until one has ended otherwise. One that was `tooLarge`, with how many requests, is
   * sent in halves, down to a 64th of the limit.
   */
  batchFailed(pile: string, now: number, tooLarge?: number): void {
    const failed = this.#pile(pile);
    if (tooLarge !== undefined) {
      const least = Math.ceil(this.#limits.requests / mostParts);
      failed.requests = Math.max(least, Math.min(failed.requests, Math.floor(tooLarge / 2)));
    }
    failed.failedSince ??= now;
    // Those that were sent together fail together, and count as one.
    if (now >= failed.failedUntil) failed.failedUntil = now + this.#pauseAfterFailure(`batches of ${pile}`);
  }

  /** A batch of the pile ended, and not with a failure of the whole: there is room again. */
  batchEnded(pile: string): void {
    const freed = this.#pile(pile);
    this.#failures.delete(`batches of ${pile}`);
    freed.failedSince = undefined;
    freed.failedUntil = 0;
    freed.requests = Math.min(this.#limits.requests, freed.requests * 2);
  }

  /** Milliseconds in which batches of the pile failed as a whole and none ended otherwise. */
  failingFor(pile: string, now: number): number {
    return now - (this.#pile(pile).failedSince ?? now);
  }

  /** Looks at a batch after `inMs`, by default the time between two looks. */
  watch(batch: string, now: number, inMs = this.#limits.pollMs): void {
    this.#failures.delete(`batch ${batch}`);
    this.#looks.set(batch, now + inMs);
  }

  lookFailed(batch: string, now: number): void {
    this.#looks.set(batch, now + this.#pauseAfterFailure(`batch ${batch}`));
  }

  /** What is due; asking takes it: a pile's requests are given out once, and a batch is to be watched again after its look. */
  due(now: number): readonly Due[] {
    const due: Due[] = [];
    for (const [pile, gathered] of this.#piles) {
      while (gathered.keys.size > 0 && this.#sendAt(gathered) <= now) {
        due.push({ kind: 'send', pile, keys: this.#taken(gathered) });
        if (gathered.failedSince !== undefined) gathered.notBefore = now + 2 * this.#limits.pollMs;
      }
    }
    for (const [batch, at] of this.#looks) {
      if (at > now) continue;
      this.#looks.delete(batch);
      due.push({ kind: 'look', batch });
    }
    return due;
  }

  /** Milliseconds until something is due; undefined where nothing will be. */
  wait(now: number): number | undefined {
    const sends = [...this.#piles.values()].filter(({ keys }) => keys.size > 0).map((pile) => this.#sendAt(pile));
    const times = [...sends, ...this.#looks.values()];
    return times.length === 0 ? undefined : Math.max(0, Math.min(...times) - now);
  }

  #pile(name: string): Pile {
    const { requests } = this.#limits;
    const none = { bytes: 0, lastAt: 0, notBefore: 0, requests, failedSince: undefined, failedUntil: 0 };
    const pile = this.#piles.get(name) ?? { ...none, keys: new Map<string, number>() };
    this.#piles.set(name, pile);
    return pile;
  }

  #sendAt({ keys, bytes, lastAt, notBefore, failedUntil, requests }: Pile): number {
    const isFull = keys.size >= requests || bytes >= this.#limits.bytes;
    return Math.max(notBefore, failedUntil, isFull ? 0 : lastAt + this.#limits.pauseMs);
  }

  #taken(pile: Pile): readonly string[] {
    const taken: string[] = [];
    let bytes = 0;
    for (const [key, size] of pile.keys) {
      if (taken.length > 0 && (taken.length >= pile.requests || bytes + size > this.#limits.bytes)) break;
      taken.push(key);
      bytes += size;
    }
    for (const key of taken) pile.keys.delete(key);
    pile.bytes -= bytes;
    return taken;
  }

  #pauseAfterFailure(what: string): number {
    const failures = this.#failures.get(what) ?? 0;
    this.#failures.set(what, failures + 1);
    return Math.min(longestPauseMs, this.#limits.pollMs * 2 ** failures);
  }
}
