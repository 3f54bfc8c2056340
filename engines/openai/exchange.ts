import type { IncomingHttpHeaders } from 'node:http';
import { StringDecoder } from 'node:string_decoder';
import type { Dispatcher } from 'undici';

import { disconnected, Failure } from './failure.js';

/** Larger answers are no completions; nothing beyond is kept in memory. */
const maxAnswerBytes = 64 * 2 ** 20;
const maxRefusalBytes = 64 * 2 ** 10;

/** One POST and what to do with its answer. */
export interface Exchange {
  readonly path: string;
  readonly headers: readonly string[];
  readonly body: string;
  /** For the whole exchange. */
  readonly timeoutMs: number;
  /** Between two pieces of the answer, once it has begun. */
  readonly idleTimeoutMs: number;
  readonly signal: AbortSignal;
  /** Gets the text of a 2xx answer in pieces; false hangs up, and the exchange counts as complete. */
  readonly onText: (piece: string) => boolean;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Of an answer that is not 2xx, up to 64 KiB of it; else empty. */
  readonly text: string;
}

/**
 * Sends one request on a free connection of the pool. Rejects with a `Failure`, with what `onText` throws, or with the signal's
 * reason; the connection is closed then. It uses undici's `dispatch` since a stream per answer costs twice the time.
 */
export function post(pool: Dispatcher, exchange: Exchange): Promise<Reply> {
  return new Promise((resolve, reject) => {
    exchange.signal.throwIfAborted();
    const receiver = new Receiver(exchange, resolve, reject);
    const { path, headers, body } = exchange;
    const timers = { headersTimeout: 0, bodyTimeout: 0 };
    pool.dispatch({ method: 'POST', path, headers: [...headers], body, ...timers }, receiver);
  });
}

class Receiver implements Dispatcher.DispatchHandler {
  readonly #exchange: Exchange;
  readonly #resolve: (reply: Reply) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #decoder = new StringDecoder('utf8');
  #controller: Dispatcher.DispatchController | undefined;
  #idle: NodeJS.Timeout | undefined;
  #settled = false;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #bytes = 0;
  #text = '';

  constructor(exchange: Exchange, resolve: (reply: Reply) => void, reject: (reason: unknown) => void) {
    this.#exchange = exchange;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = setTimeout(() => this.#late('finish its answer', exchange.timeoutMs), exchange.timeoutMs);
    exchange.signal.addEventListener('abort', this.#aborted, { once: true });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // It was given up while it waited for a connection.
    if (this.#settled) controller.abort(new Error('given up'));
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#settled) return;
    this.#waitForMore();
    this.#bytes += chunk.byteLength;
    if (this.#isAnswer()) {
      if (this.#bytes > maxAnswerBytes) this.#fail(tooLarge());
      else this.#pass(this.#decoder.write(chunk));
    } else {
      this.#text += this.#decoder.write(chunk);
      if (this.#bytes > maxRefusalBytes) this.#hangUp();
    }
  }

  onResponseEnd(): void {
    if (!this.#settled && this.#isAnswer()) this.#pass(this.#decoder.end());
    this.#complete();
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#fail(disconnected(error));
  }

  #isAnswer(): boolean {
    return this.#status >= 200 && this.#status < 300;
  }

  #pass(piece: string): void {
    try {
      if (piece !== '' && !this.#exchange.onText(piece)) this.#hangUp();
    } catch (error) {
      this.#fail(error);
    }
  }

  #waitForMore(): void {
    const { idleTimeoutMs } = this.#exchange;
    if (this.#idle) this.#idle.refresh();
    else this.#idle = setTimeout(() => this.#late('go on with its answer', idleTimeoutMs), idleTimeoutMs);
  }

  #late(what: string, ms: number): void {
    this.#fail(new Failure('endpoint-timeout', `it did not ${what} within ${ms} ms`, true));
  }

  readonly #aborted = (): void => this.#fail(this.#exchange.signal.reason);

  #complete(): void {
    if (this.#settle()) this.#resolve({ status: this.#status, headers: this.#headers, text: this.#text });
  }

  #hangUp(): void {
    this.#complete();
    this.#controller?.abort(new Error('heard enough'));
  }

  #fail(reason: unknown): void {
    if (!this.#settle()) return;
    this.#reject(reason);
    this.#controller?.abort(new Error('given up'));
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#idle);
    this.#exchange.signal.removeEventListener('abort', this.#aborted);
    return true;
  }
}

function tooLarge(): Failure {
  return new Failure('endpoint-malformed', 'the answer is larger than 64 MiB', false);
}
