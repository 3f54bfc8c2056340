import { setMaxListeners } from 'node:events';

import type { ChatRequest, Completion, CompletionRequest, LanguageModel } from '../../operators/language-model.js';
import { HeadwaterError } from '../../schemas/errors.js';
import { type Answer, AnswerReader } from './answer.js';
import { type Clock, systemClock } from './clock.js';
import { completionOf, estimated } from './completion.js';
import { DurationsByKind } from './durations.js';
import { Ending } from './ending.js';
import { Endpoint, type EndpointView } from './endpoint.js';
import { Failure, refused } from './failure.js';
import { Hedging } from './hedging.js';
import { checked, type OpenaiOptions, type Settings } from './options.js';
import { Pace } from './pace.js';
import { Patience } from './patience.js';
import { chatBody, completionBody, type Dialect, narrowed, opening, widest } from './payload.js';
import { type Place, Places } from './places.js';
import { retryDelay } from './retry-delay.js';

export type { EndpointView } from './endpoint.js';
export type { OpenaiOptions } from './options.js';

/** A language model that can tell how its endpoints do. */
export interface OpenaiModel extends LanguageModel {
  endpoints(): readonly EndpointView[];
  /** Second copies that were sent; the tokens of those that lost are in no count, since nobody heard them. */
  hedged(): number;
}

/**
 * A model behind any server with OpenAI's HTTP interface: vLLM, SGLang, llama.cpp, Ollama, OpenAI; or behind several of them.
 *
 * Answers are streamed, so a hang is noticed and an abort frees the server. At most `maxInFlight` requests are open and at each
 * endpoint as many as its limit lets, which adapts; others wait in order of arrival, and one that waits for its retry holds no
 * place. 408, 409, 425, 429, 5xx, lost connections, timeouts and answers that are cut or garbled are retried, at another endpoint
 * where there is one; other refusals are not, but for those that are about the endpoint where there is another, which may be out
 * for a moment. Nothing is sent to an endpoint before its `Retry-After`. Where a server refuses one of the newer fields, the
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
export function openai(options: OpenaiOptions): OpenaiModel {
  return new Model(checked(options), options.clock ?? systemClock, options.random ?? Math.random);
}

/** A request in the terms of its route, and what became of it so far. */
interface Call {
  readonly path: string;
  readonly body: (dialect: Dialect) => string;
  readonly request: CompletionRequest | ChatRequest;
  readonly opening: string;
}

/** A call with its requests. */
interface Asked extends Call {
  /** Requests of the same kind take about as long. */
  readonly kind: string;
  readonly ending: Ending;
  /** Requests sent. */
  attempts: number;
  /** Endpoints that cannot answer it as they are set up: no waiting helps there. */
  misplaced: ReadonlySet<Endpoint>;
}

const none: ReadonlySet<Endpoint> = new Set();

class Model implements OpenaiModel {
  readonly id: string;
  readonly maxInFlight: number;
  readonly structured: boolean;
  readonly #settings: Settings;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #endpoints: readonly Endpoint[];
  readonly #places: Places;
  readonly #durations = new DurationsByKind();
  readonly #patience: Patience;
  readonly #hedging: Hedging | undefined;
  readonly #pace = new Pace();
  /** One for each request that is not settled. */
  readonly #open = new Set<Ending>();
  #dialect = widest;
  #closed = false;

  constructor(settings: Settings, clock: Clock, random: () => number) {
    this.id = `openai/${settings.model}`;
    this.maxInFlight = settings.maxInFlight;
    this.structured = settings.grammar !== undefined;
    this.#settings = settings;
    this.#clock = clock;
    this.#random = random;
    this.#endpoints = settings.addresses.map((address) => new Endpoint(address, settings, clock));
    this.#places = new Places(this.#endpoints, settings.maxInFlight, clock);
    this.#patience = new Patience(settings.isPatient);
    this.#hedging = settings.hedge && new Hedging(settings.hedge);
  }

  complete(request: CompletionRequest): Promise<Completion> {
    const { model, grammar } = this.#settings;
    return this.#ask({
      path: 'completions',
      body: (dialect) => completionBody(model, request, dialect, grammar),
      request,
      opening: '',
    });
  }

  chat(request: ChatRequest): Promise<Completion> {
    const { model, grammar } = this.#settings;
    return this.#ask({
      path: 'chat/completions',
      body: (dialect) => chatBody(model, request, dialect, grammar),
      request,
      opening: opening(request),
    });
  }

  endpoints(): readonly EndpointView[] {
    return this.#endpoints.map((endpoint) => endpoint.view());
  }

  hedged(): number {
    return this.#hedging?.sent ?? 0;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const ending of this.#open) ending.end(this.#wasClosed());
    this.#places.close();
    await Promise.all(this.#endpoints.map((endpoint) => endpoint.close()));
  }

  async #ask(call: Call): Promise<Completion> {
    const { signal, maxTokens } = call.request;
    signal?.throwIfAborted();
    if (this.#closed) throw this.#wasClosed();
    const ending = new Ending();
    const abort = () => ending.end(signal?.reason);
    // One signal may end any number of requests, of which Node would warn.
    if (signal) setMaxListeners(0, signal);
    signal?.addEventListener('abort', abort, { once: true });
    this.#open.add(ending);
    try {
      const kind = `${call.path} ${maxTokens}`;
      return await this.#untilAnswered({ ...call, kind, ending, attempts: 0, misplaced: none });
    } finally {
      this.#open.delete(ending);
      signal?.removeEventListener('abort', abort);
    }
  }

  async #untilAnswered(asked: Asked): Promise<Completion> {
    let place = await this.#places.take(asked.ending);
    const startedAt = this.#clock.now();
    /** Endpoints that failed since the last back-off, or are misplaced. */
    let avoid = none;
    for (let failed = 0; ; ) {
      const dialect = this.#dialect;
      const { endpoint } = place;
      try {
        const answer = await this.#answered(asked, dialect, place);
        const milliseconds = this.#clock.now() - startedAt;
        return this.#completion(asked, answer, { startedAt, milliseconds, attempts: asked.attempts });
      } catch (error) {
        asked.ending.throwIfEnded();
        if (!(error instanceof Failure)) throw error;
        if (!this.#narrow(dialect, error)) {
          avoid = new Set([...avoid, endpoint]);
          if (!this.#mayGoElsewhere(error, failed, avoid)) {
            await this.#backOff(asked, error, failed, endpoint);
            avoid = asked.misplaced;
          }
          failed += 1;
        }
      }
      place = await this.#places.take(asked.ending, avoid);
    }
  }

  #mayGoElsewhere(failure: Failure, failed: number, avoid: ReadonlySet<Endpoint>): boolean {
    const mayHelp = failure.retriable || failure.misplaced;
    return mayHelp && failed < this.#settings.retries && this.#places.hasOther(avoid);
  }

  async #backOff(asked: Asked, failure: Failure, failed: number, at: Endpoint): Promise<void> {
    const { kind, ending, attempts, misplaced } = asked;
    // Another endpoint may be out for a moment only.
    const retriable = failure.retriable || (failure.misplaced && misplaced.size < this.#endpoints.length);
    const usualMs = this.#durations.of(kind).quantile(0.5);
    const { retryAfterMs } = failure;
    const delay = retryDelay({ retriable, retryAfterMs }, failed, this.#settings.retries, this.#random, usualMs);
    if (delay === undefined) throw this.#final(failure, attempts, at);
    await this.#clock.sleep(delay, ending.signal());
  }

  #answered(asked: Asked, dialect: Dialect, place: Place): Promise<Answer> {
    const send = (at: Place, ending: Ending) => this.#send(asked, dialect, at, ending);
    const afterMs = this.#hedging?.afterMs(this.#durations.of(asked.kind));
    if (this.#hedging === undefined || afterMs === undefined) return send(place, asked.ending);
    const spare = (ending: Ending) => this.#places.take(ending, new Set([place.endpoint]), true);
    return this.#hedging.raced({ ending: asked.ending, afterMs, place, spare, send });
  }

  /** One request at the place, which is given back at its end. */
  async #send(asked: Asked, dialect: Dialect, place: Place, ending: Ending): Promise<Answer> {
    const { headers, timeoutMs, idleTimeoutMs } = this.#settings;
    const { endpoint, sent } = place;
    let reader: AnswerReader | undefined;
    const begun = () => {
      reader ??= new AnswerReader(asked.request.stop);
      return reader;
    };
    const durations = this.#durations.of(asked.kind);
    asked.attempts += 1;
    this.#patience.sent();
    try {
      ending.throwIfEnded();
      const reply = await endpoint.exchange({
        path: endpoint.address.path(asked.path),
        headers,
        body: asked.body(dialect),
        timeoutMs,
        idleTimeoutMs,
        patienceMs: () => this.#patience.ms(asked.kind),
        mayGiveUp: () => this.#patience.mayGiveUp(),
        ending,
        onText: (piece) => begun().read(piece),
      });
      if (reply.status < 200 || reply.status >= 300) {
        throw refused(reply.status, reply.headers, reply.text, this.#clock.now());
      }
      const answer = begun().end();
      const { firstMs, totalMs } = reply;
      const completionTokens = answer.completionTokens ?? estimated(answer.text.length);
      durations.add(totalMs);
      this.#patience.heard(asked.kind, firstMs);
      endpoint.answered(sent, this.#pace.latencyMs({ firstMs, totalMs, completionTokens }));
      return answer;
    } catch (error) {
      if (error instanceof Failure && error.misplaced && !error.retriable) {
        asked.misplaced = new Set([...asked.misplaced, endpoint]);
      }
      if (!(error instanceof Failure)) endpoint.left();
      else if (endpoint.failed(sent, error) && this.#places.hasOther(new Set([endpoint]))) endpoint.giveUpSilent();
      throw error;
    } finally {
      this.#places.give();
    }
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
    const { model, price } = this.#settings;
    return completionOf(call.request, answer, { model, price, opening: call.opening, ...sent });
  }

  #wasClosed(): HeadwaterError {
    return new HeadwaterError('engine-closed', `${this.id} was closed before it answered`);
  }

  #final(failure: Failure, attempts: number, { address: { where } }: Endpoint): HeadwaterError {
    const { redact } = this.#settings;
    const tries = attempts > 1 ? ` (${attempts} requests)` : '';
    return new HeadwaterError(failure.code, `${this.id} at ${where}: ${redact(failure.message).slice(0, 300)}${tries}`);
  }
}
