import { setTimeout as delay } from 'node:timers/promises';

import { HeadwaterError } from '../../schemas/errors.js';
import { withEither } from '../with-either.js';
import { faultOf } from './kafka-error.js';
import type { KafkaSettings } from './kafka-settings.js';
import { unlessAborted } from './unless-aborted.js';

/** Whether the brokers answer. */
export type BrokerState =
  | { readonly kind: 'connected' }
  /** Calls are tried again, ever less often, up to once in five seconds. */
  | { readonly kind: 'waiting'; readonly since: number; readonly reason: string };

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Rejects when the signal is aborted. */
  wait(ms: number, signal: AbortSignal): Promise<unknown>;
}

const realClock: Clock = {
  now: () => Date.now(),
  wait: (ms, signal) => delay(ms, undefined, { signal }),
};

const firstDelayMs = 100;
const lastDelayMs = 5000;

/** Tries calls again while the brokers are away, and tells who wants to know that it waits. */
export class Persistence {
  #state: BrokerState = { kind: 'connected' };

  constructor(
    private readonly settings: KafkaSettings,
    private readonly told: (state: BrokerState) => void,
    private readonly closed: AbortSignal,
    private readonly clock: Clock = realClock,
  ) {}

  get state(): BrokerState {
    return this.#state;
  }

  /**
   * Resolves with what `call` does. While the brokers are away it is called again, until the signal is aborted, or for
   * `patienceMs`: then it rejects with `broker-unreachable`. What waiting cannot mend is thrown at once.
   */
  async persist<Result>(
    call: () => Promise<Result>,
    signal: AbortSignal = this.closed,
    patienceMs = Infinity,
  ): Promise<Result> {
    const started = this.clock.now();
    const signals = [signal, this.closed];
    let reason: string | undefined;
    for (let delayMs = firstDelayMs; ; delayMs = Math.min(2 * delayMs, lastDelayMs)) {
      if (this.closed.aborted) throw closedError();
      try {
        const leftMs = patienceMs - (this.clock.now() - started);
        const result = await unlessAborted(() => this.within(call, leftMs), this.closed, closedError);
        this.answered();
        return result;
      } catch (error) {
        const fault = faultOf(error, this.settings);
        if (fault.kind === 'lasting') throw fault.error;
        if (fault.kind === 'fenced') throw error;
        if (signals.some(({ aborted }) => aborted))
          throw this.closed.aborted ? closedError() : this.#unreachable(fault.reason, error);
        this.waits(fault.reason);
        if (this.clock.now() - started >= patienceMs) throw this.#unreachable(reason ?? fault.reason, error);
        reason = fault.reason;
        await withEither(signals, (ended) => this.clock.wait(delayMs, ended)).catch(() => undefined);
      }
    }
  }

  answered(): void {
    if (this.#state.kind === 'connected') return;
    this.#state = { kind: 'connected' };
    this.told(this.#state);
  }

  waits(reason: string): void {
    if (this.#state.kind === 'waiting') return;
    this.#state = { kind: 'waiting', since: this.clock.now(), reason };
    this.told(this.#state);
  }

  /** What `call` does; rejects when the time is over, without waiting for brokers that are silent. */
  async within<Result>(call: () => Promise<Result>, ms: number): Promise<Result> {
    if (ms === Infinity) return call();
    const over = new AbortController();
    const late = this.clock.wait(Math.max(ms, 0), over.signal).then(() => {
      throw new Error('no answer');
    });
    return Promise.race([call(), late]).finally(() => over.abort());
  }

  #unreachable(reason: string, cause: unknown): HeadwaterError {
    const { brokers, tls, credentials } = this.settings;
    const open = tls === undefined && credentials === undefined;
    const secured = open ? ', or whether it wants topics.ssl or topics.sasl' : '';
    // kafkajs does not hear that a token is refused: nothing comes after it.
    const token = credentials?.mechanism === 'oauthbearer' ? ', or whether the token of topics.sasl is still good' : '';
    const what = `start it, or check topics.brokers${secured}${token}`;
    const text = `no Kafka broker answers at ${brokers.join(', ')} (${reason}): ${what}`;
    return new HeadwaterError('broker-unreachable', text, { cause });
  }
}

export function closedError(): HeadwaterError {
  return new HeadwaterError('store-closed', 'the topics were closed: open them again');
}
