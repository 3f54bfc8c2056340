import { initialLimit, type LimitBounds, type LimitState, step } from '../../../engines/openai/limit.js';

export interface SimulatedServer {
  /** Milliseconds of an answer when so many requests are open, at a time of the server's clock. */
  readonly latencyMs: (inFlight: number, now: number) => number;
  /** Whether a request is refused at once when so many are open. */
  readonly refuses?: (inFlight: number, draw: number) => boolean;
}

export interface Simulation {
  readonly state: LimitState;
  readonly answered: number;
  /** Requests open, at each answer of the last tenth of the time. */
  readonly inFlight: readonly number[];
}

/** Runs the limit against a server in virtual time, always with more to send, from a seeded generator. */
export function simulate(
  server: SimulatedServer,
  bounds: LimitBounds,
  forMs: number,
  random: () => number,
): Simulation {
  let state = initialLimit(bounds);
  let answered = 0;
  const inFlight: number[] = [];
  const open = new Agenda();
  let now = 0;
  const fill = () => {
    while (open.size < state.limit) {
      const request = state.sent;
      state = step(state, { kind: 'sent', inFlight: open.size + 1 });
      const refused = server.refuses?.(open.size + 1, random()) === true;
      const ms = refused ? 1 : server.latencyMs(open.size + 1, now);
      open.add({ at: now + ms, request, ms, refused });
    }
  };
  fill();
  for (let next = open.pop(); next !== undefined && next.at < forMs; next = open.pop()) {
    now = next.at;
    const { request, ms, refused } = next;
    if (now > 0.9 * forMs) inFlight.push(open.size + 1);
    if (!refused) answered += 1;
    state = step(state, refused ? { kind: 'refused', request } : { kind: 'answered', request, latencyMs: ms });
    fill();
  }
  return { state, answered, inFlight };
}

interface Open {
  readonly at: number;
  readonly request: number;
  readonly ms: number;
  readonly refused: boolean;
}

/** Requests in the order in which they end: a binary heap. */
class Agenda {
  readonly #heap: Open[] = [];

  get size(): number {
    return this.#heap.length;
  }

  add(one: Open): void {
    const heap = this.#heap;
    let child = heap.push(one) - 1;
    for (let parent = (child - 1) >> 1; child > 0; parent = (child - 1) >> 1) {
      if (!this.#swapped(parent, child)) return;
      child = parent;
    }
  }

  pop(): Open | undefined {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (heap.length === 0 || last === undefined) return first;
    heap[0] = last;
    for (let parent = 0; ; ) {
      const left = 2 * parent + 1;
      const child = this.#at(left + 1) < this.#at(left) ? left + 1 : left;
      if (!this.#swapped(parent, child)) return first;
      parent = child;
    }
  }

  /** Puts the earlier of two above the other. */
  #swapped(parent: number, child: number): boolean {
    const [above, below] = [this.#heap[parent], this.#heap[child]];
    if (above === undefined || below === undefined || above.at <= below.at) return false;
    this.#heap[parent] = below;
    this.#heap[child] = above;
    return true;
  }

  #at(index: number): number {
    return this.#heap[index]?.at ?? Number.POSITIVE_INFINITY;
  }
}
