import { setMaxListeners } from 'node:events';
import { Pool } from 'undici';

import type { ChatRequest, Completion, CompletionRequest, LanguageModel } from '../../operators/language-model.js';
import { HeadwaterError } from '../../schemas/errors.js';
import { type Answer, AnswerReader } from './answer.js';
import { type Clock, systemClock } from './clock.js';
import { post } from './exchange.js';
import { Failure, refused } from './failure.js';
import { checked, type OpenaiOptions, type Settings } from './options.js';
import { chatBody, completionBody, type Dialect, narrowed, opening, widest } from './payload.js';
import { retryDelay } from './retry-delay.js';
import { Slots } from './slots.js';

export type { OpenaiOptions } from './options.js';

/**
 * A model behind any server with OpenAI's HTTP interface: vLLM, SGLang, llama.cpp, Ollama, OpenAI.
 *
 * Answers are streamed, so a hang is noticed and an abort frees the server. At most `maxInFlight` requests are open, others wait
 * in order of arrival; one that waits for its retry keeps its place. 408, 409, 425, 429, 5xx, lost connections, timeouts and
 * answers that are cut or garbled are retried; other refusals are not. Where a server refuses one of the newer fields, the
 * request is sent without it, and so are all later ones.
 *
 * Stop texts are cut here too, so servers may ignore them. An opened answer is continued, or what repeats it is left out. Tokens
 * that a server does not count are estimated as a quarter of the characters. Without `price` the cost is null.
 *
 * Rejects with `endpoint-unreachable`, `endpoint-timeout`, `endpoint-malformed` (after all retries), `endpoint-refused`,
 * `prompt-too-long`, `grammar-invalid`, `engine-closed`, or the reason of the request's signal. No message holds the key.
 *
 * @example
 * ```ts
 * const model = openai({ url: 'http://127.0.0.1:8000/v1', model: 'qwen3-4b-base' });
 * const { text } = await model.complete({ prompt: 'Subject:', temperature: 0.7, maxTokens: 200, stop: ['\n\n'] });
 * ```
 */
export function openai(options: OpenaiOptions): LanguageModel {
  return new Endpoint(checked(options), options.clock ?? systemClock, options.random ?? Math.random);
}

/** A request in the terms of its route. */
interface Call {
  readonly path: string;
  readonly body: (dialect: Dialect) => string;
  readonly request: CompletionRequest | ChatRequest;
  /** Of the prompt, for an estimate of its tokens. */
  readonly characters: () => number;
  readonly opening: string;
}

class Endpoint implements LanguageModel {
  readonly id: string;
  readonly maxInFlight: number;
  readonly structured: boolean;
  readonly #settings: Settings;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #pool: Pool;
  readonly #slots: Slots;
  /** One for each request that is not settled. */
  readonly #open = new Set<AbortController>();
  #dialect = widest;
  #closed = false;

  constructor(settings: Settings, clock: Clock, random: () => number) {
    this.id = `openai/${settings.model}`;
    this.maxInFlight = settings.maxInFlight;
    this.structured = settings.grammar !== undefined;
    this.#settings = settings;
    this.#clock = clock;
    this.#random = random;
    this.#slots = new Slots(settings.maxInFlight);
    const connect = { timeout: Math.min(settings.timeoutMs, 10_000) };
    this.#pool = new Pool(settings.origin, { connections: settings.maxInFlight, pipelining: 1, connect });
  }

  complete(request: CompletionRequest): Promise<Completion> {
    const { model, grammar } = this.#settings;
    return this.#ask({
      path: 'completions',
      body: (dialect) => completionBody(model, request, dialect, grammar),
      request,
      characters: () => request.prompt.length,
      opening: '',
    });
  }

  chat(request: ChatRequest): Promise<Completion> {
    const { model, grammar } = this.#settings;
    return this.#ask({
      path: 'chat/completions',
      body: (dialect) => chatBody(model, request, dialect, grammar),
      request,
      characters: () => request.messages.reduce((sum, { content }) => sum + content.length, 0),
      opening: opening(request),
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const ending of this.#open) ending.abort(this.#wasClosed());
    await this.#pool.destroy();
  }

  async #ask(call: Call): Promise<Completion> {
    const { signal } = call.request;
    signal?.throwIfAborted();
    if (this.#closed) throw this.#wasClosed();
    const ending = new AbortController();
    const abort = () => ending.abort(signal?.reason);
    // One signal may end any number of requests, of which Node would warn.
    if (signal) setMaxListeners(0, signal);
    signal?.addEventListener('abort', abort, { once: true });
    this.#open.add(ending);
    try {
      await this.#slots.take(ending.signal);
      try {
        return await this.#untilAnswered(call, ending.signal);
      } finally {
        this.#slots.give();
      }
    } finally {
      this.#open.delete(ending);
      signal?.removeEventListener('abort', abort);
    }
  }

  async #untilAnswered(call: Call, signal: AbortSignal): Promise<Completion> {
    const startedAt = this.#clock.now();
    let failed = 0;
    for (let attempts = 1; ; attempts += 1) {
      const dialect = this.#dialect;
      try {
        const answer = await this.#attempt(call, dialect, signal);
        return this.#completion(call, answer, { startedAt, milliseconds: this.#clock.now() - startedAt, attempts });
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof Failure)) throw error;
        if (this.#narrow(dialect, error)) continue;
        const delay = retryDelay(error, failed, this.#settings.retries, this.#random);
        if (delay === undefined) throw this.#final(error, attempts);
        failed += 1;
        await this.#clock.sleep(delay, signal);
      }
    }
  }

  async #attempt(call: Call, dialect: Dialect, signal: AbortSignal): Promise<Answer> {
    const { path, headers, timeoutMs, idleTimeoutMs } = this.#settings;
    const reader = new AnswerReader(call.request.stop);
    const reply = await post(this.#pool, {
      path: path(call.path),
      headers,
      body: call.body(dialect),
      timeoutMs,
      idleTimeoutMs,
      signal,
      onText: (piece) => reader.read(piece),
    });
    if (reply.status < 200 || reply.status >= 300) {
      throw refused(reply.status, reply.headers, reply.text, this.#clock.now());
    }
    return reader.end();
  }

  /** Whether the request is worth sending again in another dialect: one narrowed now, or by another request meanwhile. */
  #narrow(sent: Dialect, failure: Failure): boolean {
    const narrower = narrowed(sent, failure);
    if (narrower === undefined) return false;
    if (this.#dialect === sent) this.#dialect = narrower;
    return true;
  }

  #completion(
    call: Call,
    answer: Answer,
    sent: Pick<Completion, 'startedAt' | 'milliseconds' | 'attempts'>,
  ): Completion {
    const usage = {
      promptTokens: answer.promptTokens ?? estimated(call.characters()),
      completionTokens: answer.completionTokens ?? estimated(answer.text.length),
    };
    const { price } = this.#settings;
    return {
      text: withoutOpening(answer.text, call.opening),
      finishReason: answer.finishReason,
      usage,
      model: `openai/${answer.model ?? this.#settings.model}`,
      cost: price ? (usage.promptTokens * price.input + usage.completionTokens * price.output) / 1e6 : null,
      ...sent,
    };
  }

  #wasClosed(): HeadwaterError {
    return new HeadwaterError('engine-closed', `${this.id} was closed before it answered`);
  }

  #final(failure: Failure, attempts: number): HeadwaterError {
    const { where, redact } = this.#settings;
    const tries = attempts > 1 ? ` (${attempts} requests)` : '';
    return new HeadwaterError(failure.code, `${this.id} at ${where}: ${redact(failure.message).slice(0, 300)}${tries}`);
  }
}

/** Servers that do not stream give an opened answer as a whole. */
function withoutOpening(text: string, start: string): string {
  const repeated = start.trim();
  if (repeated === '' || !text.trimStart().startsWith(repeated)) return text;
  return text.trimStart().slice(repeated.length);
}

function estimated(characters: number): number {
  return Math.ceil(characters / 4);
}
