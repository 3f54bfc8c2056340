import type { ChatRequest, Completion, CompletionRequest, LanguageModel } from '../operators/language-model.js';
import { HeadwaterError } from '../schemas/errors.js';
import { type Grant, MinuteWindow } from './minute-window.js';
import { type Clock, steadyClock } from './openai/clock.js';
import { TokenBound } from './token-bound.js';
import { WaitingLine } from './waiting-line.js';

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

/** First come, first served: one that waits for its tokens holds up those behind it, or a large one would starve. */
class Pace {
  readonly #requests: MinuteWindow | undefined;
  readonly #tokens: MinuteWindow | undefined;
  /** By the tokens that they may come to. */
  readonly #line = new WaitingLine<number, Grants>();
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
    if (this.#closed) return Promise.reject(this.#wasClosed());
    const granted = this.#line.enter(tokens, signal, () => this.#advance());
    if (this.#line.size === 1) this.#advance();
    return granted;
  }

  correct({ requests, tokens }: Grants, { usage, attempts }: Completion): void {
    requests?.correct(attempts);
    tokens?.correct(usage.promptTokens + usage.completionTokens);
    if (this.#line.size > 0) this.#advance();
  }

  close(): void {
    this.#closed = true;
    this.#sleep?.abort();
    this.#line.rejectAll(this.#wasClosed());
  }

  #wasClosed(): HeadwaterError {
    return new HeadwaterError('engine-closed', `${this.id} was closed before it was asked`);
  }

  /** Lets all go that may, and sleeps until the next one may. */
  #advance(): void {
    this.#sleep?.abort();
    this.#sleep = undefined;
    for (let tokens = this.#line.first; tokens !== undefined; tokens = this.#line.first) {
      const now = this.clock.now();
      const ms = Math.max(this.#requests?.wait(1, now) ?? 0, this.#tokens?.wait(tokens, now) ?? 0);
      if (ms > 0) {
        this.#advanceAfter(ms);
        return;
      }
      this.#line.grant({ requests: this.#requests?.take(1, now), tokens: this.#tokens?.take(tokens, now) });
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
