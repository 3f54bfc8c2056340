import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { type BrokerState, type Clock, Persistence } from '../../../streams/kafka/persistence.js';

const settings = { brokers: ['broker:9092'], prefix: 'p', clientId: 'c' };
const away = () => Object.assign(new Error('connect ECONNREFUSED'), { name: 'KafkaJSConnectionError' });

/** vitest's timers are those of the global object. */
const fakeClock: Clock = {
  now: () => Date.now(),
  wait: (ms, signal) =>
    new Promise<void>((done, failed) => {
      const timer = setTimeout(done, ms);
      const end = () => {
        clearTimeout(timer);
        failed(signal.reason);
      };
      if (signal.aborted) end();
      else signal.addEventListener('abort', end, { once: true });
    }),
};

describe('Persistence', () => {
  let states: BrokerState[];
  let closed: AbortController;
  let persistence: Persistence;

  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000 });
    states = [];
    closed = new AbortController();
    persistence = new Persistence(settings, (state) => states.push(state), closed.signal, fakeClock);
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** Fails so many times, then answers. */
  function failing(times: number) {
    const calls: number[] = [];
    const call = async () => {
      calls.push(Date.now() - 1_000_000);
      if (calls.length <= times) throw away();
      return 'answer';
    };
    return { calls, call };
  }

  it('tries again ever less often, up to once in five seconds, and tells when it waits and when it is over', async () => {
    const { calls, call } = failing(9);
    const result = persistence.persist(call);
    await vi.runAllTimersAsync();
    expect(await result).toBe('answer');
    const pauses = calls.slice(1).map((at, index) => at - (calls[index] ?? 0));
    expect(pauses).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
    expect(states).toEqual([
      { kind: 'waiting', since: 1_000_000, reason: 'connect ECONNREFUSED' },
      { kind: 'connected' },
    ]);
    expect(persistence.state).toEqual({ kind: 'connected' });
  });

  it('says nothing where the first call is answered', async () => {
    expect(await persistence.persist(async () => 1)).toBe(1);
    expect(states).toEqual([]);
  });

  it('gives up when the patience is over, with the reason', async () => {
    const result = persistence.persist(failing(1000).call, undefined, 3000);
    const refused = expect(result).rejects.toMatchObject({
      code: 'broker-unreachable',
      message:
        'no Kafka broker answers at broker:9092 (connect ECONNREFUSED): start it, or check topics.brokers, or whether it wants topics.ssl or topics.sasl',
    });
    await vi.runAllTimersAsync();
    await refused;
    expect(Date.now() - 1_000_000).toBeLessThanOrEqual(3200);
  });

  it('gives up a call that is never answered when the patience is over', async () => {
    const result = persistence.persist(() => new Promise(() => undefined), undefined, 3000);
    const refused = expect(result).rejects.toMatchObject({ code: 'broker-unreachable' });
    await vi.advanceTimersByTimeAsync(3200);
    await refused;
  });

  it('throws at once what waiting cannot mend', async () => {
    const forbidden = Object.assign(new Error('no'), { type: 'TOPIC_AUTHORIZATION_FAILED' });
    const call = vi.fn().mockRejectedValue(forbidden);
    await expect(persistence.persist(call)).rejects.toMatchObject({ code: 'broker-forbidden' });
    expect(call).toHaveBeenCalledTimes(1);
    expect(states).toEqual([]);
  });

  it('throws a fence as it is', async () => {
    const fenced = Object.assign(new Error('fenced'), { type: 'INVALID_PRODUCER_EPOCH' });
    await expect(persistence.persist(() => Promise.reject(fenced))).rejects.toBe(fenced);
  });

  it('ends when its signal is aborted, without another call', async () => {
    const stop = new AbortController();
    const { calls, call } = failing(1000);
    const result = persistence.persist(call, stop.signal);
    const refused = expect(result).rejects.toMatchObject({ code: 'broker-unreachable' });
    await vi.advanceTimersByTimeAsync(150);
    const before = calls.length;
    stop.abort();
    await vi.runAllTimersAsync();
    await refused;
    expect(calls.length - before).toBeLessThanOrEqual(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends at once when it is closed, also where a call is never answered', async () => {
    const result = persistence.persist(() => new Promise(() => undefined));
    const refused = expect(result).rejects.toMatchObject({ code: 'store-closed' });
    closed.abort();
    await refused;
    await expect(persistence.persist(async () => 1)).rejects.toMatchObject({ code: 'store-closed' });
  });
});
