import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { initialLimit, type LimitBounds, type LimitEvent, step } from '../../../engines/openai/limit.js';
import { randomFrom } from '../../../operators/kernels/random.js';
import { type SimulatedServer, type Simulation, simulate } from './simulated-server.js';

const minuteMs = 60_000;

function adaptive(max: number): LimitBounds {
  return { kind: 'adaptive', min: 1, max };
}

/** A minute (or less) of a server whose latencies scatter by a log-normal factor. */
function minute(
  latencyMs: (inFlight: number) => number,
  max: number,
  { scatter = 0, seed = 7, forMs = minuteMs } = {},
): Simulation {
  const random = randomFrom(seed);
  const server: SimulatedServer = {
    latencyMs: (inFlight) => latencyMs(inFlight) * Math.exp(scatter * random.gaussian()),
  };
  return simulate(server, adaptive(max), forMs, () => random.float());
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe('a server that only gets slower', () => {
  const collapses: readonly [string, (inFlight: number) => number][] = [
    ['whose latency doubles above 32', (n) => (n > 32 ? 100 : 50)],
    ['whose latency doubles with each 8 above 32', (n) => 50 * 2 ** (Math.max(0, n - 32) / 8)],
    ['whose latency doubles with each 32 above 32', (n) => 50 * 2 ** (Math.max(0, n - 32) / 32)],
    ['that works on 32 at once', (n) => 50 * Math.max(1, n / 32)],
  ];
  it.each(collapses)('%s is asked about 32 at once within a minute', (_, latencyMs) => {
    for (const max of [40, 64, 256]) {
      const { inFlight, answered } = minute(latencyMs, max);
      expect(mean(inFlight)).toBeGreaterThanOrEqual(24);
      expect(mean(inFlight)).toBeLessThanOrEqual(40);
      // What 32 at once bring in a minute is 38,400.
      expect(answered).toBeGreaterThan(0.9 * 38_400);
    }
  });

  it('is found out though answers scatter, or take a second', () => {
    for (const seed of [1, 2, 3, 4]) {
      const limits = minute((n) => (n > 32 ? 100 : 50), 256, { scatter: 0.2, seed }).inFlight;
      expect(mean(limits)).toBeGreaterThanOrEqual(24);
      expect(mean(limits)).toBeLessThanOrEqual(40);
    }
    const slow = minute((n) => (n > 32 ? 2000 : 1000), 256);
    expect(mean(slow.inFlight)).toBeGreaterThanOrEqual(24);
    expect(mean(slow.inFlight)).toBeLessThanOrEqual(40);
  });

  it('is not asked more because it was once slow at the limit that is right', () => {
    for (const seed of [1, 2, 3, 4]) {
      const random = randomFrom(seed);
      // The server counts a request that we know to be answered for a moment longer.
      const server: SimulatedServer = { latencyMs: (n) => (n + (random.float() < 0.5 ? 1 : 0) > 32 ? 100 : 50) };
      const { inFlight } = simulate(server, adaptive(256), minuteMs, () => random.float());
      expect(mean(inFlight)).toBeGreaterThanOrEqual(24);
      expect(mean(inFlight)).toBeLessThanOrEqual(40);
    }
  });

  it('for all loads is asked as much as before', () => {
    const random = randomFrom(3);
    const server: SimulatedServer = { latencyMs: (_, now) => (now < 20_000 ? 50 : 120) };
    const { inFlight } = simulate(server, adaptive(128), minuteMs, () => random.float());
    expect(mean(inFlight)).toBeGreaterThan(110);
  });

  it('is asked little where it can do little, and never nothing', () => {
    expect(minute((n) => 50 * Math.max(1, n / 4), 64).state.limit).toBeLessThanOrEqual(6);
    const one = minute((n) => 50 * n, 64);
    expect(one.state.limit).toBeLessThanOrEqual(2);
    expect(one.answered).toBeGreaterThan(0.95 * (minuteMs / 50));
  });

  it('is asked less when it becomes slower on the way, and more when it recovers', () => {
    const random = randomFrom(3);
    const knee = (now: number) => (now < 20_000 || now > 40_000 ? 128 : 16);
    const seen: [number, number][] = [];
    const server: SimulatedServer = {
      latencyMs: (inFlight, now) => {
        seen.push([now, inFlight]);
        return 50 * Math.max(1, inFlight / knee(now));
      },
    };
    simulate(server, adaptive(256), minuteMs, () => random.float());
    const most = (from: number, to: number) =>
      Math.max(...seen.flatMap(([at, n]) => (at > from && at < to ? [n] : [])));
    expect(most(15_000, 20_000)).toBeGreaterThan(110);
    expect(most(36_000, 40_000)).toBeLessThan(32);
    expect(most(55_000, 60_000)).toBeGreaterThan(100);
  });
});

describe('a server that can take all', () => {
  it.each([8, 64, 512])('is asked %d at once after few answers, and stays so', (max) => {
    const forMs = 15_000;
    const { state, answered, inFlight } = minute(() => 50, max, { forMs });
    expect(state.limit).toBe(max);
    expect(Math.min(...inFlight)).toBe(max);
    expect(answered).toBeGreaterThan(0.96 * max * (forMs / 50));
  });

  it('is asked all in seven generations from 16 to 256', () => {
    const { state } = simulate({ latencyMs: () => 50 }, adaptive(256), 350, () => 0);
    expect(state.limit).toBe(256);
  });

  it('is asked ever more though each answer gets slower, where it batches', () => {
    const { inFlight } = minute((n) => 50 * (1 + 0.01 * n), 256);
    expect(mean(inFlight)).toBeGreaterThan(220);
  });

  it('is not asked less for one slow answer in twenty', () => {
    const random = randomFrom(5);
    const server: SimulatedServer = { latencyMs: () => (random.float() < 0.05 ? 1000 : 50) };
    const { inFlight } = simulate(server, adaptive(64), minuteMs, () => random.float());
    expect(mean(inFlight)).toBeGreaterThan(62);
  });

  it('is not asked less for a few refusals by chance', () => {
    const random = randomFrom(5);
    const server: SimulatedServer = { latencyMs: () => 50, refuses: (_, draw) => draw < 0.03 };
    const { inFlight } = simulate(server, adaptive(64), minuteMs, () => random.float());
    expect(mean(inFlight)).toBeGreaterThan(60);
  });
});

describe('a server that refuses', () => {
  it('beyond 20 at once is asked about as many', () => {
    const random = randomFrom(5);
    const server: SimulatedServer = { latencyMs: () => 50, refuses: (inFlight) => inFlight > 20 };
    const { inFlight, answered } = simulate(server, adaptive(256), minuteMs, () => random.float());
    expect(mean(inFlight)).toBeGreaterThan(12);
    expect(mean(inFlight)).toBeLessThan(26);
    expect(answered).toBeGreaterThan(0.7 * 20 * (minuteMs / 50));
  });

  it('all at once is cut once for a burst, and again for what is sent after the cut', () => {
    let state = initialLimit(adaptive(64));
    for (let n = 1; n <= 10; n += 1) state = step(state, { kind: 'sent', inFlight: n });
    for (let request = 0; request < 10; request += 1) state = step(state, { kind: 'refused', request });
    expect(state.limit).toBe(11);
    state = step(state, { kind: 'sent', inFlight: 1 });
    state = step(state, { kind: 'refused', request: 10 });
    expect(state.limit).toBe(7);
  });
});

const event: fc.Arbitrary<LimitEvent> = fc.oneof(
  fc.record({ kind: fc.constant('sent' as const), inFlight: fc.nat(100) }),
  fc.record({
    kind: fc.constant('answered' as const),
    request: fc.nat(400),
    latencyMs: fc.double({ min: 0, max: 1e6 }),
  }),
  fc.record({ kind: fc.constant('taken' as const), request: fc.nat(400) }),
  fc.record({ kind: fc.constant('refused' as const), request: fc.nat(400) }),
);

it('keeps between its bounds, whatever happens', () => {
  fc.assert(
    fc.property(
      fc.array(event, { maxLength: 600 }),
      fc.integer({ min: 1, max: 20 }),
      fc.nat(60),
      (events, min, more) => {
        const bounds = { kind: 'adaptive', min, max: min + more } as const;
        let state = initialLimit(bounds);
        for (const one of events) {
          state = step(state, one);
          expect(Number.isInteger(state.limit)).toBe(true);
          expect(state.limit).toBeGreaterThanOrEqual(bounds.min);
          expect(state.limit).toBeLessThanOrEqual(bounds.max);
          expect(state.answers).toBeLessThan(256);
        }
      },
    ),
  );
});

it('is the greatest where it is fixed, and grows no more than it is used', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 100 }), (events) => {
      const fixed = events.reduce(step, initialLimit({ kind: 'fixed', min: 1, max: 40 }));
      expect(fixed.limit).toBe(40);
    }),
  );
  let idle = initialLimit(adaptive(64));
  for (let request = 0; request < 500; request += 1) {
    idle = step(step(idle, { kind: 'sent', inFlight: 3 }), { kind: 'answered', request, latencyMs: 10 });
  }
  expect(idle.limit).toBe(16);
});
