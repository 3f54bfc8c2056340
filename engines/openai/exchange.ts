import type { IncomingHttpHeaders } from 'node:http';
import { StringDecoder } from 'node:string_decoder';
import type { Dispatcher } from 'undici';

import type { Ending } from './ending.js';
import { disconnected, Failure } from './failure.js';

/** Larger answers are no completions; nothing beyond is kept in memory. */
const maxAnswerBytes = 64 * 2 ** 20;
const maxRefusalBytes = 64 * 2 ** 10;
/** What patience is right is learned while a request waits. */
const lookAgainMs = 500;

/** One POST and what to do with its answer. */
export interface Post {
  readonly path: string;
  readonly headers: readonly string[];
  readonly body: string;
  /** For the whole exchange. */
  readonly timeoutMs: number;
  /** Between two pieces of the answer, once it has begun. */
  readonly idleTimeoutMs: number;
  /** Until the first piece of the answer; undefined while nobody knows. */
  readonly patienceMs: () => number | undefined;
  readonly ending: Ending;
  /** Gets the text of a 2xx answer in pieces; false hangs up, and the exchange counts as complete. */
  readonly onText: (piece: string) => boolean;
  /** Whether the request may be given up because the answer has not begun. */
  readonly mayGiveUp: () => boolean;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Of an answer that is not 2xx, up to 64 KiB of it; else empty. */
  readonly text: string;
  /** Milliseconds to the first piece of the answer, and to its end. */
  readonly firstMs: number;
  readonly totalMs: number;
}

/**
 * One request, sent on a free connection of the pool when it is made. `reply` rejects with a `Failure`, with what `onText` throws,
 * or with the reason of the ending; the connection is closed then. It uses undici's `dispatch` since a stream per answer costs
 * twice the time.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly reply: Promise<Reply>;
  readonly #post: Post;
  readonly #startedAt = performance.now();
  /** Made when a piece ends within a character. */
  #decoder: StringDecoder | undefined;
  #unlisten: () => void = () => undefined;
  #resolve: (reply: Reply) => void = () => undefined;
  #reject: (reason: unknown) => void = () => undefined;
  /** One for the patience, the time between pieces, and the time for the whole exchange. */
  #timer: NodeJS.Timeout;
  #controller: Dispatcher.DispatchController | undefined;
  #settled = false;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #firstMs: number | undefined;
  /** When the last piece of the answer came. */
  #heardAt: number | undefined;
  #bytes = 0;
  #text = '';

  constructor(pool: Dispatcher, post: Post) {
    this.reply = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#post = post;
    const { timeoutMs, idleTimeoutMs } = post;
    this.#timer = setTimeout(this.#waited, Math.min(post.patienceMs() ?? lookAgainMs, timeoutMs, idleTimeoutMs));
    this.#unlisten = post.ending.listen((reason) => this.#fail(reason));
    const { path, headers, body } = post;
    pool.dispatch({ method: 'POST', path, headers: [...headers], body, headersTimeout: 0, bodyTimeout: 0 }, this);
  }

  /** Whether no piece of the answer has come. */
  get isSilent(): boolean {
    return !this.#settled && this.#firstMs === undefined;
  }

  giveUp(failure: Failure): void {
    this.#fail(failure);
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
    this.#heardAt = performance.now();
    this.#firstMs ??= this.#heardAt - this.#startedAt;
    this.#bytes += chunk.byteLength;
    if (this.#isAnswer()) {
      if (this.#bytes > maxAnswerBytes) this.#fail(tooLarge());
      else this.#pass(this.#decoded(chunk));
    } else {
      this.#text += this.#decoded(chunk);
      if (this.#bytes > maxRefusalBytes) this.#hangUp();
    }
  }

  onResponseEnd(): void {
    if (!this.#settled && this.#isAnswer()) this.#pass(this.#decoder?.end() ?? '');
    this.#complete();
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#fail(disconnected(error, this.#controller !== undefined));
  }

  #decoded(chunk: Buffer): string {
    // Pieces end with a line as a rule, and a decoder for each answer costs a twentieth of all memory that is asked for.
    if (this.#decoder === undefined && (chunk.at(-1) ?? 0) < 0x80) return chunk.toString();
    this.#decoder ??= new StringDecoder('utf8');
    return this.#decoder.write(chunk);
  }

  #isAnswer(): boolean {
    return this.#status >= 200 && this.#status < 300;
  }

  #pass(piece: string): void {
    try {
      if (piece !== '' && !this.#post.onText(piece)) this.#hangUp();
    } catch (error) {
      this.#fail(error);
    }
  }

  readonly #waited = (): void => {
    const { timeoutMs, idleTimeoutMs, mayGiveUp } = this.#post;
    const now = performance.now();
    const elapsedMs = now - this.#startedAt;
    const leftMs = timeoutMs - elapsedMs;
    const silentMs = this.#heardAt === undefined ? undefined : now - this.#heardAt;
    const patienceMs = this.#post.patienceMs() ?? timeoutMs;
    // Timers may be early by a millisecond.
    if (leftMs <= 1) this.#late('finish its answer', timeoutMs);
    else if (silentMs !== undefined && silentMs + 1 >= idleTimeoutMs)
      this.#late('go on with its answer', idleTimeoutMs);
    else if (silentMs !== undefined) this.#lookAgainIn(Math.min(leftMs, idleTimeoutMs - silentMs));
    else if (elapsedMs + 1 >= patienceMs && mayGiveUp()) this.#late('begin its answer', Math.round(elapsedMs));
    else this.#lookAgainIn(Math.min(lookAgainMs, leftMs, idleTimeoutMs));
  };

  #lookAgainIn(ms: number): void {
    this.#timer = setTimeout(this.#waited, ms);
  }

  #late(what: string, ms: number): void {
    this.#fail(new Failure('endpoint-timeout', `it did not ${what} within ${ms} ms`, true));
  }

  #complete(): void {
    if (!this.#settle()) return;
    const totalMs = performance.now() - this.#startedAt;
    const firstMs = this.#firstMs ?? totalMs;
    this.#resolve({ status: this.#status, headers: this.#headers, text: this.#text, firstMs, totalMs });
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
    this.#unlisten();
    return true;
  }
}

function tooLarge(): Failure {
  return new Failure('endpoint-malformed', 'the answer is larger than 64 MiB', false);
}
