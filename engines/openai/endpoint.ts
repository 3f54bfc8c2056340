import { Pool } from 'undici';

import type { Clock } from './clock.js';
import { Exchange, type Post, type Reply } from './exchange.js';
import { Failure } from './failure.js';
import { type Health, health, openFrom, well } from './health.js';
import { initialLimit, type LimitState, step } from './limit.js';
import type { Address, Settings } from './options.js';

/** A request that was sent, for what becomes of it. */
export interface Sent {
  /** Its number among the requests of the endpoint. */
  readonly request: number;
  readonly at: number;
}

/** How an endpoint does. */
export interface EndpointView {
  readonly url: string;
  readonly limit: number;
  readonly inFlight: number;
  /** `out`: too many failures, so it is only tried now and then. `paused`: it asked to wait. */
  readonly state: 'well' | 'out' | 'paused';
}

const longestPauseMs = 300_000;

/** One address of a model: its connections, how many requests may be open, and whether it is well. */
export class Endpoint {
  readonly address: Address;
  readonly #pool: Pool;
  readonly #clock: Clock;
  /** Those whose answers have not ended. */
  readonly #exchanges = new Set<Exchange>();
  #limit: LimitState;
  #health: Health = well;
  #inFlight = 0;
  #pausedUntil = Number.NEGATIVE_INFINITY;

  constructor(address: Address, settings: Settings, clock: Clock) {
    this.address = address;
    this.#clock = clock;
    this.#limit = initialLimit(settings.limit);
    const connect = { timeout: Math.min(settings.timeoutMs, 10_000) };
    this.#pool = new Pool(address.origin, { connections: settings.maxInFlight, pipelining: 1, connect });
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get hasRoom(): boolean {
    return this.#inFlight < this.#limit.limit;
  }

  get pausedUntil(): number {
    return this.#pausedUntil;
  }

  /** When it may be asked again after failures. */
  get openFrom(): number {
    return openFrom(this.#health);
  }

  view(): EndpointView {
    const paused = this.#pausedUntil > this.#clock.now();
    const state = this.#health.kind !== 'well' ? 'out' : paused ? 'paused' : 'well';
    return { url: this.address.where, limit: this.#limit.limit, inFlight: this.#inFlight, state };
  }

  /** Counts a request that is about to be sent; it ends with exactly one of `answered`, `failed` and `left`. */
  begin(): Sent {
    const request = this.#limit.sent;
    this.#inFlight += 1;
    this.#limit = step(this.#limit, { kind: 'sent', inFlight: this.#inFlight });
    this.#health = health(this.#health, { kind: 'sent' });
    return { request, at: this.#clock.now() };
  }

  /** Sends a request, and gives the whole reply. */
  async exchange(post: Post): Promise<Reply> {
    const exchange = new Exchange(this.#pool, post);
    this.#exchanges.add(exchange);
    try {
      return await exchange.reply;
    } finally {
      this.#exchanges.delete(exchange);
    }
  }

  answered({ request }: Sent, latencyMs: number): void {
    this.#inFlight -= 1;
    this.#limit = step(this.#limit, { kind: 'answered', request, latencyMs });
    this.#health = health(this.#health, { kind: 'answered' });
  }

  /** Gives whether it is put out by this failure. */
  failed({ request, at: sentAt }: Sent, failure: Failure): boolean {
    const at = this.#clock.now();
    this.#inFlight -= 1;
    this.#limit = step(this.#limit, { kind: failure.isOverload ? 'refused' : 'taken', request });
    const asked = Math.min(longestPauseMs, failure.retryAfterMs ?? 0);
    if (asked > 0) this.#pausedUntil = Math.max(this.#pausedUntil, at + asked);
    const wasWell = this.#health.kind === 'well';
    this.#health = health(this.#health, { kind: 'failed', at, sentAt, failure });
    return wasWell && this.#health.kind === 'out';
  }

  left(): void {
    this.#inFlight -= 1;
    this.#health = health(this.#health, { kind: 'left', at: this.#clock.now() });
  }

  /** Fails the requests whose answers have not begun, so that others answer them. */
  giveUpSilent(): void {
    const failure = new Failure('endpoint-timeout', 'it was put out before its answer began', true);
    for (const exchange of this.#exchanges) if (exchange.isSilent) exchange.giveUp(failure);
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }
}
