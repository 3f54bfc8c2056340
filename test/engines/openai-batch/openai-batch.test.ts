import { setTimeout as elapsed, setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';

import type { Clock } from '../../../engines/openai/clock.js';
import { type OpenaiBatchOptions, openaiBatch } from '../../../engines/openai-batch/openai-batch.js';
import { requestHash } from '../../../engines/request-hash.js';
import type { Completion, CompletionRequest, LanguageModel } from '../../../operators/language-model.js';
import {
  type FakeBatchEndpoint,
  type FakeBatchOptions,
  startFakeBatchEndpoint,
} from '../../fake-endpoint/fake-batch-endpoint.mjs';

const key = 'sk-secret';

async function endpointOf(options: FakeBatchOptions = {}): Promise<FakeBatchEndpoint> {
  const server = await startFakeBatchEndpoint({
    key,
    answer: ({ prompt }) => ({ text: `said ${prompt}` }),
    ...options,
  });
  onTestFinished(() => server.close());
  return server;
}

/** A process's own engine, with short times. */
function engineOf(server: FakeBatchEndpoint, options: Partial<OpenaiBatchOptions> = {}): LanguageModel {
  const times = { pauseMs: 20, pollMs: 10 };
  const model = openaiBatch({ url: server.url, model: 'm', key, pipeline: 'mails', ...times, ...options });
  onTestFinished(() => model.close());
  return model;
}

function request(prompt: string): CompletionRequest {
  return { prompt, temperature: 0.5, maxTokens: 20, seed: 1 };
}

const prompts = Array.from({ length: 10 }, (_, n) => `prompt ${n}`);

function paidOf(server: FakeBatchEndpoint): readonly number[] {
  return [...server.paid.values()];
}

describe('requests', () => {
  it('go in batches, and each gets its own answer at the price of batches', async () => {
    const server = await endpointOf();
    const model = engineOf(server, { requests: 4, price: { input: 1, output: 2 } });
    const answers = await Promise.all(prompts.map((prompt) => model.complete(request(prompt))));
    expect(answers.map(({ text }) => text)).toEqual(prompts.map((prompt) => `said ${prompt}`));
    expect(answers[0]).toMatchObject({ model: 'openai/m', finishReason: 'stop', cost: (2 + 2 * 4) / 1e6, attempts: 1 });
    expect(server.batches.map(({ customIds }) => customIds.length)).toEqual([4, 4, 2]);
    expect(server.batches[0]?.customIds[0]).toBe(requestHash(model.id, request('prompt 0')));
    expect(paidOf(server)).toEqual(prompts.map(() => 1));
  });

  it('of conversations go in batches of their own', async () => {
    const server = await endpointOf({ answer: ({ messages = [] }) => ({ text: `heard ${messages.at(-1)?.content}` }) });
    const model = engineOf(server);
    const { prompt: _, ...chat } = request('');
    const [raw, answer] = await Promise.all([
      model.complete(request('a')),
      model.chat({ ...chat, messages: [{ role: 'user', content: 'b' }] }),
    ]);
    expect([raw.text, answer.text]).toEqual(['heard undefined', 'heard b']);
    expect(server.batches).toHaveLength(2);
  });

  it('that are equal are paid once', async () => {
    const server = await endpointOf();
    const model = engineOf(server);
    const [first, second] = await Promise.all([model.complete(request('a')), model.complete(request('a'))]);
    expect(first).not.toHaveProperty('reused');
    expect(second).toEqual({ ...first, reused: true });
    expect(paidOf(server)).toEqual([1]);
  });

  it('are cut at their stop texts, and say when they were too long', async () => {
    const server = await endpointOf({ answer: () => ({ text: 'one END two', finishReason: 'length' }) });
    const model = engineOf(server);
    expect(await model.complete({ ...request('a'), stop: ['END'] })).toMatchObject({
      text: 'one ',
      finishReason: 'stop',
    });
    expect(await model.complete(request('a'))).toMatchObject({ text: 'one END two', finishReason: 'length' });
  });

  it('are sent again without a field that is refused, and so are later ones', async () => {
    const server = await endpointOf({
      refuse: ({ max_tokens }) =>
        max_tokens === undefined ? undefined : "Unsupported parameter: use 'max_completion_tokens' instead.",
    });
    const model = engineOf(server);
    expect((await model.complete(request('a'))).text).toBe('said a');
    await model.complete(request('b'));
    expect(server.batches.map(({ customIds }) => customIds.length)).toEqual([1, 1, 1]);
  });

  it('of one batch in which a field is refused are all sent again without it', async () => {
    const server = await endpointOf({
      refuse: ({ max_tokens }) =>
        max_tokens === undefined ? undefined : "Unsupported parameter: use 'max_completion_tokens' instead.",
    });
    const model = engineOf(server);
    const answers = await Promise.all(prompts.map((prompt) => model.complete(request(prompt))));
    expect(answers.map(({ text }) => text)).toEqual(prompts.map((prompt) => `said ${prompt}`));
    expect(server.batches.map(({ customIds }) => customIds.length)).toEqual([10, 10]);
  });

  it('that are refused reject with why, without the key', async () => {
    const server = await endpointOf({ refuse: () => `this model does not exist, ${key}` });
    const failed = engineOf(server).complete(request('a'));
    await expect(failed).rejects.toMatchObject({ code: 'endpoint-refused', message: expect.stringContaining('[key]') });
  });

  it('with a wrong key reject at once', async () => {
    const server = await endpointOf();
    const model = engineOf(server, { key: 'sk-wrong' });
    await expect(model.complete(request('a'))).rejects.toMatchObject({ code: 'endpoint-refused' });
    expect(server.batches).toEqual([]);
  });
});

describe('a batch that does not end well', () => {
  it.each(['expired', 'cancelled', 'failed'] as const)(
    '%s: what has no answer is asked again, the rest is not',
    async (how) => {
      const server = await endpointOf({ end: (number) => (number === 0 ? how : 'completed') });
      const answers = await Promise.all(prompts.map((prompt) => engineOfOnce(server).complete(request(prompt))));
      expect(answers.map(({ text }) => text)).toEqual(prompts.map((prompt) => `said ${prompt}`));
      expect(paidOf(server)).toEqual(prompts.map(() => 1));
      expect(server.batches).toHaveLength(2);
      expect(Math.max(...answers.map(({ attempts }) => attempts))).toBe(2);
    },
  );

  const engines = new WeakMap<FakeBatchEndpoint, LanguageModel>();
  function engineOfOnce(server: FakeBatchEndpoint): LanguageModel {
    const model = engines.get(server) ?? engineOf(server);
    engines.set(server, model);
    return model;
  }

  it('again and again: rejects with its words after the retries', async () => {
    const server = await endpointOf({ end: () => 'failed' });
    const failed = engineOf(server, { retries: 2 }).complete(request('a'));
    await expect(failed).rejects.toMatchObject({ message: expect.stringContaining('The batch could not be started') });
    expect(server.batches).toHaveLength(3);
  });
});

/** Time that only passes while the engine sleeps. */
class SleepingClock implements Clock {
  #now = Date.UTC(2026, 0, 1);
  readonly slept: number[] = [];

  readonly now = () => this.#now;

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.slept.push(ms);
    this.#now += ms;
    await nextTurn();
  }
}

describe('a batch that failed as a whole', () => {
  const overLimit = { code: 'token_limit_exceeded', message: 'Enqueued token limit reached for m' };

  function secondsBetween(server: FakeBatchEndpoint): readonly number[] {
    const times = server.batches.map(({ createdAt }) => createdAt);
    return times.slice(1).map((time, index) => time - (times[index] ?? 0));
  }

  it('is followed by pauses that double up to ten minutes', async () => {
    const clock = new SleepingClock();
    const server = await endpointOf({ now: clock.now, looks: () => 1, end: () => 'failed' });
    const failed = engineOf(server, { clock, pauseMs: 1000, pollMs: 30_000, retries: 7 }).complete(request('a'));
    await expect(failed).rejects.toMatchObject({ message: expect.stringContaining('The batch could not be started') });
    // A look comes after 30 seconds, the pause after that.
    expect(secondsBetween(server)).toEqual([30, 60, 120, 240, 480, 600, 600].map((pause) => 30 + pause));
  });

  it('over the token limit is no failed try, and is sent in parts that fit', async () => {
    const clock = new SleepingClock();
    let server: FakeBatchEndpoint | undefined;
    const end = (number: number) =>
      (server?.batches[number]?.customIds.length ?? 0) > 3 ? ('failed' as const) : ('completed' as const);
    server = await endpointOf({ now: clock.now, looks: () => 1, end, why: () => overLimit });
    const model = engineOf(server, { clock, requests: 10, retries: 0 });
    const answers = await Promise.all(prompts.map((prompt) => model.complete(request(prompt))));
    expect(answers.map(({ text }) => text)).toEqual(prompts.map((prompt) => `said ${prompt}`));
    expect(new Set(answers.map(({ attempts }) => attempts))).toEqual(new Set([1]));
    expect(server.batches.map(({ customIds }) => customIds.length).slice(0, 3)).toEqual([10, 5, 2]);
    expect(paidOf(server)).toEqual(prompts.map(() => 1));
  });

  it('over the token limit for a day in which none ends otherwise counts as failed', async () => {
    const clock = new SleepingClock();
    const server = await endpointOf({ now: clock.now, looks: () => 1, end: () => 'failed', why: () => overLimit });
    const failed = engineOf(server, { clock, pauseMs: 1000, pollMs: 30_000, retries: 2 }).complete(request('a'));
    await expect(failed).rejects.toMatchObject({ message: expect.stringContaining('Enqueued token limit reached') });
    const [first, last] = [server.batches[0], server.batches.at(-1)];
    const seconds = (last?.createdAt ?? 0) - (first?.createdAt ?? 0);
    expect(seconds).toBeGreaterThan(86_400);
    expect(seconds).toBeLessThan(86_400 + 3 * 700);
  });
});

describe('results that are not as they should be', () => {
  const foreign = JSON.stringify({
    custom_id: 'somebody else',
    response: { status_code: 200, body: { choices: [{ text: 'not for you' }] } },
  });

  it('lines of others, garbage, twice the same and lines of 10 MB do no harm; lost lines are asked again', async () => {
    const server = await endpointOf({
      answer: ({ prompt }) => ({ text: prompt === 'prompt 3' ? 'x'.repeat(10_000_000) : `said ${prompt}` }),
      output: (lines, number) => {
        const [first = '', second = '', ...others] = lines;
        if (number > 0) return lines;
        const twice = second.replace('said', 'later said');
        return [foreign, '', '{"custom_id":', 'null', first.slice(0, -20), second, twice, ...others];
      },
    });
    const model = engineOf(server);
    const answers = await Promise.all(prompts.map((prompt) => model.complete(request(prompt))));
    expect(answers.map(({ text }) => text.slice(0, 13))).toEqual(
      prompts.map((prompt, n) => (n === 3 ? 'x'.repeat(13) : `said ${prompt}`)),
    );
    expect(answers[3]?.text).toHaveLength(10_000_000);
    expect(answers.map(({ attempts }) => attempts)).toEqual([2, ...Array.from({ length: 9 }, () => 1)]);
  });
});

describe('a file of results that is gone before it was read', () => {
  it('is passed over: what it had is asked again', async () => {
    const status = (call: string) => (call === 'GET /files/file-1/content' ? 404 : undefined);
    const server = await endpointOf({ status });
    expect(await engineOf(server).complete(request('a'))).toMatchObject({ text: 'said a', attempts: 2 });
    expect(server.batches).toHaveLength(2);
  });
});

describe('a server that fails', () => {
  it('while a file is sent or a batch is looked at is asked again', async () => {
    const left = new Map([
      ['POST /files', 2],
      ['GET /batches/batch_0', 2],
      ['GET /batches', 1],
    ]);
    const status = (call: string) => {
      const times = left.get(call) ?? 0;
      left.set(call, times - 1);
      return times > 0 ? 503 : undefined;
    };
    const server = await endpointOf({ status });
    expect((await engineOf(server, { retries: 3 }).complete(request('a'))).text).toBe('said a');
    expect(server.batches).toHaveLength(1);
  });

  it('after it has created a batch: the batch is found, not created again', async () => {
    let dropped = false;
    const drop = (call: string) => {
      if (call !== 'POST /batches' || dropped) return undefined;
      dropped = true;
      return 'after' as const;
    };
    const server = await endpointOf({ drop });
    expect((await engineOf(server).complete(request('a'))).text).toBe('said a');
    expect(server.batches).toHaveLength(1);
    expect(paidOf(server)).toEqual([1]);
  });
});

describe('a server that cannot list its batches', () => {
  it('is asked again after pauses that double; after the retries what is asked rejects, and nothing was sent', async () => {
    const clock = new SleepingClock();
    let isBack = false;
    const status = (call: string) => (call === 'GET /batches' && !isBack ? 503 : undefined);
    const server = await endpointOf({ now: clock.now, status });
    const model = engineOf(server, { clock, pauseMs: 1000, pollMs: 30_000, retries: 2 });
    await expect(model.complete(request('a'))).rejects.toMatchObject({ code: 'endpoint-unreachable' });
    expect(server.calls).toEqual(['GET /batches', 'GET /batches', 'GET /batches']);
    expect(clock.slept).toEqual([30_000, 60_000]);
    isBack = true;
    expect((await model.complete(request('a'))).text).toBe('said a');
  });
});

describe('a connection that is lost again while it is asked what became of the first loss', () => {
  it('has the batch found in the end, not created again', async () => {
    let lost = 0;
    const drop = (call: string) => {
      if (call === 'POST /batches' && lost === 0) {
        lost = 1;
        return 'after' as const;
      }
      if (!call.startsWith('GET /batches') || lost === 0 || lost > 2) return undefined;
      lost += 1;
      return 'before' as const;
    };
    const server = await endpointOf({ drop });
    expect((await engineOf(server).complete(request('a'))).text).toBe('said a');
    expect(lost).toBe(3);
    expect(server.batches).toHaveLength(1);
    expect(paidOf(server)).toEqual([1]);
  });
});

describe('a process that goes away', () => {
  it('leaves its batch to the next one, also where that one loses its connection while it reads it', async () => {
    let contents = 0;
    let isSecond = false;
    const drop = (call: string) => {
      if (!isSecond || !/^GET \/files\/.*content/.test(call)) return undefined;
      contents += 1;
      return contents === 2 ? ('before' as const) : undefined;
    };
    const refuse = ({ prompt }: { prompt?: string | undefined }) =>
      prompt === 'prompt 3' ? 'not this one' : undefined;
    const server = await endpointOf({ looks: () => 1, drop, refuse });
    const first = engineOf(server, { pollMs: 1_000_000 });
    const lost = Promise.allSettled(prompts.map((prompt) => first.complete(request(prompt))));
    await expect.poll(() => server.batches.length, { interval: 5 }).toBe(1);
    await first.close();
    await lost;
    // Looked at by others, so that there are results of it: an output file and one of errors.
    const [batch] = server.batches;
    await fetch(`${server.url}/batches/${batch?.id}`, { headers: { authorization: `Bearer ${key}` } });
    expect(server.batches[0]?.status).toBe('completed');

    isSecond = true;
    const second = engineOf(server);
    const answers = await Promise.allSettled(prompts.map((prompt) => second.complete(request(prompt))));
    expect(contents).toBeGreaterThan(2);
    expect(answers.map(({ status }) => status)).toEqual(
      prompts.map((prompt) => (prompt === 'prompt 3' ? 'rejected' : 'fulfilled')),
    );
    expect(server.batches).toHaveLength(1);
  });

  it.each([
    ['while its batch is worked on', 1_000_000],
    ['when its batch is done', 1],
  ])('%s: the next one takes the batch over, and nothing is paid twice', async (_, looks) => {
    const server = await endpointOf({ looks: (number) => (number === 0 ? looks : 2) });
    const first = engineOf(server);
    const lost = Promise.allSettled(prompts.map((prompt) => first.complete(request(prompt))));
    await expect
      .poll(() => server.batches[0]?.status, { interval: 5 })
      .toMatch(looks === 1 ? 'completed' : 'in_progress');
    await first.close();
    for (const end of await lost)
      if (end.status === 'rejected') expect(end.reason).toMatchObject({ code: 'engine-closed' });
    const [batch] = server.batches;
    if (batch !== undefined) Object.assign(batch, { left: Math.min(looks, 3) });

    const second = engineOf(server);
    const answers = await Promise.all([...prompts, 'a new one'].map((prompt) => second.complete(request(prompt))));
    expect(answers.map(({ text }) => text)).toEqual([...prompts, 'a new one'].map((prompt) => `said ${prompt}`));
    expect(server.batches.map(({ customIds }) => customIds.length)).toEqual([10, 1]);
    expect(new Set(paidOf(server))).toEqual(new Set([1]));
  });

  it.each([
    ['results', 'completed', 'file-1'],
    ['requests', 'in_progress', 'file-0'],
  ])('and whose file of %s is gone: it is passed over, and asked again', async (_, state, file) => {
    let isGone = false;
    const status = (call: string) => (isGone && call === `GET /files/${file}/content` ? 404 : undefined);
    const server = await endpointOf({ status, looks: (number) => (number > 0 ? 1 : state === 'completed' ? 1 : 1e6) });
    const first = engineOf(server);
    const lost = Promise.allSettled([first.complete(request('a'))]);
    await expect.poll(() => server.batches[0]?.status, { interval: 5 }).toBe(state);
    await first.close();
    await lost;

    isGone = true;
    const answers = [await engineOf(server).complete(request('a')), await engineOf(server).complete(request('a'))];
    expect(answers.map(({ text }) => text)).toEqual(['said a', 'said a']);
    expect(server.batches).toHaveLength(2);
    expect(server.calls.filter((call) => call === `GET /files/${file}/content`)).not.toEqual([]);
  });

  it('does not touch the batches of other pipelines, and finds its own behind them', async () => {
    const server = await endpointOf();
    const mine = engineOf(server);
    await mine.complete(request('a'));
    const others = engineOf(server, { pipeline: 'others', requests: 1 });
    await Promise.all(['x', 'y', 'z'].map((prompt) => others.complete(request(prompt))));
    await mine.close();
    const again = await engineOf(server).complete(request('a'));
    expect(again.text).toBe('said a');
    expect(server.batches).toHaveLength(4);
    await engineOf(server).complete(request('x'));
    expect(server.batches).toHaveLength(5);
  });

  it('leaves its batches alone, unless it is asked to cancel them', async () => {
    const server = await endpointOf({ looks: () => 1_000_000 });
    for (const cancelOnClose of [false, true]) {
      const model = engineOf(server, { cancelOnClose });
      const failed = expect(model.complete(request(`${cancelOnClose}`))).rejects.toMatchObject({
        code: 'engine-closed',
      });
      await expect.poll(() => server.batches.length, { interval: 5 }).toBe(cancelOnClose ? 2 : 1);
      await expect.poll(() => server.batches.at(-1)?.status, { interval: 5 }).toBe('in_progress');
      await model.close();
      await failed;
    }
    expect(server.batches.map(({ status }) => status)).toEqual(['in_progress', 'cancelled']);
  });
});

describe('a request that is aborted', () => {
  it('before it was sent is left out; later the rest goes on, and its answer is there for who asks again', async () => {
    const server = await endpointOf({ looks: () => 3 });
    const model = engineOf(server);
    const early = new AbortController();
    const late = new AbortController();
    const never = model.complete({ ...request('never'), signal: early.signal });
    early.abort(new Error('early'));
    await expect(never).rejects.toThrow('early');
    const left = model.complete({ ...request('left'), signal: late.signal });
    const stays = model.complete(request('stays'));
    await expect.poll(() => server.batches.length, { interval: 5 }).toBe(1);
    late.abort(new Error('late'));
    await expect(left).rejects.toThrow('late');
    expect((await stays).text).toBe('said stays');
    expect((await model.complete(request('left'))).text).toBe('said left');
    expect(server.batches.map(({ customIds }) => customIds.length)).toEqual([2]);
    expect(paidOf(server)).toEqual([1, 1]);
  });

  it('before its own file was sent, while others are sent: asked again it goes in another batch', async () => {
    const leaving = new AbortController();
    const status = (call: string) => {
      if (call === 'POST /files') leaving.abort(new Error('left'));
      return undefined;
    };
    const server = await endpointOf({ status, looks: (number) => (number === 1 ? 1_000_000 : 1) });
    const model = engineOf(server, { requests: 2 });
    const asked = ['a', 'b', 'c'].map((prompt) => model.complete(request(prompt)));
    const left = expect(model.complete({ ...request('left'), signal: leaving.signal })).rejects.toThrow('left');
    await left;
    await expect.poll(() => server.batches.length, { interval: 5 }).toBe(2);
    expect((await model.complete(request('left'))).text).toBe('said left');
    expect(server.batches.map(({ customIds }) => customIds.length)).toEqual([2, 1, 1]);
    const third = expect(asked[2]).rejects.toMatchObject({ code: 'engine-closed' });
    await model.close();
    await third;
  });

  it.each([
    ['its file', 'b'],
    ['a file before its own', 'a'],
  ])('and asked again while %s is sent is paid once', async (_, before) => {
    const leaving = new AbortController();
    let again: Promise<Completion> | undefined;
    const status = (call: string) => {
      if (call !== 'POST /files' || again !== undefined) return undefined;
      leaving.abort(new Error('left'));
      again = model.complete(request('b'));
      return undefined;
    };
    const server = await endpointOf({ status, looks: () => 20 });
    const model = engineOf(server, { requests: 1 });
    const first = before === 'a' ? model.complete(request('a')) : undefined;
    await expect(model.complete({ ...request('b'), signal: leaving.signal })).rejects.toThrow('left');
    expect((await again)?.text).toBe('said b');
    await first;
    expect(server.batches.flatMap(({ customIds }) => customIds)).toHaveLength(before === 'a' ? 2 : 1);
  });

  it('lets the engine rest: nobody is asked any more', async () => {
    const server = await endpointOf();
    const model = engineOf(server, { pauseMs: 1_000_000 });
    const leaving = new AbortController();
    const left = model.complete({ ...request('a'), signal: leaving.signal });
    await expect.poll(() => server.calls.length).toBeGreaterThan(0);
    leaving.abort(new Error('left'));
    await expect(left).rejects.toThrow('left');
    const { length } = server.calls;
    await elapsed(50);
    expect(server.calls).toHaveLength(length);
    await expect(model.complete({ ...request('a'), signal: leaving.signal })).rejects.toThrow('left');
  });
});

describe('options', () => {
  it.each([
    [{ url: 'ftp://example.org' }, /url: expected http/],
    [{ url: 'http://user:pass@example.org' }, /give it as key/],
    [{ model: '' }, /model: expected/],
    [{ key: 'a b' }, /key: expected/],
    [{ requests: 0 }, /requests: expected a whole number from 1 to 50000/],
    [{ pollMs: -1 }, /pollMs/],
    [{ price: { input: -1, output: 0 } }, /price.input: expected US dollars/],
    [{ price: { input: Number.NaN, output: 0 } }, /price.input/],
  ] as const)('%o is refused', (options, message) => {
    const good = { url: 'http://127.0.0.1:1/v1', model: 'm', pipeline: 'p' };
    expect(() => openaiBatch({ ...good, ...options })).toThrow(message);
  });
});
