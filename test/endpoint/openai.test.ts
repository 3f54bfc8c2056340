import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { budgeted } from '../../engines/budgeted.js';
import { openai } from '../../engines/openai/openai.js';
import type { ChatRequest, CompletionRequest, LanguageModel } from '../../operators/language-model.js';
import { type LlamaServer, startLlamaServer } from './llama-server.js';

let server: LlamaServer;
let model: LanguageModel;

beforeAll(async () => {
  server = await startLlamaServer(4);
  model = openai({
    url: server.url,
    model: 'smollm2',
    maxInFlight: 8,
    grammar: 'llama.cpp',
    price: { input: 1, output: 2 },
  });
}, 300_000);
afterAll(async () => {
  await model?.close();
  await server?.kill();
});

const request: CompletionRequest = { prompt: 'The capital of France is', temperature: 0, maxTokens: 8, seed: 1 };
const question: ChatRequest = {
  messages: [{ role: 'user', content: 'What is the capital of France? Answer in one sentence.' }],
  temperature: 0,
  maxTokens: 40,
};

describe('an answer', () => {
  it('continues raw text', async () => {
    const completion = await model.complete(request);
    expect(completion).toMatchObject({ finishReason: 'length', usage: { completionTokens: 8 }, attempts: 1 });
    expect(completion.text).toContain('Paris');
    expect(completion.usage.promptTokens).toBeGreaterThan(3);
    expect(completion.cost).toBe((completion.usage.promptTokens + 2 * 8) / 1e6);
    expect(completion.model).toMatch(/^openai\/.*smollm2/i);
  });

  it('answers a conversation', async () => {
    const completion = await model.chat(question);
    expect(completion.finishReason).toBe('stop');
    expect(completion.text).toContain('Paris');
  });

  it('goes on after its opening, without it', async () => {
    const opening = 'The capital city of that country is called';
    const messages = [...question.messages, { role: 'assistant', content: opening } as const];
    const { text } = await model.chat({ ...question, messages });
    expect(text).not.toContain(opening);
    expect(text).toContain('Paris');
  });

  it('ends before a stop text, though there are many', async () => {
    const stop = ['zebra', 'quokka', 'gnu', 'emu', ' 6', ' 7'];
    const completion = await model.complete({ ...request, prompt: '1, 2, 3, 4, 5,', maxTokens: 30, stop });
    expect(completion).toMatchObject({ text: '', finishReason: 'stop' });
  });

  it('is the same for the same seed', async () => {
    const wild = { ...request, prompt: 'Once upon a time there was', temperature: 1, maxTokens: 12 };
    const texts: string[] = [];
    for (const seed of [1, 1, 1, 2, 3, 4]) texts.push((await model.complete({ ...wild, seed })).text);
    expect(texts[2]).toBe(texts[1]);
    expect(new Set(texts.slice(2)).size).toBeGreaterThan(1);
  });

  it('keeps to a grammar, and to a schema', async () => {
    const yesOrNo = await model.chat({ ...question, grammar: 'root ::= "yes" | "no"' });
    expect(['yes', 'no']).toContain(yesOrNo.text);
    const schema = {
      type: 'object',
      properties: { city: { enum: ['Paris', 'London'] } },
      required: ['city'],
      additionalProperties: false,
    };
    expect(JSON.parse((await model.chat({ ...question, schema })).text)).toHaveProperty('city');
    expect(JSON.parse((await model.complete({ ...request, maxTokens: 40, schema })).text)).toHaveProperty('city');
  });

  it('has the log probabilities of its tokens, raw and in a conversation', async () => {
    for (const asked of [
      model.complete({ ...request, logprobs: 3 }),
      model.chat({ ...question, maxTokens: 8, logprobs: 3 }),
    ]) {
      const { text, logprobs = [] } = await asked;
      expect(logprobs.map(({ token }) => token).join('')).toBe(text);
      expect(logprobs.length).toBeGreaterThan(4);
      for (const { token, logprob, top = [] } of logprobs) {
        expect(logprob).toBeLessThanOrEqual(0);
        expect(top).toHaveLength(3);
        expect(top.reduce((sum, each) => sum + Math.exp(each.logprob), 0)).toBeLessThanOrEqual(1 + 1e-6);
        // At temperature 0 the likeliest is taken.
        expect(top[0]).toEqual({ token, logprob });
      }
    }
    expect(await model.complete(request)).not.toHaveProperty('logprobs');
  });

  it('says which prompt tokens were in the cache, and is priced by it', async () => {
    const prompt = `${'The capital of France is Paris, that of Italy is Rome. '.repeat(10)}The capital of Spain is`;
    const priced = openai({
      url: server.url,
      model: 'smollm2',
      maxInFlight: 1,
      price: { input: 10, cachedInput: 1, output: 0 },
    });
    onTestFinished(() => priced.close());
    await priced.complete({ ...request, prompt });
    const { usage, cost } = await priced.complete({ ...request, prompt });
    const cached = usage.cachedPromptTokens ?? 0;
    expect(cached).toBeGreaterThan(100);
    expect(cost).toBeCloseTo(((usage.promptTokens - cached) * 10 + cached) / 1e6, 12);
  });

  it('comes while it is written, not at its end', async () => {
    const body = { model: 'smollm2', prompt: 'Once upon a time', max_tokens: 40, temperature: 0, stream: true };
    const answer = await fetch(`${server.url}/completions`, { method: 'POST', body: JSON.stringify(body) });
    const pieces: number[] = [];
    for await (const _ of answer.body ?? []) pieces.push(performance.now());
    expect(pieces.length).toBeGreaterThan(10);
  });
});

describe('a refusal', () => {
  it('names a prompt that is too long', async () => {
    const failed = model.complete({ ...request, prompt: 'word '.repeat(3000) });
    await expect(failed).rejects.toMatchObject({ code: 'prompt-too-long' });
  });

  it('names a grammar that is wrong', async () => {
    await expect(model.complete({ ...request, grammar: 'root ::= [' })).rejects.toMatchObject({
      code: 'grammar-invalid',
    });
  });
});

describe('requests in flight', () => {
  it('are answered together', async () => {
    const busy: number[] = [];
    const answers = Promise.all(
      Array.from({ length: 12 }, (_, seed) => model.complete({ ...request, temperature: 1, maxTokens: 24, seed })),
    );
    await expect
      .poll(async () => busy.push(await server.busySlots()) && Math.max(...busy), { timeout: 60_000 })
      .toBe(4);
    for (const { usage } of await answers) expect(usage.completionTokens).toBeGreaterThan(0);
  });

  it('free their slots when they are aborted', async () => {
    const leaving = new AbortController();
    const long = Array.from({ length: 4 }, (_, seed) =>
      model.complete({ ...request, prompt: `${seed}:`, temperature: 1, maxTokens: 1000, seed, signal: leaving.signal }),
    );
    const ends = Promise.allSettled(long);
    await expect.poll(() => server.busySlots(), { timeout: 60_000 }).toBe(4);
    leaving.abort(new Error('no longer needed'));
    for (const end of await ends) expect(end).toMatchObject({ reason: { message: 'no longer needed' } });
    await expect.poll(() => server.busySlots(), { timeout: 60_000 }).toBe(0);
  });

  it('free the slot when their stop text has come', async () => {
    // Whoever hears the stop text first, the server does not go on to its 900 tokens.
    const cut = openai({ url: server.url, model: 'smollm2' });
    onTestFinished(() => cut.close());
    const { text, usage } = await cut.complete({
      ...request,
      prompt: '1, 2, 3, 4, 5,',
      maxTokens: 900,
      stop: [' 9'],
    });
    expect(text).toBe(' 6, 7, 8,');
    expect(usage.completionTokens).toBeLessThan(40);
    await expect.poll(() => server.busySlots(), { timeout: 10_000 }).toBe(0);
  });

  it('find how many the server takes: no errors, and a limit from two to what is allowed', async () => {
    // Patience that adapts may send one again that is only slow, which is no error.
    const finding = openai({ url: server.url, model: 'smollm2', maxInFlight: 32, patience: 'timeout' });
    onTestFinished(() => finding.close());
    const all = Array.from({ length: 64 }, (_, seed) =>
      finding.complete({ ...request, prompt: `${seed},`, temperature: 1, maxTokens: 6, seed }),
    );
    const answers = await Promise.all(all);
    // The server closes a connection after a number of requests; who was about to use it asks again.
    expect(answers.filter(({ attempts }) => attempts > 1).length).toBeLessThan(7);
    const [endpoint] = finding.endpoints();
    expect(endpoint?.limit).toBeGreaterThanOrEqual(2);
    expect(endpoint?.limit).toBeLessThanOrEqual(32);
  });

  it('keep to a budget of requests in a minute', async () => {
    const slow = budgeted(openai({ url: server.url, model: 'smollm2' }), { requestsPerMinute: 3 });
    onTestFinished(() => slow.close());
    const leaving = new AbortController();
    const all = Array.from({ length: 5 }, (_, seed) =>
      slow.complete({ ...request, maxTokens: 2, seed, signal: leaving.signal }),
    );
    await Promise.all(all.slice(0, 3));
    leaving.abort(new Error('a minute is long'));
    const ends = await Promise.allSettled(all);
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected']);
  });

  it('outlive the server: killed in the middle, it answers them all when it is back', async () => {
    const answers = Promise.all(
      Array.from({ length: 6 }, (_, seed) =>
        model.complete({ ...request, prompt: `Story ${seed}:`, temperature: 1, maxTokens: 60, seed }),
      ),
    );
    await expect.poll(() => server.busySlots(), { timeout: 60_000 }).toBe(4);
    await server.kill();
    await server.restart();
    const completions = await answers;
    expect(
      completions.map(({ attempts }) => attempts).filter((attempts) => attempts > 1).length,
    ).toBeGreaterThanOrEqual(4);
    for (const { usage } of completions) expect(usage.completionTokens).toBeGreaterThan(0);
  });
});
