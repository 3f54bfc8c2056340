import type { ChatRequest, Completion, CompletionRequest, LanguageModel, Usage } from '../operators/language-model.js';
import { costOf, type Price } from './prices.js';
import { TokenBound } from './token-bound.js';
import { WaitingLine } from './waiting-line.js';

/** What all runs on a data folder may come to together; at least one of both. */
export interface BudgetLimits {
  /** Of prompts and answers. */
  readonly tokens?: number | undefined;
  readonly usd?: number | undefined;
}

export interface Spent {
  readonly tokens: number;
  readonly usd: number;
}

const nothing: Spent = { tokens: 0, usd: 0 };

/**
 * What models may still spend: each request reserves the most that it may come to, and waits where that does not fit beside what
 * is spent and in flight. So the closer the end, the fewer are in flight. The limits are exceeded at most by what prompts have more
 * than was estimated, and by what a host charges for requests that failed, were aborted, or were second copies: those count as
 * nothing. When the next request does not fit although none is in flight, the budget is spent: `onSpent` is called once, and
 * requests wait from then on until their signals end them.
 */
export class RunBudget {
  readonly #limits: BudgetLimits;
  readonly #onSpent: (left: Spent, needed: Spent) => void;
  /** By the most that they may come to. */
  readonly #line = new WaitingLine<Spent, void>();
  #before: Spent;
  #own = nothing;
  #reserved = nothing;
  #inFlight = 0;
  #isSpent = false;

  /** @param before what was spent when this process began */
  constructor(limits: BudgetLimits, before: Spent, onSpent: (left: Spent, needed: Spent) => void) {
    this.#limits = limits;
    this.#before = before;
    this.#onSpent = onSpent;
  }

  get isSpent(): boolean {
    return this.#isSpent;
  }

  /** Whether nothing is asked for now, and no answer is waited for. */
  get isIdle(): boolean {
    return this.#inFlight === 0 && this.#line.size === 0;
  }

  /** By all, as far as this process knows. */
  get spent(): Spent {
    return plus(this.#before, this.#own);
  }

  /** What this process alone has spent; to be asked before others' spending is looked up, for `known`. */
  get own(): Spent {
    return this.#own;
  }

  /** Takes what all processes had spent when this one's own was `own`; what it spent since then may count twice until the next time. */
  known(all: Spent, own: Spent): void {
    this.#before = minus(all, own);
    this.#advance();
  }

  /** The same model within the budget; `price` is what it charges. */
  limited(model: LanguageModel, price: Price | undefined): LanguageModel {
    if (price === undefined && this.#limits.usd !== undefined) {
      throw new TypeError(`${model.id}: a budget in US dollars needs the price of the model`);
    }
    const bound = new TokenBound();
    const ask = async <Request extends CompletionRequest | ChatRequest>(
      request: Request,
      asked: (request: Request) => Promise<Completion>,
    ): Promise<Completion> => {
      const most = spending(bound.of(request), price);
      await this.#take(most, request.signal);
      let actual = nothing;
      try {
        const completion = await asked(request);
        const { usage, cost } = completion;
        bound.learn(request, usage);
        actual = { tokens: usage.promptTokens + usage.completionTokens, usd: cost ?? 0 };
        return completion;
      } finally {
        this.#settle(most, actual);
      }
    };
    return {
      id: model.id,
      maxInFlight: model.maxInFlight,
      structured: model.structured,
      complete: (request) => ask(request, (open) => model.complete(open)),
      chat: (request) => ask(request, (open) => model.chat(open)),
      close: () => model.close(),
    };
  }

  #take(most: Spent, signal: AbortSignal | undefined): Promise<void> {
    const granted = this.#line.enter(most, signal, () => this.#advance());
    this.#advance();
    return granted;
  }

  #settle(most: Spent, actual: Spent): void {
    this.#inFlight -= 1;
    // Sums of fractions leave dust, which must not outlast the last request.
    this.#reserved = this.#inFlight === 0 ? nothing : minus(this.#reserved, most);
    this.#own = plus(this.#own, actual);
    this.#advance();
  }

  #advance(): void {
    for (let most = this.#line.first; most !== undefined; most = this.#line.first) {
      if (this.#isSpent) return;
      if (!this.#fits(most)) {
        if (this.#inFlight === 0) this.#end(most);
        return;
      }
      this.#inFlight += 1;
      this.#reserved = plus(this.#reserved, most);
      this.#line.grant();
    }
  }

  #fits(most: Spent): boolean {
    const { tokens = Number.POSITIVE_INFINITY, usd = Number.POSITIVE_INFINITY } = this.#limits;
    const sum = plus(plus(this.spent, this.#reserved), most);
    return sum.tokens <= tokens && sum.usd <= usd;
  }

  #end(needed: Spent): void {
    this.#isSpent = true;
    const { tokens = Number.POSITIVE_INFINITY, usd = Number.POSITIVE_INFINITY } = this.#limits;
    this.#onSpent(minus({ tokens, usd }, this.spent), needed);
  }
}

function spending(usage: Usage, price: Price | undefined): Spent {
  const tokens = usage.promptTokens + usage.completionTokens;
  return { tokens, usd: price === undefined ? 0 : costOf(price, usage) };
}

function plus(a: Spent, b: Spent): Spent {
  return { tokens: a.tokens + b.tokens, usd: a.usd + b.usd };
}

function minus(a: Spent, b: Spent): Spent {
  return { tokens: a.tokens - b.tokens, usd: a.usd - b.usd };
}
