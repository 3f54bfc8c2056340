import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { llama } from '../../../engines/llama/llama.js';
import type { ChatRequest, Completion, CompletionRequest, LanguageModel } from '../../../operators/language-model.js';
import { modelFiles } from './models.js';

/** Sums what the engine counts, and tells a listener, so that a test can act at an exact moment. */
class Counts {
  readonly sums = new Map<string, number>();
  listener: (name: string) => void = () => undefined;

  count(name: string, value = 1): void {
    this.sums.set(name, this.of(name) + value);
    this.listener(name);
  }

  of(name: string): number {
    return this.sums.get(name) ?? 0;
  }

  reset(): void {
    this.sums.clear();
    this.listener = () => undefined;
  }
}

const story =
  'Short stories about animals.\n\nStory: A fox went over the hill and found a river. It drank, and slept.\n\n'.repeat(
    4,
  );

function drafted(seed: number, more: Partial<CompletionRequest> = {}): CompletionRequest {
  return {
    prompt: `${story}Story ${seed}:`,
    sharedPrefix: story.length,
    temperature: 0.9,
    topP: 0.95,
    maxTokens: 24,
    seed,
    ...more,
  };
}

function refined(seed: number, more: Partial<ChatRequest> = {}): ChatRequest {
  return {
    messages: [
      {
        role: 'system',
        content: 'You rewrite a story in your own words. Keep its meaning. Answer with the story only.',
      },
      { role: 'user', content: `Cat number ${seed} sat on a mat, and than it sleeped for ${seed} hours.` },
    ],
    temperature: 0.7,
    maxTokens: 12,
    seed,
    ...more,
  };
}

function plain(prompt: string, more: Partial<CompletionRequest> = {}): CompletionRequest {
  return { prompt, temperature: 0, maxTokens: 16, ...more };
}

async function oneByOne<T>(tasks: readonly (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = [];
  for (const task of tasks) results.push(await task());
  return results;
}

const textOf = ({ text }: Completion) => text;

describe('a base model with eight sequences', () => {
  const counts = new Counts();
  let gemma: LanguageModel;

  beforeAll(async () => {
    const { gemma: file } = await modelFiles();
    gemma = await llama({ name: 'gemma-3-270m', file, meter: counts });
  }, 600_000);
  afterAll(() => gemma.close());

  it('names itself and what it can do', () => {
    expect(gemma).toMatchObject({ id: 'llama/gemma-3-270m', maxInFlight: 8, structured: true });
  });

  it('gives the same text alone, in full and broken batches, after others and after an abort beside it', async () => {
    const seeds = [1, 2, 3];
    const alone = (await oneByOne(seeds.map((seed) => () => gemma.complete(drafted(seed))))).map(textOf);
    expect(new Set(alone).size).toBe(3);

    const full = await Promise.all([7, 3, 6, 2, 5, 1, 4, 8, 9].map((seed) => gemma.complete(drafted(seed))));
    expect([full[5], full[3], full[1]].map((one) => one?.text)).toEqual(alone);

    const controller = new AbortController();
    counts.listener = (name) => name === 'llama_steps' && controller.abort();
    const beside = gemma.complete(drafted(9, { signal: controller.signal }));
    const broken = await Promise.allSettled([beside, ...seeds.map((seed) => gemma.complete(drafted(seed)))]);
    counts.reset();
    expect(broken[0]?.status).toBe('rejected');
    expect(broken.slice(1)).toEqual(
      alone.map((text) => expect.objectContaining({ value: expect.objectContaining({ text }) })),
    );

    await gemma.complete(plain('Something else altogether: 1, 2, 3, 4, 5, 6'));
    expect((await gemma.complete(drafted(2))).text).toBe(alone[1]);
  }, 60_000);

  it('writes many answers in one batch, and evaluates what they share once', async () => {
    counts.reset();
    const answers = await Promise.all([11, 12, 13, 14, 15, 16, 17, 18].map((seed) => gemma.complete(drafted(seed))));
    const sampled = answers.reduce((sum, { usage }) => sum + usage.completionTokens, 0);
    expect(counts.of('llama_step_tokens')).toBe(sampled);
    expect(sampled / counts.of('llama_steps')).toBeGreaterThan(4);
    const prompts = answers.reduce((sum, { usage }) => sum + usage.promptTokens, 0);
    expect(counts.of('llama_spared_tokens')).toBeGreaterThan(0.9 * (prompts - 8 * 8));
  });

  it('takes the token at the start from the model, and special tokens in a text as text', async () => {
    const length = async (prompt: string) => (await gemma.complete(plain(prompt, { maxTokens: 1 }))).usage.promptTokens;
    expect(await length('')).toBe(1);
    expect(await length('sea')).toBe(2);
    expect(await length('<bos>')).toBeGreaterThan(2);
  });

  it('does not chat, and says why', async () => {
    await expect(gemma.chat(refined(1))).rejects.toMatchObject({
      code: 'chat-unsupported',
      message: expect.stringContaining("'gemma-3-270m' has no chat template"),
    });
  });
});

describe('an instruct model with three sequences', () => {
  const counts = new Counts();
  let smol: LanguageModel;

  beforeAll(async () => {
    const { smol: file } = await modelFiles();
    smol = await llama({ name: 'smollm2', file, sequences: 3, contextSize: 512, meter: counts });
  }, 600_000);
  afterAll(() => smol.close());

  it('gives the same text in any company and order', async () => {
    const tasks = [
      () => smol.chat(refined(1)),
      () => smol.chat(refined(2)),
      () => smol.complete(drafted(3, { maxTokens: 9 })),
      () => smol.complete(plain('Once upon a time', { temperature: 1, seed: 4, topK: 0, minP: 0.02 })),
    ];
    const alone = (await oneByOne(tasks)).map(textOf);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(tasks.length - 1), { minLength: 2, maxLength: 6 }), async (order) => {
        const together = await Promise.all(order.map((index) => tasks[index]?.()));
        expect(together.map((one) => one?.text)).toEqual(order.map((index) => alone[index]));
      }),
      { numRuns: 5 },
    );
  }, 60_000);

  it('learns which head conversations share', async () => {
    await smol.chat(refined(21, { maxTokens: 1 }));
    counts.reset();
    const { usage } = await smol.chat(refined(22, { maxTokens: 1 }));
    expect(counts.of('llama_spared_tokens')).toBeGreaterThan(16);
    expect(counts.of('llama_spared_tokens') + counts.of('llama_prompt_tokens')).toBe(usage.promptTokens - 1);
  });

  it('draws a new seed where none is given', async () => {
    const { seed: _, ...request } = drafted(1, { temperature: 1.5, maxTokens: 12 });
    const [one, other] = await Promise.all([smol.complete(request), smol.complete(request)]);
    expect(one?.text).not.toBe(other?.text);
  });

  it('takes the largest seed like any other', async () => {
    const request = drafted(0xffff_ffff, { temperature: 1.5, maxTokens: 12 });
    const [one, other] = await Promise.all([smol.complete(request), smol.complete(request)]);
    expect(one?.text).toBe(other?.text);
  });

  it('ends at the limit, and counts', async () => {
    const answer = await smol.complete(plain('The sea is', { maxTokens: 7 }));
    expect(answer).toMatchObject({ finishReason: 'length', cost: 0, attempts: 1, model: 'llama/smollm2' });
    expect(answer.usage).toEqual({ promptTokens: 3, completionTokens: 7 });
  });

  it('ends before a stop text, wherever the tokens cut it', async () => {
    const { text } = await smol.complete(plain('The sea is'));
    const stop = text.slice(9, 14);
    const answer = await smol.complete(plain('The sea is', { stop: ['not in there', stop] }));
    expect(answer).toMatchObject({ text: text.slice(0, text.indexOf(stop)), finishReason: 'stop' });
  });

  it('continues an opened answer, without the opening', async () => {
    const [asked] = refined(1).messages.slice(1);
    if (asked === undefined) throw new Error('no message');
    const messages = [asked, { role: 'assistant', content: 'Title: The Cat\nStory:' }] as const;
    const { text, usage } = await smol.chat(refined(1, { messages, temperature: 0 }));
    expect(text).not.toContain('Title');
    const unopened = await smol.chat(refined(1, { messages: [asked], maxTokens: 1 }));
    expect(usage.promptTokens).toBeGreaterThan(unopened.usage.promptTokens);
  });

  it('lets no text of a message close the message', async () => {
    const length = async (content: string) =>
      (await smol.chat(refined(1, { messages: [{ role: 'user', content }], maxTokens: 1 }))).usage.promptTokens;
    const marker = '<|im_end|>';
    // As one special token it would be as short as a word.
    expect((await length(marker)) - (await length('word'))).toBeGreaterThan(3);
  });

  it('is bound by a grammar, also in characters of several tokens', async () => {
    const grammar = 'root ::= "你好" [\\U0001F600-\\U0001F64F]{3} "é" [α-ω]{3}';
    const answer = await smol.complete(plain('hello', { maxTokens: 60, grammar, temperature: 0.8, seed: 3 }));
    expect(answer.text).toMatch(/^你好[\u{1F600}-\u{1F64F}]{3}é[α-ω]{3}$/u);
    expect(answer.finishReason).toBe('stop');
    const cut = await smol.complete(plain('hello', { maxTokens: 6, grammar, temperature: 0.8, seed: 3 }));
    expect(answer.text.startsWith(cut.text)).toBe(true);
    expect(cut.text).not.toContain('\uFFFD');
  });

  it('is bound by a JSON Schema', async () => {
    const schema = {
      type: 'object',
      properties: {
        kind: { enum: ['cat', 'dog'] },
        words: { type: 'array', items: { type: 'string', maxLength: 8 }, maxItems: 2 },
      },
    };
    const answer = await smol.chat(refined(1, { schema, maxTokens: 100 }));
    expect(JSON.parse(answer.text)).toEqual({
      kind: expect.stringMatching(/^(cat|dog)$/),
      words: expect.toSatisfy((words: string[]) => words.length <= 2 && words.every((word) => word.length <= 8)),
    });
    expect(answer.finishReason).toBe('stop');
  });

  it.each([['root ::= "a'], ['root ::= missing'], ['root ::= root "a" | "b"'], ['']])(
    'refuses the grammar %j',
    async (grammar) => {
      await expect(smol.complete(plain('x', { grammar }))).rejects.toMatchObject({ code: 'grammar-invalid' });
    },
  );

  it('refuses a schema without a grammar', async () => {
    const request = plain('x', { schema: { allOf: [] } });
    await expect(smol.complete(request)).rejects.toMatchObject({ code: 'grammar-invalid' });
  });

  it('fills the context to the last token, and not further', async () => {
    const request = plain('sea '.repeat(495), { temperature: 1, seed: 1 });
    const { usage } = await smol.complete({ ...request, maxTokens: 1 });
    const room = 512 - usage.promptTokens;
    expect(await smol.complete({ ...request, maxTokens: room })).toMatchObject({
      usage: { promptTokens: usage.promptTokens },
    });
    await expect(smol.complete({ ...request, maxTokens: room + 1 })).rejects.toMatchObject({
      code: 'prompt-too-long',
      message: expect.stringMatching(new RegExp(`${usage.promptTokens} tokens.*${room + 1}.*512`)),
    });
  }, 60_000);

  it('refuses a huge prompt at once', async () => {
    const prompt = 'x'.repeat(50_000_000);
    await expect(smol.complete(plain(prompt))).rejects.toMatchObject({ code: 'prompt-too-long' });
  });

  it.each([
    [{ temperature: -1 }, 'temperature'],
    [{ temperature: Number.NaN }, 'temperature'],
    [{ maxTokens: 0 }, 'maxTokens'],
    [{ seed: 2 ** 32 }, 'seed'],
    [{ topP: 1.1 }, 'topP'],
    [{ topK: 1.5 }, 'topK'],
    [{ stop: [''] }, 'stop'],
    [{ sharedPrefix: 99 }, 'sharedPrefix'],
    [{ prompt: '' }, 'prompt'],
  ])('refuses %j', async (fields, name) => {
    const failure = await smol.complete(plain('x', fields)).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TypeError);
    expect(String(failure)).toContain(`'${name}'`);
  });

  it('refuses a conversation that nobody asks to answer', async () => {
    const messages = [{ role: 'system', content: 'x' }] as const;
    await expect(smol.chat(refined(1, { messages }))).rejects.toThrow(TypeError);
  });

  it('stops an answer that is aborted, and frees its place', async () => {
    const reason = new Error('no longer wanted');
    const controller = new AbortController();
    counts.reset();
    counts.listener = (name) => name === 'llama_steps' && counts.of('llama_steps') === 3 && controller.abort(reason);
    const long = { maxTokens: 300, signal: controller.signal };
    const aborted = await Promise.allSettled(
      [1, 2, 3, 4].map((seed) => smol.complete(drafted(seed, { ...long, temperature: 2 }))),
    );
    expect(aborted).toEqual([1, 2, 3, 4].map(() => ({ status: 'rejected', reason })));
    expect(counts.of('llama_steps')).toBeLessThanOrEqual(4);

    counts.reset();
    const three = await Promise.all(
      [1, 2, 3].map((seed) => smol.complete(plain('The sea is', { maxTokens: 5, seed }))),
    );
    expect(new Set(three.map(textOf)).size).toBe(1);
    expect(counts.of('llama_steps')).toBe(5);
  });

  it('stops within a chunk while a prompt is evaluated', async () => {
    const controller = new AbortController();
    const reason = new Error('no longer wanted');
    counts.reset();
    counts.listener = (name) => name === 'llama_prompt_tokens' && controller.abort(reason);
    const prompt = 'a long walk along the shore '.repeat(60);
    await expect(smol.complete(plain(prompt, { signal: controller.signal }))).rejects.toBe(reason);
    expect(counts.of('llama_prompt_tokens')).toBeLessThanOrEqual(64);
    expect(counts.of('llama_steps')).toBe(0);
  });

  it('does nothing for a request that is aborted before', async () => {
    counts.reset();
    const signal = AbortSignal.abort('late');
    await expect(smol.complete(plain('x', { signal }))).rejects.toBe('late');
    expect(counts.sums.size).toBe(0);
  });
});

describe('an instruct model with one sequence', () => {
  it('serves first come, first served; who leaves the queue is passed over; closing ends all', async () => {
    const { smol: file } = await modelFiles();
    const counts = new Counts();
    const model = await llama({
      name: 'smollm2',
      file,
      sequences: 1,
      contextSize: 512,
      meter: counts,
      clock: { now: () => 7 },
    });
    const ended: string[] = [];
    const leaving = new AbortController();
    const ask = async (name: string, more: Partial<CompletionRequest>) => {
      await model.complete(plain('The sea is', more)).then(
        () => ended.push(name),
        (reason: unknown) => ended.push(`${name}: ${reason}`),
      );
    };
    const all = Promise.all([
      ask('long', { maxTokens: 12 }),
      ask('left', { maxTokens: 1, signal: leaving.signal }),
      ask('short', { maxTokens: 1 }),
      ask('last', { maxTokens: 2 }),
    ]);
    counts.listener = () => leaving.abort('left');
    await all;
    expect(ended).toEqual(['left: left', 'long', 'short', 'last']);

    const { startedAt, milliseconds } = await model.complete(plain('The sea is', { maxTokens: 1 }));
    expect({ startedAt, milliseconds }).toEqual({ startedAt: 7, milliseconds: 0 });

    counts.reset();
    let closing: Promise<void> | undefined;
    counts.listener = (name) => {
      if (name === 'llama_steps') closing ??= model.close();
    };
    const flying = await Promise.allSettled([1, 2].map(() => model.complete(plain('The sea is', { maxTokens: 100 }))));
    await closing;
    await model.close();
    const closed = { code: 'engine-closed', message: "the model 'smollm2' was closed" };
    for (const one of flying) expect(one).toMatchObject({ status: 'rejected', reason: closed });
    expect(counts.of('llama_steps')).toBeLessThanOrEqual(2);
    await expect(model.complete(plain('x'))).rejects.toMatchObject(closed);
  });
});
