import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';

import { type OpenaiOptions, openai } from '../../../engines/openai/openai.js';
import type { CompletionRequest, LanguageModel } from '../../../operators/language-model.js';
import { type FakeEndpoint, type Fault, startFakeEndpoint } from '../../fake-endpoint/fake-endpoint.mjs';
import { scaledClock } from './scaled-clock.js';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const request: CompletionRequest = { prompt: 'Subject:', temperature: 0.7, maxTokens: 100 };

async function endpoint(...faults: Fault[]): Promise<FakeEndpoint> {
  const server = await startFakeEndpoint({ faults });
  closing.push(() => server.close());
  return server;
}

function model(url: string, options: Partial<OpenaiOptions> = {}): LanguageModel {
  const made = openai({ url, model: 'fake', clock: scaledClock(1000), ...options });
  closing.push(() => made.close());
  return made;
}

describe('a failure that passes', () => {
  it.each<Fault>([
    ...[408, 409, 429, 500, 502, 503, 504].map((status) => ({ kind: 'status', status }) as const),
    { kind: 'close' },
    { kind: 'cut' },
    { kind: 'end-early' },
    { kind: 'truncated' },
    { kind: 'html' },
    { kind: 'html', status: 502 },
    { kind: 'raw', body: '' },
    { kind: 'raw', body: '{"choices":[]}' },
    { kind: 'raw', body: '{"error":{"code":503,"message":"loading model"}}' },
    { kind: 'raw', body: 'data: {"error":{"message":"out of memory"}}\n\n', contentType: 'text/event-stream' },
    { kind: 'raw', body: 'error: {"code":500,"message":"slot lost"}\n\n', contentType: 'text/event-stream' },
    { kind: 'raw', body: '{"choices":[{"text":"half","finish_reason":"abort"}]}' },
    { kind: 'raw', body: '\u0000\u0001garbage' },
  ])('is retried: %j', async (fault) => {
    const server = await endpoint({ ...fault, times: 2 });
    await expect(model(server.url).complete(request)).resolves.toMatchObject({ attempts: 3, finishReason: 'stop' });
    expect(server.stats()).toMatchObject({ requests: 3, answered: 1 });
  });

  it('is retried where an answer does not come, or stops coming', async () => {
    const server = await endpoint({ kind: 'hang', match: 'hangs' }, { kind: 'stall', match: 'stalls' });
    const made = model(server.url, { timeoutMs: 20_000, idleTimeoutMs: 150 });
    const stalled = await made.complete({ ...request, prompt: 'stalls' });
    expect(stalled.attempts).toBe(2);
    const hasty = model(server.url, { timeoutMs: 300 });
    expect((await hasty.complete({ ...request, prompt: 'hangs' })).attempts).toBe(2);
    await expect.poll(() => server.stats().inFlight).toBe(0);
  });

  it('is not seen in an answer whose first byte is slow', async () => {
    const server = await endpoint({ kind: 'slow', ms: 300 });
    const made = model(server.url, { idleTimeoutMs: 100 });
    await expect(made.complete(request)).resolves.toMatchObject({ attempts: 1 });
  });

  it('may last a minute: all of 64 requests outlast its refusals, and none is answered twice', async () => {
    const clock = scaledClock(100);
    const server = await startFakeEndpoint({
      now: clock.now,
      faults: [
        { kind: 'status', status: 429, untilMs: 60_000, share: 0.5 },
        { kind: 'status', status: 429, untilMs: 60_000, share: 0.5, retryAfter: '1' },
      ],
    });
    closing.push(() => server.close());
    const made = model(server.url, { clock });
    const answers = await Promise.all(Array.from({ length: 64 }, (_, seed) => made.complete({ ...request, seed })));
    // Some are not even sent while the server asks to wait.
    expect(answers.some(({ attempts }) => attempts > 1)).toBe(true);
    expect(answers.every(({ attempts }) => attempts <= 9)).toBe(true);
    expect(Object.values(server.stats().byRequest).map(({ answered }) => answered)).toEqual(Array(64).fill(1));
  });

  it('waits as long as the server asks', async () => {
    const clock = scaledClock(1000);
    const server = await endpoint({ kind: 'status', status: 429, retryAfter: '90' });
    const { milliseconds } = await model(server.url, { clock }).complete(request);
    expect(milliseconds).toBeGreaterThanOrEqual(90_000);
  });
});

it('of every kind at once changes no answer, and nothing answered is asked again', async () => {
  const share = 0.09;
  const faults: Fault[] = [
    { kind: 'status', status: 429, retryAfter: '2', times: 3 },
    { kind: 'status', status: 500, times: 2 },
    { kind: 'close', times: 2 },
    { kind: 'cut' },
    { kind: 'end-early' },
    { kind: 'truncated' },
    { kind: 'html', status: 502 },
    { kind: 'hang' },
    { kind: 'stall' },
  ];
  const faulty = await endpoint(...faults.map((fault) => ({ ...fault, share })));
  const sound = await endpoint();
  const texts = async ({ url }: FakeEndpoint) => {
    const made = model(url, { timeoutMs: 3000, idleTimeoutMs: 1000 });
    const answers = Array.from({ length: 400 }, (_, seed) => made.complete({ ...request, seed }));
    return (await Promise.all(answers)).map(({ text }) => text);
  };
  expect(await texts(faulty)).toEqual(await texts(sound));
  const asked = Object.values(faulty.stats().byRequest);
  expect(asked).toHaveLength(400);
  expect(asked.filter(({ answered }) => answered !== 1)).toEqual([]);
  expect(asked.filter((one) => one.asked > 1).length).toBeGreaterThan(200);
});

describe('a failure that stays', () => {
  it.each<[Fault, string, string]>([
    [{ kind: 'status', status: 429 }, 'endpoint-unreachable', 'status 429: told to answer 429 (3 requests)'],
    [{ kind: 'close' }, 'endpoint-unreachable', 'the connection failed (UND_ERR_SOCKET) (3 requests)'],
    [{ kind: 'html' }, 'endpoint-malformed', 'it answered with a web page'],
    [{ kind: 'truncated' }, 'endpoint-malformed', 'a part of the answer is not JSON: {"id":"fake"'],
    [{ kind: 'end-early' }, 'endpoint-malformed', 'the answer was cut before its end'],
    [{ kind: 'raw', body: '{"choices":[]}' }, 'endpoint-malformed', 'the answer has no choices'],
    [{ kind: 'hang' }, 'endpoint-timeout', 'it did not finish its answer within 100 ms (3 requests)'],
  ])('rejects after all retries: %j', async (fault, code, message) => {
    const server = await endpoint({ ...fault, times: 99 });
    const failed = model(server.url, { retries: 2, timeoutMs: 100 }).complete(request);
    await expect(failed).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
    expect(server.stats().requests).toBe(3);
  });

  it('rejects where nothing listens', async () => {
    const server = await startFakeEndpoint();
    await server.close();
    const failed = model(server.url, { retries: 3 }).complete(request);
    await expect(failed).rejects.toMatchObject({
      code: 'endpoint-unreachable',
      message: `openai/fake at ${server.url}: the connection failed (ECONNREFUSED) (4 requests)`,
    });
  });

  it('rejects where something else than HTTP listens', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined).once('data', () => socket.end('220 mail.example ESMTP\r\n'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise((resolve) => server.close(() => resolve())));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const failed = model(`http://127.0.0.1:${port}/v1`, { retries: 1 }).complete(request);
    await expect(failed).rejects.toMatchObject({
      code: 'endpoint-malformed',
      message: expect.stringContaining('does not speak HTTP'),
    });
  });
});

describe('a refusal', () => {
  it.each<[Fault, string, string]>([
    [{ kind: 'status', status: 400 }, 'endpoint-refused', 'status 400: told to answer 400'],
    [{ kind: 'status', status: 401 }, 'endpoint-refused', 'status 401: told to answer 401 (is the key right?)'],
    [
      { kind: 'status', status: 404, body: { error: 'model "fake" not found' } },
      'endpoint-refused',
      'model "fake" not found',
    ],
    [
      { kind: 'status', status: 422, body: { detail: [{ msg: 'bad top_k' }] } },
      'endpoint-refused',
      '[{"msg":"bad top_k"}]',
    ],
    [
      { kind: 'status', status: 429, body: { error: { code: 'insufficient_quota', message: 'pay first' } } },
      'endpoint-refused',
      'status 429: pay first',
    ],
    [
      { kind: 'redirect', location: 'http://127.0.0.1:1/v2' },
      'endpoint-refused',
      'it redirects to http://127.0.0.1:1/v2',
    ],
    [
      {
        kind: 'status',
        status: 400,
        body: { error: { type: 'exceed_context_size_error', message: 'too many tokens' } },
      },
      'prompt-too-long',
      'too many tokens',
    ],
    [
      {
        kind: 'status',
        status: 400,
        body: { object: 'error', message: "This model's maximum context length is 8192 tokens" },
      },
      'prompt-too-long',
      'maximum context length',
    ],
    [
      { kind: 'status', status: 400, body: { error: { message: 'failed to parse grammar' } } },
      'grammar-invalid',
      'grammar',
    ],
    [
      { kind: 'raw', body: '{"choices":[{"message":{"content":""},"finish_reason":"content_filter"}]}' },
      'endpoint-refused',
      'its content filter withheld the answer',
    ],
    [
      { kind: 'raw', body: 'data: {"error":{"type":"invalid_request_error","message":"no such model"}}\n\n' },
      'endpoint-refused',
      'status 400: no such model',
    ],
  ])('is not retried: %j', async (fault, code, message) => {
    const server = await endpoint({ ...fault, times: 99 });
    await expect(model(server.url).complete(request)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
    expect(server.stats().requests).toBe(1);
  });

  it('is made of an answer that is beyond all bounds', async () => {
    const server = await endpoint({ kind: 'huge', megabytes: 65 });
    const failed = model(server.url).complete({ ...request, maxTokens: 1e9 });
    await expect(failed).rejects.toMatchObject({
      code: 'endpoint-malformed',
      message: expect.stringContaining('larger than 64 MiB'),
    });
  });

  it('is cut where it is long', async () => {
    const server = await endpoint({ kind: 'status', status: 400, body: { error: { message: 'no '.repeat(200_000) } } });
    const error = await model(server.url)
      .complete(request)
      .catch((refusal) => refusal);
    expect(error.message.length).toBeLessThan(400);
  });
});
