import type { Token } from 'node-llama-cpp';

export interface AnswerOptions {
  /** The text of tokens, given those before them. */
  readonly detokenize: (tokens: readonly Token[], before: readonly Token[]) => string;
  /** Whether a token ends an answer. */
  readonly isEnd: (token: Token) => boolean;
  /** The last tokens of the prompt. */
  readonly before: readonly Token[];
  readonly stop: readonly string[];
  readonly maxTokens: number;
}

/** Cut characters are at most this many tokens long; what is still broken after them is broken for good. */
const maxPending = 8;
const broken = '\uFFFD';

/** Sampled tokens in, the text of the answer out, up to its end: an end token, a stop text, or the limit. */
export class Answer {
  text = '';
  /** Sampled tokens, with those of the end token and of the stop text. */
  tokens = 0;
  finishReason: 'stop' | 'length' | undefined;

  readonly #options: AnswerOptions;
  readonly #longestStop: number;
  #before: readonly Token[];
  /** Tokens that end within a character. */
  #pending: Token[] = [];

  constructor(options: AnswerOptions) {
    this.#options = options;
    this.#longestStop = Math.max(0, ...options.stop.map((stop) => stop.length));
    this.#before = options.before.slice(-4);
  }

  /** Takes the next token; true when the answer has ended. */
  push(token: Token): boolean {
    this.tokens += 1;
    if (this.#options.isEnd(token)) this.#finish('stop');
    else {
      this.#pending.push(token);
      const piece = this.#options.detokenize(this.#pending, this.#before);
      if (!piece.endsWith(broken) || this.#pending.length >= maxPending) this.#append(piece);
      if (this.finishReason === undefined && this.tokens >= this.#options.maxTokens) this.#finish('length');
    }
    return this.finishReason !== undefined;
  }

  #append(piece: string): void {
    this.#before = [...this.#before, ...this.#pending].slice(-4);
    this.#pending = [];
    const from = Math.max(0, this.text.length - this.#longestStop + 1);
    this.text += piece;
    const found = this.#options.stop.map((stop) => this.text.indexOf(stop, from)).filter((at) => at >= 0);
    if (found.length === 0) return;
    this.text = this.text.slice(0, Math.min(...found));
    this.finishReason = 'stop';
  }

  /** The tokens of a character that was cut by the end are left out of the text. */
  #finish(reason: 'stop' | 'length'): void {
    if (this.#pending.length > 0) {
      this.#append(this.#options.detokenize(this.#pending, this.#before).replace(/\uFFFD+$/, ''));
    }
    this.finishReason ??= reason;
  }
}
