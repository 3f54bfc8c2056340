import { setMaxListeners } from 'node:events';
import type { ChatRequest, Completion, CompletionRequest, LanguageModel } from '../operators/language-model.js';
import { HeadwaterError } from '../schemas/errors.js';
import { type Grant, MinuteWindow } from './minute-window.js';
import { type Clock, steadyClock } from './openai/clock.js';
import { TokenBound } from './token-bound.js';

/** What may be asked of a model in a minute. */
export interface MinuteBudget {
  /** Requests that are sent, retries among them. */
  readonly requestsPerMinute?: number | undefined;
  /** Of prompts and answers together. */
  readonly tokensPerMinute?: number | undefined;
}

/**
 * The same model, asked no more than its budget lets in: in no 60 s more requests or tokens, and in the order of asking.
 *
 * A request counts as the most tokens that it may come to, until its answer says how many they were; retries count once they are
 * known. One request that is larger than the whole budget goes alone. A request that waits ends with its signal's reason.
 * Closing it closes the model, and rejects what waits with `engine-closed`. Throws `TypeError` for a limit that is not above 0.
 */
export function budgeted(model: LanguageModel, budget: MinuteBudget, clock: Clock = steadyClock): LanguageModel {
  const pace = new Pace(model.id, budget, clock);
  const bound = new TokenBound();

  async function paced<Request extends CompletionRequest | ChatRequest>(
    request: Request,
    ask: (request: Request) => Promise<Completion>,
  ): Promise<Completion> {
    const { promptTokens, completionTokens } = bound.of(request);
    const granted = await pace.take(promptTokens + completionTokens, request.signal);
    const completion = await ask(request);
    bound.learn(request, completion.usage);
    pace.correct(granted, completion);
    return completion;
  }
  return {
    id: model.id,
    maxInFlight: model.maxInFlight,
    structured: model.structured,
    complete: (request) => paced(request, (open) => model.complete(open)),
    chat: (request) => paced(request, (open) => model.chat(open)),
    close: async () => {
      pace.close();
      await model.close();
    },
  };
}

interface Grants {
  readonly requests: Grant | undefined;
  readonly tokens: Grant | undefined;
}

interface Waiting {
  readonly tokens: number;
  readonly go: (grants: Grants) => void;
  readonly fail: (error: HeadwaterError) => void;
}

/** First come, first served: one that waits for its tokens holds up those behind it, or a large one would starve. */
class Pace {
  readonly #requests: MinuteWindow | undefined;
  readonly #tokens: MinuteWindow | undefined;
  readonly #queue = new Set<Waiting>();
  /** Ends the sleep until the first in the queue may go. */
  #sleep: AbortController | undefined;
  #closed = false;

  constructor(
    private readonly id: string,
    { requestsPerMinute, tokensPerMinute }: MinuteBudget,
    private readonly clock: Clock,
  ) {
    this.#requests = requestsPerMinute === undefined ? undefined : new MinuteWindow(requestsPerMinute);
    this.#tokens = tokensPerMinute === undefined ? undefined : new MinuteWindow(tokensPerMinute);
  }

  take(tokens: number, signal: AbortSignal | undefined): Promise<Grants> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      if (this.#closed) throw this.#wasClosed();
      // One signal may end any number of requests, of which Node would warn.
      if (signal) setMaxListeners(0, signal);
      const leave = () => {
        this.#queue.delete(waiting);
        reject(signal?.reason);
        this.#advance();
      };
      const waiting: Waiting = {
        tokens,
        go: (grants) => {
          signal?.removeEventListener('abort', leave);
          resolve(grants);
        },
        fail: (error) => {
          signal?.removeEventListener('abort', leave);
          reject(error);
        },
      };
      signal?.addEventListener('abort', leave, { once: true });
      this.#queue.add(waiting);
      if (this.#queue.size === 1) this.#advance();
    });
  }

  correct({ requests, tokens }: Grants, { usage, attempts }: Completion): void {
    requests?.correct(attempts);
    tokens?.correct(usage.promptTokens + usage.completionTokens);
    if (this.#queue.size > 0) this.#advance();
  }

  close(): void {
    this.#closed = true;
    this.#sleep?.abort();
    for (const waiting of this.#queue) waiting.fail(this.#wasClosed());
    this.#queue.clear();
  }

  #wasClosed(): HeadwaterError {
    return new HeadwaterError('engine-closed', `${this.id} was closed before it was asked`);
  }

  /** Lets all go that may, and sleeps until the next one may. */
  #advance(): void {
    this.#sleep?.abort();
    this.#sleep = undefined;
    for (const waiting of this.#queue) {
      const now = this.clock.now();
      const ms = Math.max(this.#requests?.wait(1, now) ?? 0, this.#tokens?.wait(waiting.tokens, now) ?? 0);
      if (ms > 0) {
        this.#advanceAfter(ms);
        return;
      }
      this.#queue.delete(waiting);
      waiting.go({ requests: this.#requests?.take(1, now), tokens: this.#tokens?.take(waiting.tokens, now) });
    }
  }

  #advanceAfter(ms: number): void {
    const sleep = new AbortController();
    this.#sleep = sleep;
    this.clock.sleep(ms, sleep.signal).then(
      () => this.#advance(),
      () => undefined,
    );
  }
}
