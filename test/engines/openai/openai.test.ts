import { createServer } from 'node:http';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';

import { type OpenaiOptions, openai } from '../../../engines/openai/openai.js';
import type { ChatRequest, CompletionRequest, LanguageModel } from '../../../operators/language-model.js';
import {
  type Asked,
  type FakeEndpoint,
  type FakeEndpointOptions,
  startFakeEndpoint,
} from '../../fake-endpoint/fake-endpoint.mjs';
import { scaledClock } from './scaled-clock.js';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const prompt = 'EXAMPLE START\nSubject: a\nBody: b\nEXAMPLE END\n\nEXAMPLE START\nSubject:';
const request: CompletionRequest = { prompt, temperature: 0.7, maxTokens: 100, seed: 5 };
const conversation: ChatRequest = { messages: [{ role: 'user', content: 'Hello' }], temperature: 0, maxTokens: 100 };

async function endpoint(options: FakeEndpointOptions = {}): Promise<FakeEndpoint> {
  const server = await startFakeEndpoint(options);
  closing.push(() => server.close());
  return server;
}

function model(url: string, options: Partial<OpenaiOptions> = {}): LanguageModel {
  const made = openai({ url, model: 'fake', clock: scaledClock(200), ...options });
  closing.push(() => made.close());
  return made;
}

/** A model whose server keeps what it was asked, and answers `text`. */
async function asked(
  call: (model: LanguageModel) => Promise<unknown>,
  options: Partial<OpenaiOptions> = {},
  server: FakeEndpointOptions = {},
): Promise<readonly Asked[]> {
  const seen: Asked[] = [];
  const answer = (json: Asked) => {
    seen.push(json);
    return { text: 'fine' };
  };
  const refuse = (json: Asked) => {
    const refusal = server.refuse?.(json);
    if (refusal !== undefined) seen.push(json);
    return refusal;
  };
  const { url } = await endpoint({ ...server, answer, refuse });
  await call(model(url, options));
  return seen;
}

describe('an answer', () => {
  it('is the text with its usage, cost, time and model', async () => {
    const { url } = await endpoint({ answer: () => ({ text: 'Grüße 🌊 done' }) });
    const completion = await model(url, { price: { input: 3, output: 15 } }).complete(request);
    expect(completion).toMatchObject({
      text: 'Grüße 🌊 done',
      finishReason: 'stop',
      usage: { promptTokens: Math.ceil(prompt.length / 4), completionTokens: 4 },
      model: 'openai/fake',
      cost: (3 * Math.ceil(prompt.length / 4) + 15 * 4) / 1e6,
      attempts: 1,
    });
    expect(completion.startedAt).toBeGreaterThanOrEqual(Date.UTC(2026, 0, 1));
    expect(completion.milliseconds).toBeGreaterThanOrEqual(0);
  });

  it('is the same for the same request, streamed or not, whatever the pieces', async () => {
    const texts = [];
    for (const options of [{ stream: true, pieces: 1 }, { stream: true, pieces: 1000 }, { stream: false }]) {
      const { url } = await endpoint({ ...options, answer: ({ seed }) => ({ text: `🌊 ${seed} — ok` }) });
      texts.push((await model(url).complete(request)).text);
    }
    expect(new Set(texts)).toEqual(new Set(['🌊 5 — ok']));
  });

  it('has no cost without a price, and estimated tokens where the server counts none', async () => {
    const { url } = await endpoint({ usage: false, answer: () => ({ text: 'x'.repeat(41) }) });
    const completion = await model(url).chat(conversation);
    expect(completion.cost).toBeNull();
    expect(completion.usage).toEqual({ promptTokens: 2, completionTokens: 11 });
  });

  it('says when the token limit ended it', async () => {
    const { url } = await endpoint({ answer: () => ({ text: 'word '.repeat(100) }) });
    const completion = await model(url).complete({ ...request, maxTokens: 3 });
    expect(completion).toMatchObject({ text: 'word word wo', finishReason: 'length' });
  });

  it('ends before the first stop text, though the server ignores it', async () => {
    const { url } = await endpoint({
      faults: [
        {
          kind: 'raw',
          contentType: 'text/event-stream',
          body: ['one ', 'two E', 'N', 'D three', ' STOP']
            .map((text) => `data: ${JSON.stringify({ choices: [{ text }] })}\n\n`)
            .join(''),
        },
      ],
    });
    const completion = await model(url).complete({ ...request, stop: ['STOP', 'END'] });
    expect(completion).toMatchObject({ text: 'one two ', finishReason: 'stop' });
  });

  it('has no lone surrogates', async () => {
    const { url } = await endpoint({
      faults: [{ kind: 'raw', body: '{"choices":[{"text":"a\\ud83db\\ud83c\\udf0a","finish_reason":"stop"}]}' }],
    });
    expect((await model(url).complete(request)).text).toBe('a\uFFFDb🌊');
  });

  it('may be 10 MB long', async () => {
    const { url } = await endpoint({ pieces: 1000, faults: [{ kind: 'huge', megabytes: 10 }] });
    const completion = await model(url).complete({ ...request, maxTokens: 1e9, stop: ['never', 'said'] });
    expect(completion.text.length).toBe(10 * 2 ** 20);
  });

  it('is read whatever its content type says', async () => {
    const body = 'data: {"choices":[{"text":"fine","finish_reason":"stop"}]}\n\ndata: [DONE]\n\n';
    const { url } = await endpoint({ faults: [{ kind: 'raw', contentType: 'text/html', body }] });
    expect((await model(url).complete(request)).text).toBe('fine');
  });
});

describe('an opened answer', () => {
  const opened: ChatRequest = {
    ...conversation,
    messages: [...conversation.messages, { role: 'assistant', content: 'Subject:' }],
  };

  it('is left out where the server repeats it', async () => {
    const { url } = await endpoint({ answer: () => ({ text: 'Subject: lunch' }), stream: false });
    expect((await model(url).chat(opened)).text).toBe(' lunch');
  });

  it('is marked for servers that continue only marked ones, and not where they refuse the mark', async () => {
    const [first, second, ...more] = await asked(
      (made) => made.chat(opened),
      {},
      {
        refuse: ({ continue_final_message }) =>
          continue_final_message ? 'Unrecognized argument: continue_final_message' : undefined,
      },
    );
    expect(first).toMatchObject({ continue_final_message: true, add_generation_prompt: false });
    expect(second).not.toHaveProperty('continue_final_message');
    expect(more).toEqual([]);
  });
});

describe('a request', () => {
  it("has OpenAI's field names, and only what was given", async () => {
    const [sent] = await asked((made) => made.complete({ ...request, stop: ['\n'], topP: 0.9, topK: 40, minP: 0.05 }));
    expect(sent).toEqual({
      model: 'fake',
      prompt,
      temperature: 0.7,
      max_tokens: 100,
      seed: 5,
      stop: ['\n'],
      top_p: 0.9,
      top_k: 40,
      min_p: 0.05,
      stream: true,
      stream_options: { include_usage: true },
    });
    const [plain] = await asked((made) => made.chat(conversation));
    expect(Object.keys(plain ?? {})).toEqual([
      'model',
      'messages',
      'temperature',
      'max_tokens',
      'stream',
      'stream_options',
    ]);
  });

  it('has no lone surrogates', async () => {
    const [sent] = await asked((made) => made.complete({ ...request, prompt: 'a\ud83db🌊' }));
    expect(sent?.prompt).toBe('a\uFFFDb🌊');
  });

  it('carries a grammar or a schema in the field of the server', async () => {
    const schema = { type: 'object' };
    const bound = { grammar: 'root ::= "a"', schema };
    const [none] = await asked((made) => made.chat({ ...conversation, ...bound }));
    expect(none).not.toHaveProperty('grammar');
    expect(none).toMatchObject({ response_format: { type: 'json_schema', json_schema: { schema } } });
    const [llama] = await asked((made) => made.complete({ ...request, ...bound }), { grammar: 'llama.cpp' });
    expect(llama).toMatchObject({ grammar: bound.grammar });
    const [vllm] = await asked((made) => made.complete({ ...request, ...bound }), { grammar: 'vllm' });
    expect(vllm).toMatchObject({ structured_outputs: { grammar: bound.grammar } });
    expect(model('http://127.0.0.1:1/v1').structured).toBe(false);
    expect(model('http://127.0.0.1:1/v1', { grammar: 'vllm' }).structured).toBe(true);
  });

  it('is sent in the fields that the server knows, and so are all later ones', async () => {
    const sent = await asked(
      async (made) => {
        await made.chat({ ...conversation, stop: ['a', 'b', 'c', 'd', 'e'] });
        await made.chat(conversation);
      },
      {},
      {
        refuse: ({ max_tokens, stop, stream_options }) => {
          if (max_tokens !== undefined)
            return "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.";
          if (stream_options !== undefined) return 'stream_options is not permitted';
          return (stop?.length ?? 0) > 4 ? "Invalid 'stop': array too long" : undefined;
        },
      },
    );
    expect(sent).toHaveLength(5);
    expect(sent[3]).toMatchObject({ max_completion_tokens: 100, stop: ['a', 'b', 'c', 'd'] });
    expect(sent[4]).toMatchObject({ max_completion_tokens: 100 });
    expect(sent[4]).not.toHaveProperty('stream_options');
  });

  it('goes to the path of the URL', async () => {
    const paths: (string | undefined)[] = [];
    const server = createServer((incoming, response) => {
      paths.push(incoming.url);
      response.end('{"choices":[{"text":"fine"}]}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise((resolve) => server.close(() => resolve())));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    await model(`http://127.0.0.1:${port}/serving/v1/?api-version=3`).complete(request);
    await model(`http://127.0.0.1:${port}`).complete(request);
    expect(paths).toEqual(['/serving/v1/completions?api-version=3', '/completions']);
  });
});

describe('requests in flight', () => {
  it('are never more than maxInFlight, whatever is asked', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 30 }), async (maxInFlight, count) => {
        const server = await startFakeEndpoint({ latencyMs: 2 });
        const made = openai({ url: server.url, model: 'fake', maxInFlight });
        await Promise.all(Array.from({ length: count }, (_, seed) => made.complete({ ...request, seed })));
        const { mostInFlight, requests } = server.stats();
        await made.close();
        await server.close();
        expect(mostInFlight).toBeLessThanOrEqual(maxInFlight);
        expect(requests).toBe(count);
      }),
      { numRuns: 10 },
    );
  });

  it('are answered in order of arrival when one is open at a time', async () => {
    const { url } = await endpoint({ latencyMs: 1 });
    const made = model(url, { maxInFlight: 1 });
    const order: number[] = [];
    await Promise.all([0, 1, 2, 3, 4].map((seed) => made.complete({ ...request, seed }).then(() => order.push(seed))));
    expect(order).toEqual([0, 1, 2, 3, 4]);
  });

  it('are all closed when the engine is, and none can be made after', async () => {
    const server = await endpoint({ faults: [{ kind: 'hang', times: 99 }] });
    const made = openai({ url: server.url, model: 'fake', maxInFlight: 2 });
    const open = [1, 2, 3].map((seed) => made.complete({ ...request, seed }));
    const ends = Promise.allSettled(open);
    await expect.poll(() => server.stats().inFlight).toBe(2);
    await made.close();
    for (const end of await ends) expect(end).toMatchObject({ status: 'rejected', reason: { code: 'engine-closed' } });
    await expect(made.complete(request)).rejects.toMatchObject({ code: 'engine-closed' });
    await expect.poll(() => server.stats().inFlight).toBe(0);
  });
});

describe('an aborted request', () => {
  const reason = new Error('no longer needed');

  it('is not sent where the signal was aborted before', async () => {
    const server = await endpoint();
    await expect(model(server.url).complete({ ...request, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(server.stats().requests).toBe(0);
  });

  it('frees the server and its place', async () => {
    const server = await endpoint({ faults: [{ kind: 'stall', match: 'stalls' }] });
    const made = model(server.url, { maxInFlight: 1 });
    const leaving = new AbortController();
    const first = made.complete({ ...request, prompt: 'stalls', signal: leaving.signal });
    const next = made.complete(request);
    await expect.poll(() => server.stats().inFlight).toBe(1);
    leaving.abort(reason);
    await expect(first).rejects.toBe(reason);
    await expect(next).resolves.toMatchObject({ attempts: 1 });
    await expect.poll(() => server.stats().aborted).toBe(1);
  });

  it('may share its signal with any number of others', async () => {
    const warnings: Error[] = [];
    const warn = (warning: Error) => warnings.push(warning);
    process.on('warning', warn);
    const { url } = await endpoint();
    const { signal } = new AbortController();
    const made = model(url);
    await Promise.all(Array.from({ length: 40 }, (_, seed) => made.complete({ ...request, seed, signal })));
    process.off('warning', warn);
    expect(warnings).toEqual([]);
  });

  it('leaves the queue, and a back-off', async () => {
    const server = await endpoint({ faults: [{ kind: 'status', status: 503, times: 99, retryAfter: '100' }] });
    const made = model(server.url, { maxInFlight: 1, clock: scaledClock(1) });
    const leaving = new AbortController();
    const both = Promise.allSettled([
      made.complete({ ...request, signal: leaving.signal }),
      made.complete({ ...request, signal: leaving.signal }),
    ]);
    await expect.poll(() => server.stats().requests).toBe(1);
    await expect.poll(() => server.stats().inFlight).toBe(0);
    leaving.abort(reason);
    expect(await both).toEqual([
      { status: 'rejected', reason },
      { status: 'rejected', reason },
    ]);
  });
});

describe('the key', () => {
  const key = 'sk-very-secret-0123456789';

  it('is sent as a bearer token', async () => {
    const { url } = await endpoint({ key });
    await expect(model(url, { key }).complete(request)).resolves.toMatchObject({ attempts: 1 });
  });

  it('is in no error, though the server repeats it, and not in the engine', async () => {
    const { url } = await endpoint({ key: 'another' });
    const made = model(url, { key });
    const error: unknown = await made.complete(request).catch((refusal) => refusal);
    expect(error).toMatchObject({ code: 'endpoint-refused' });
    expect(String(error)).toContain('[key]');
    const shown = [error, made].map((value) => inspect(value, { depth: 20, showHidden: true }) + JSON.stringify(value));
    expect(shown.join()).not.toContain('secret');
  });

  it('is not in the complaint about it', () => {
    expect(() => openai({ url: 'http://127.0.0.1/v1', model: 'fake', key: `${key}\n` })).toThrow(
      new TypeError('openai: key: expected printable ASCII without spaces or line breaks'),
    );
    expect(() => openai({ url: 'http://me:secret@127.0.0.1/v1', model: 'fake' })).toThrow(
      new TypeError('openai: url: expected no user or password in it; give it as key'),
    );
  });
});

it.each([
  [{ url: 'nonsense' }, "url: expected http(s)://host/path, got 'nonsense'"],
  [{ url: 'ftp://127.0.0.1' }, "url: expected http(s)://host/path, got 'ftp://127.0.0.1'"],
  [{ model: '' }, "model: expected the server's name of a model"],
  [{ maxInFlight: 0 }, 'maxInFlight: expected a whole number from 1 to 65536, got 0'],
  [{ timeoutMs: 0.5 }, 'timeoutMs: expected a whole number from 1 to 2147483647, got 0.5'],
  [{ retries: -1 }, 'retries: expected a whole number from 0 to 1000, got -1'],
  [{ price: { input: -1, output: 0 } }, 'price.input: expected US dollars for a million tokens, got -1'],
])('refuses the options %o', (options, message) => {
  expect(() => openai({ url: 'http://127.0.0.1/v1', model: 'fake', ...options })).toThrow(message);
});
