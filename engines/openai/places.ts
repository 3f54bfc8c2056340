import type { Clock } from './clock.js';
import type { Ending } from './ending.js';
import type { Endpoint, Sent } from './endpoint.js';

/** The right to send one request to an endpoint; `give` it back once the endpoint knows what became of it. */
export interface Place {
  readonly endpoint: Endpoint;
  readonly sent: Sent;
}

interface Waiting {
  readonly avoid: ReadonlySet<Endpoint>;
  readonly granted: (place: Place) => void;
}

const nothing: ReadonlySet<Endpoint> = new Set();

/**
 * Who is asked next, and where: of the endpoints that are well and have room, the one with the fewest requests open, in turn where
 * several have as few.
 *
 * Requests wait in order of arrival, and again after a failure; second copies come before all others. Where every endpoint is out, all are asked as if they
 * were well: back-off spreads the requests, and the first answer brings its endpoint back.
 */
export class Places {
  readonly #endpoints: readonly Endpoint[];
  readonly #most: number;
  readonly #clock: Clock;
  /** In order of arrival, the urgent ones before all others. */
  readonly #urgent = new Set<Waiting>();
  readonly #waiting = new Set<Waiting>();
  readonly #lastUse: Map<Endpoint, number>;
  #uses = 0;
  #taken = 0;
  #waking: { readonly at: number; readonly ending: AbortController } | undefined;
  #closed = false;

  constructor(endpoints: readonly Endpoint[], most: number, clock: Clock) {
    this.#endpoints = endpoints;
    this.#most = most;
    this.#clock = clock;
    this.#lastUse = new Map(endpoints.map((endpoint) => [endpoint, 0]));
  }

  /** Resolves with a place, not at one of `avoid` where another may be asked; rejects with the reason of the ending. */
  take(ending: Ending, avoid: ReadonlySet<Endpoint> = nothing, urgent = false): Promise<Place> {
    return new Promise((resolve, reject) => {
      ending.throwIfEnded();
      const isNext = this.#urgent.size + this.#waiting.size === 0 && this.#taken < this.#most;
      const free = isNext ? this.#chosen(avoid) : undefined;
      if (free !== undefined) {
        resolve(this.#granted(free));
        return;
      }
      const queue = urgent ? this.#urgent : this.#waiting;
      const waiting: Waiting = {
        avoid,
        granted: (place) => {
          unlisten();
          resolve(place);
        },
      };
      const unlisten = ending.listen((reason) => {
        queue.delete(waiting);
        reject(reason);
      });
      queue.add(waiting);
      this.#serve();
    });
  }

  give(): void {
    this.#taken -= 1;
    this.#serve();
  }

  /** Whether an endpoint that is not one of them may be asked. */
  hasOther(than: ReadonlySet<Endpoint>): boolean {
    const now = this.#clock.now();
    return this.#endpoints.some((endpoint) => !than.has(endpoint) && endpoint.openFrom <= now);
  }

  close(): void {
    this.#closed = true;
    this.#waking?.ending.abort();
  }

  #serve(): void {
    this.#serveOf(this.#urgent);
    this.#serveOf(this.#waiting);
    if (this.#urgent.size + this.#waiting.size > 0) this.#wake();
  }

  #serveOf(queue: Set<Waiting>): void {
    for (const waiting of queue) {
      if (this.#taken >= this.#most) return;
      const endpoint = this.#chosen(waiting.avoid);
      if (endpoint !== undefined) {
        queue.delete(waiting);
        waiting.granted(this.#granted(endpoint));
      } else if (waiting.avoid.size === 0) {
        // Where there is no room for one who takes any, there is none at all.
        return;
      }
    }
  }

  #chosen(avoid: ReadonlySet<Endpoint>): Endpoint | undefined {
    const now = this.#clock.now();
    const [only] = this.#endpoints;
    if (only !== undefined && this.#endpoints.length === 1) {
      return only.hasRoom && only.pausedUntil <= now ? only : undefined;
    }
    const isOpen = (endpoint: Endpoint) => endpoint.openFrom <= now;
    const ready = this.#endpoints.some(isOpen) ? this.#endpoints.filter(isOpen) : this.#endpoints;
    const awake = ready.filter(({ pausedUntil }) => pausedUntil <= now);
    const wanted = awake.filter((endpoint) => !avoid.has(endpoint));
    let best: Endpoint | undefined;
    for (const endpoint of wanted.length > 0 ? wanted : awake) {
      if (endpoint.hasRoom && (best === undefined || this.#before(endpoint, best))) best = endpoint;
    }
    return best;
  }

  #before(one: Endpoint, other: Endpoint): boolean {
    if (one.inFlight !== other.inFlight) return one.inFlight < other.inFlight;
    return (this.#lastUse.get(one) ?? 0) < (this.#lastUse.get(other) ?? 0);
  }

  #granted(endpoint: Endpoint): Place {
    this.#taken += 1;
    this.#uses += 1;
    this.#lastUse.set(endpoint, this.#uses);
    return { endpoint, sent: endpoint.begin() };
  }

  /** Serves again when the next pause ends. */
  #wake(): void {
    const now = this.#clock.now();
    const times = this.#endpoints.flatMap(({ pausedUntil, openFrom }) => {
      const at = Math.max(pausedUntil, Number.isFinite(openFrom) ? openFrom : 0);
      return at > now ? [at] : [];
    });
    if (times.length === 0 || this.#closed) return;
    const at = Math.min(...times);
    if (this.#waking !== undefined && this.#waking.at <= at) return;
    this.#waking?.ending.abort();
    const waking = { at, ending: new AbortController() };
    this.#waking = waking;
    this.#clock.sleep(Math.max(1, at - now), waking.ending.signal).then(
      () => {
        this.#waking = undefined;
        this.#serve();
      },
      () => undefined,
    );
  }
}
