import { setTimeout as delay } from 'node:timers/promises';

import { HeadwaterError } from '../../schemas/errors.js';
import { faultOf } from './kafka-error.js';
import type { KafkaSettings } from './kafka-settings.js';
import { unlessAborted } from './unless-aborted.js';
import { withEither } from './with-either.js';

/** Whether the brokers answer. */
export type BrokerState =
  | { readonly kind: 'connected' }
  /** Calls are tried again, ever less often, up to once in five seconds. */
  | { readonly kind: 'waiting'; readonly since: number; readonly reason: string };

const firstDelayMs = 100;
const lastDelayMs = 5000;

/** Tries calls again while the brokers are away, and tells who wants to know that it waits. */
export class Persistence {
  #state: BrokerState = { kind: 'connected' };

  constructor(
    private readonly settings: KafkaSettings,
    private readonly told: (state: BrokerState) => void,
    private readonly closed: AbortSignal,
    private readonly now: () => number = Date.now,
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
    const started = this.now();
    const signals = [signal, this.closed];
    let reason: string | undefined;
    for (let delayMs = firstDelayMs; ; delayMs = Math.min(2 * delayMs, lastDelayMs)) {
      if (this.closed.aborted) throw closedError();
      try {
        const leftMs = patienceMs - (this.now() - started);
        const result = await unlessAborted(() => within(call, leftMs), this.closed, closedError);
        this.answered();
        return result;
      } catch (error) {
        const fault = faultOf(error, this.settings);
        if (fault.kind === 'lasting') throw fault.error;
        if (fault.kind === 'fenced') throw error;
        if (signals.some(({ aborted }) => aborted))
          throw this.closed.aborted ? closedError() : this.#unreachable(fault.reason, error);
        this.waits(fault.reason);
        if (this.now() - started >= patienceMs) throw this.#unreachable(reason ?? fault.reason, error);
        reason = fault.reason;
        await withEither(signals, (ended) => delay(delayMs, undefined, { signal: ended })).catch(() => undefined);
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
    this.#state = { kind: 'waiting', since: this.now(), reason };
    this.told(this.#state);
  }

  #unreachable(reason: string, cause: unknown): HeadwaterError {
    const { brokers, tls, credentials } = this.settings;
    // So the brokers answer a token whose time is over, and it may be mended by the next one.
    if (/SASL/.test(reason)) {
      const refused = `${brokers.join(', ')} refused the user or token (${reason}): mend topics.sasl`;
      return new HeadwaterError('broker-refused', refused, { cause });
    }
    const secured =
      tls === undefined && credentials === undefined ? ', or whether it wants topics.ssl or topics.sasl' : '';
    const text = `no Kafka broker answers at ${brokers.join(', ')} (${reason}): start it, or check topics.brokers${secured}`;
    return new HeadwaterError('broker-unreachable', text, { cause });
  }
}

/** What `call` does; rejects when the time is over, without waiting for brokers that are silent. */
async function within<Result>(call: () => Promise<Result>, ms: number): Promise<Result> {
  if (ms === Infinity) return call();
  const over = new AbortController();
  const late = delay(Math.max(ms, 0), undefined, { signal: over.signal }).then(() => {
    throw new Error('no answer');
  });
  return Promise.race([call(), late]).finally(() => over.abort());
}

export function closedError(): HeadwaterError {
  return new HeadwaterError('store-closed', 'the topics were closed: open them again');
}
