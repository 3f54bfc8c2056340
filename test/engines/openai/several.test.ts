import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';

import { type OpenaiModel, type OpenaiOptions, openai } from '../../../engines/openai/openai.js';
import type { CompletionRequest } from '../../../operators/language-model.js';
import { type FakeEndpoint, type FakeEndpointOptions, startFakeEndpoint } from '../../fake-endpoint/fake-endpoint.mjs';
import { scaledClock } from './scaled-clock.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const request: CompletionRequest = { prompt: 'Subject:', temperature: 0.7, maxTokens: 100 };

async function endpoint(options: FakeEndpointOptions = {}): Promise<FakeEndpoint> {
  const server = await startFakeEndpoint(options);
  closing.push(() => server.close());
  return server;
}

function model(url: readonly string[], options: Partial<OpenaiOptions> = {}): OpenaiModel {
  const made = openai({ url, model: 'fake', clock: scaledClock(100), ...options });
  closing.push(() => made.close());
  return made;
}

/** Where connections are taken and nothing is said. */
async function halfDead(): Promise<string> {
  const open = new Set<{ destroy(): void }>();
  const server = createServer((socket) => open.add(socket.on('error', () => undefined)));
  closing.push(async () => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${await port(server)}/v1`;
}

async function port(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

function all(made: OpenaiModel, count: number) {
  return Promise.all(Array.from({ length: count }, (_, seed) => made.complete({ ...request, seed })));
}

describe('several endpoints', () => {
  it('share the requests evenly, and are one model', async () => {
    const servers = [
      await endpoint({ latencyMs: 5 }),
      await endpoint({ latencyMs: 5 }),
      await endpoint({ latencyMs: 5 }),
    ];
    const made = model(
      servers.map(({ url }) => url),
      { maxInFlight: 12 },
    );
    expect(made.id).toBe('openai/fake');
    await all(made, 300);
    for (const server of servers) {
      expect(server.stats().requests).toBeGreaterThan(60);
      expect(server.stats().mostInFlight).toBeLessThanOrEqual(12);
    }
    expect(made.endpoints().map(({ state }) => state)).toEqual(['well', 'well', 'well']);
  });

  it('are asked the less the slower they are', async () => {
    const [fast, slow] = [await endpoint({ latencyMs: 5 }), await endpoint({ latencyMs: 1000 })];
    await all(model([fast.url, slow.url], { maxInFlight: 8 }), 200);
    expect(fast.stats().requests).toBeGreaterThan(3 * slow.stats().requests);
  });

  it('give the same texts as one', async () => {
    const [first, second] = [
      await endpoint(),
      await endpoint({ faults: [{ kind: 'status', status: 500, share: 0.3 }] }),
    ];
    const texts = async (urls: readonly string[]) => (await all(model(urls), 100)).map(({ text }) => text);
    expect(await texts([first.url, second.url])).toEqual(await texts([first.url]));
  });

  it('that are the same one are one', async () => {
    const { url } = await endpoint();
    expect(model([url, `${url}/`, url]).endpoints()).toHaveLength(1);
  });

  it('need not all want to wait: only the one that asked is left alone', async () => {
    const busy = await endpoint({ faults: [{ kind: 'status', status: 429, retryAfter: '100', times: 99 }] });
    const free = await endpoint();
    const made = model([busy.url, free.url], { maxInFlight: 4, clock: scaledClock(1) });
    const answers = await all(made, 100);
    expect(answers.every(({ attempts }) => attempts <= 2)).toBe(true);
    expect(busy.stats().requests).toBeLessThanOrEqual(4);
    expect(made.endpoints()[0]?.state).toBe('paused');
  });
});

describe('an endpoint of several', () => {
  it.each<[string, FakeEndpointOptions]>([
    ['answers with a web page', { faults: [{ kind: 'html', times: 99 }] }],
    ['redirects', { faults: [{ kind: 'redirect', location: 'http://127.0.0.1:1/', times: 99 }] }],
    ['does not know the key', { key: 'another' }],
    ['has another model', { models: ['other'] }],
    ['fails', { faults: [{ kind: 'status', status: 500, times: 99 }] }],
    ['hangs up', { faults: [{ kind: 'close', times: 99 }] }],
  ])('that %s costs each request one failure at most, and is left out', async (_, options) => {
    const [bad, good] = [await endpoint(options), await endpoint({ latencyMs: 1 })];
    const made = model([bad.url, good.url], { maxInFlight: 8, clock: scaledClock(1) });
    const answers = await all(made, 300);
    expect(answers.every(({ attempts }) => attempts <= 2)).toBe(true);
    expect(made.endpoints().map(({ state }) => state)).toEqual(['out', 'well']);
    expect(bad.stats().requests).toBeLessThan(30);
  });

  it('where nothing listens, or no TLS is spoken, costs one failure', async () => {
    const gone = await startFakeEndpoint();
    await gone.close();
    const good = await endpoint({ latencyMs: 1 });
    const made = model([gone.url, good.url.replace('http:', 'https:'), good.url], { maxInFlight: 8 });
    const answers = await all(made, 200);
    expect(answers.every(({ attempts }) => attempts <= 3)).toBe(true);
    expect(answers.filter(({ attempts }) => attempts > 1).length).toBeLessThan(40);
    expect(good.stats().answered).toBe(200);
  });

  it('that takes requests and never answers holds none of them up', async () => {
    const made = model([await halfDead(), (await endpoint({ latencyMs: 2 })).url], { maxInFlight: 16 });
    const start = performance.now();
    const answers = await all(made, 600);
    expect(performance.now() - start).toBeLessThan(15_000);
    expect(answers.every(({ attempts }) => attempts <= 2)).toBe(true);
  });

  it('that comes back is asked again', async () => {
    const clock = scaledClock(20);
    const good = await endpoint({ latencyMs: 2 });
    const away = await startFakeEndpoint();
    const at = Number(new URL(away.url).port);
    await away.close();
    const made = model([away.url, good.url], { maxInFlight: 4, clock });
    await all(made, 20);
    expect(made.endpoints()[0]?.state).toBe('out');
    const back = await endpoint({ port: at });
    await expect
      .poll(
        async () => {
          await all(made, 10);
          return back.stats().answered;
        },
        { timeout: 20_000 },
      )
      .toBeGreaterThan(20);
    expect(made.endpoints()[0]?.state).toBe('well');
  });

  it('is asked with the others where all are out, and nothing is lost', async () => {
    const faults = [{ kind: 'status', status: 503, untilMs: 20_000 } as const];
    const clock = scaledClock(100);
    const servers = [await endpoint({ faults, now: clock.now }), await endpoint({ faults, now: clock.now })];
    const answers = await all(
      model(
        servers.map(({ url }) => url),
        { clock },
      ),
      50,
    );
    expect(answers).toHaveLength(50);
  });

  it.each<[string, FakeEndpointOptions]>([
    ['does not know the key', { key: 'another' }],
    ['has another model', { models: ['other'] }],
  ])('that %s loses nothing while the other one is out for a moment', async (_, options) => {
    const bad = await endpoint(options);
    const away = await startFakeEndpoint();
    await away.close();
    const made = model([bad.url, away.url], { maxInFlight: 4, clock: scaledClock(20) });
    const answers = all(made, 20);
    answers.catch(() => undefined);
    await expect.poll(() => made.endpoints().map(({ state }) => state)).toEqual(['out', 'out']);
    const back = await endpoint({ port: Number(new URL(away.url).port) });
    expect(await answers).toHaveLength(20);
    expect(back.stats().answered).toBe(20);
  });

  it('is named where a request fails for good', async () => {
    const [one, two] = [await endpoint({ key: 'a' }), await endpoint({ key: 'b' })];
    const failed = model([one.url, two.url]).complete(request);
    await expect(failed).rejects.toMatchObject({
      code: 'endpoint-refused',
      message: expect.stringMatching(new RegExp(`at (${one.url}|${two.url}): status 401.*\\(2 requests\\)`)),
    });
  });
});

describe('an endpoint that goes silent', () => {
  it('is not waited for long where others were quick', async () => {
    const server = await endpoint({ latencyMs: 5, faults: [{ kind: 'hang', share: 0.02 }] });
    const start = performance.now();
    const answers = await all(model([server.url], { maxInFlight: 16 }), 400);
    expect(performance.now() - start).toBeLessThan(15_000);
    expect(answers).toHaveLength(400);
  });

  it('is waited for where the recipe says so', async () => {
    const server = await endpoint({ faults: [{ kind: 'hang', match: 'hangs' }] });
    const made = model([server.url], { patience: 'timeout', timeoutMs: 1500 });
    await all(made, 100);
    const start = performance.now();
    await made.complete({ ...request, prompt: 'hangs' });
    expect(performance.now() - start).toBeGreaterThan(1400);
  });

  // Real time decides what is late: a machine that stalls may be given a second try.
  it('is given up no more often than one time in twenty', { retry: 1 }, async () => {
    const server = await endpoint({ latencyMs: 2, faults: [{ kind: 'hang', match: 'hangs' }] });
    const made = model([server.url], { maxInFlight: 64, timeoutMs: 2500 });
    await all(made, 200);
    const start = performance.now();
    const took = await Promise.all(
      Array.from({ length: 20 }, async (_, seed) => {
        await made.complete({ ...request, prompt: 'hangs', seed });
        return performance.now() - start;
      }),
    );
    // 220 requests allow 11; the others wait for timeoutMs.
    expect(took.filter((ms) => ms < 2400).length).toBeLessThanOrEqual(12);
    expect(took.filter((ms) => ms < 2400).length).toBeGreaterThan(5);
  });
});

describe('a hedged request', () => {
  it('is answered by the first of two, and the other is left', async () => {
    const slow = await endpoint({ faults: [{ kind: 'slow', ms: 20_000, match: 'slow' }] });
    const quick = await endpoint({ latencyMs: 20 });
    const made = model([slow.url, quick.url], { hedge: { after: 700, share: 1 } });
    const start = performance.now();
    const answers = await Promise.all([0, 1].map((seed) => made.complete({ ...request, prompt: 'slow', seed })));
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(answers.map(({ attempts }) => attempts).sort()).toEqual([1, 2]);
    expect(made.hedged()).toBe(1);
    await expect.poll(() => slow.stats().inFlight).toBe(0);
    expect(slow.stats().aborted).toBe(1);
    await expect.poll(() => made.endpoints().map(({ inFlight }) => inFlight)).toEqual([0, 0]);
  });

  it('is the same request, with the same seed', async () => {
    const server = await endpoint({ latencyMs: 100 });
    const made = model([server.url], { hedge: { after: 20, share: 1 } });
    await made.complete({ ...request, seed: 3 });
    expect(made.hedged()).toBe(1);
    expect(Object.values(server.stats().byRequest)).toMatchObject([{ asked: 2 }]);
  });

  it('is one of few, and of those that take longest', async () => {
    const server = await endpoint({ latencyMs: 10, slowest: { share: 0.1, factor: 10 } });
    const made = model([server.url], { maxInFlight: 32, hedge: { after: 'p80', share: 0.05 } });
    await all(made, 600);
    expect(made.hedged()).toBeGreaterThan(3);
    expect(made.hedged()).toBeLessThanOrEqual(30);
    expect(server.stats().mostInFlight).toBeLessThanOrEqual(32);
  });

  it('fails when both fail, and ends with its signal', async () => {
    const server = await endpoint({ latencyMs: 50, faults: [{ kind: 'hang', match: 'hangs', times: 99 }] });
    const made = model([server.url], { hedge: { after: 20, share: 1 }, timeoutMs: 200, retries: 0 });
    await expect(made.complete({ ...request, prompt: 'hangs' })).rejects.toMatchObject({ code: 'endpoint-timeout' });
    const leaving = new AbortController();
    const left = made.complete({ ...request, prompt: 'hangs', seed: 1, signal: leaving.signal });
    await expect.poll(() => server.stats().inFlight).toBe(2);
    leaving.abort(new Error('enough'));
    await expect(left).rejects.toThrow('enough');
    await expect.poll(() => server.stats().inFlight).toBe(0);
  });
});

it.each<[Partial<OpenaiOptions>, string]>([
  [{ url: [] }, 'url: expected at least one, got an empty list'],
  [{ url: ['http://127.0.0.1/v1', 'nonsense'] }, "url: expected http(s)://host/path, got 'nonsense'"],
  [{ limit: { kind: 'adaptive', min: 65 } }, 'limit.min: expected a whole number from 1 to 64, got 65'],
  [{ url: 'ftp://me:secret@h/v1?key=secret' }, "url: expected http(s)://host/path, got 'ftp://...@h/v1?...'"],
  [{ hedge: { after: 'p5' } }, "hedge.after: expected a quantile such as p95, or milliseconds, got 'p5'"],
  [{ hedge: { after: 100, share: 2 } }, 'hedge.share: expected more than 0 and at most 1, got 2'],
])('refuses the options %o', (options, message) => {
  expect(() => openai({ url: 'http://127.0.0.1/v1', model: 'fake', ...options })).toThrow(message);
});
