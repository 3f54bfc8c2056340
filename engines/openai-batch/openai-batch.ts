import { setMaxListeners } from 'node:events';

import type { ChatRequest, Completion, CompletionRequest, LanguageModel } from '../../operators/language-model.js';
import { HeadwaterError } from '../../schemas/errors.js';
import { type Clock, systemClock } from '../openai/clock.js';
import { Failure } from '../openai/failure.js';
import { requestHash } from '../request-hash.js';
import { type Asked, AskedRequests } from './asked.js';
import { BatchApi, type ServerBatch } from './batch-api.js';
import { Collector } from './collector.js';
import { createOnce } from './create-once.js';
import { earlierBatches } from './earlier-batches.js';
import { lineOf } from './exchange.js';
import type { Route } from './lines.js';
import { type BatchSettings, checkedBatch, type OpenaiBatchOptions } from './options.js';
import { type Due, longestPauseMs, Schedule } from './schedule.js';
import { SentBatches } from './sent-batches.js';
import { firstDialect, ServerDialect } from './server-dialect.js';

export type { OpenaiBatchOptions } from './options.js';

/** Of an input file; OpenAI takes 200 MB. */
const maxFileBytes = 100 * 2 ** 20;

/**
 * A model behind OpenAI's batch interface: answers come within a day, at half the price.
 *
 * Requests are gathered until there are `requests` of them, or none came for `pauseMs`; then they are uploaded as a file, and the batch
 * is looked at every `pollMs`. A request's id in its batch is its hash: a process that begins looks for the batches of its pipeline of
 * the last three days, and takes from them what it is asked for, so nothing is paid twice after a crash, but for what is in files that were
 * deleted: it is asked again. Equal requests are sent once; those that get the first one's answer are marked as reused.
 *
 * Requests without an answer (their batch failed, expired or was cancelled, or its lines cannot be read) are put into another batch up to
 * `retries` times, then reject with `endpoint-unreachable`, `endpoint-malformed` or `endpoint-refused`. After a batch that failed as a whole
 * nothing is sent for a pause, which doubles up to ten minutes; where too many tokens were enqueued smaller batches follow, and for a day that
 * counts as no try. Earlier batches are looked up with `retries` more tries, with pauses that double from `pollMs`; then what is asked
 * rejects, and nothing was sent. Looks at a batch go on, with pauses up to ten minutes, until the server answers: it is paid for.
 *
 * A request that is aborted before it was sent is left out; later it stays in its batch, and costs what it costs. `close` lets batches go
 * on unless asked to cancel them. In memory: the requests that wait, and about 200 bytes for each one that is in a batch of the last
 * three days.
 *
 * @example
 * ```ts
 * const model = openaiBatch({ url: 'https://api.openai.com/v1', model: 'gpt-4o-mini', key, pipeline: 'word-problems' });
 * ```
 */
export function openaiBatch(options: OpenaiBatchOptions): LanguageModel {
  return new BatchEndpoint(checkedBatch(options), options.clock ?? systemClock);
}

class BatchEndpoint implements LanguageModel {
  readonly id: string;
  readonly maxInFlight: number;
  readonly structured = false;
  readonly #settings: BatchSettings;
  readonly #clock: Clock;
  readonly #api: BatchApi;
  readonly #schedule: Schedule;
  readonly #closing = new AbortController();
  readonly #asked: AskedRequests;
  readonly #sent = new SentBatches();
  readonly #dialect = new ServerDialect();
  readonly #collector: Collector;
  /** Keys that were given out to be sent, until a batch has them or it is known that none will. */
  readonly #sending = new Set<string>();
  #adopted = false;
  #working: Promise<void> | undefined;
  #nap: AbortController | undefined;

  constructor(settings: BatchSettings, clock: Clock) {
    // The same answers as at the same server's other interface.
    this.id = `openai/${settings.model}`;
    this.maxInFlight = settings.maxInFlight;
    this.#settings = settings;
    this.#clock = clock;
    this.#api = new BatchApi(settings.base, settings.key, () => clock.now(), this.#closing.signal);
    this.#asked = new AskedRequests(this.id, settings);
    const { requests, pauseMs, pollMs } = settings;
    const schedule = new Schedule({ requests, bytes: maxFileBytes, pauseMs, pollMs });
    this.#schedule = schedule;
    const [api, asked, sent, dialect] = [this.#api, this.#asked, this.#sent, this.#dialect];
    const place = (one: Asked) => this.#place(one);
    const { signal } = this.#closing;
    this.#collector = new Collector({ api, settings, clock, schedule, asked, sent, dialect, place, signal });
    setMaxListeners(0, this.#closing.signal);
  }

  complete(request: CompletionRequest): Promise<Completion> {
    return this.#ask('/v1/completions', request);
  }

  chat(request: ChatRequest): Promise<Completion> {
    return this.#ask('/v1/chat/completions', request);
  }

  async close(): Promise<void> {
    const error = new HeadwaterError('engine-closed', `${this.id} was closed before its batch was done`);
    if (this.#settings.cancelOnClose) {
      const wanted = this.#sent.all.filter(({ open }) => this.#asked.of(open).length > 0);
      await Promise.allSettled(wanted.map(({ id }) => this.#api.cancel(id)));
    }
    this.#closing.abort(error);
    for (const asked of this.#asked.all) this.#asked.reject(asked, error);
    await this.#working;
    await this.#api.close();
  }

  async #ask(route: Route, request: CompletionRequest | ChatRequest): Promise<Completion> {
    const { signal } = request;
    signal?.throwIfAborted();
    this.#closing.signal.throwIfAborted();
    const key = requestHash(this.id, request);
    const asked = this.#asked.get(key) ?? this.#begin(key, route, request);
    return this.#asked.wait(asked, signal, () => this.#schedule.drop(route, key));
  }

  #begin(key: string, route: Route, request: CompletionRequest | ChatRequest): Asked {
    const asked: Asked = { key, route, request, startedAt: this.#clock.now(), waiters: new Set(), failed: 0 };
    this.#asked.add(asked);
    if (this.#adopted) this.#place(asked);
    this.#working ??= this.#work();
    this.#nap?.abort();
    return asked;
  }

  /** Into the batch that has it already, or to those that are gathered. */
  #place(asked: Asked): void {
    // Asked for by others who left since: it is on its way.
    if (this.#sending.has(asked.key)) return;
    const now = this.#clock.now();
    const batch = this.#sent.with(asked.key);
    // Those that belong to the same batch come one after the other.
    if (batch === undefined) this.#schedule.gather(asked.route, asked.key, this.#lineOf(asked).length, now);
    else this.#schedule.watch(batch.id, now, this.#settings.pauseMs);
  }

  /** Goes on while somebody waits. */
  async #work(): Promise<void> {
    // Requests of one turn are looked up together.
    await Promise.resolve();
    const { signal } = this.#closing;
    while (this.#asked.size > 0 && !signal.aborted) {
      if (!this.#adopted) await this.#adopt();
      for (const due of this.#due()) {
        if (!signal.aborted) await this.#do(due);
      }
      await this.#sleep(this.#schedule.wait(this.#clock.now()) ?? this.#settings.pollMs);
    }
    this.#working = undefined;
  }

  #due(): readonly Due[] {
    const due = this.#schedule.due(this.#clock.now());
    for (const key of due.flatMap((each) => (each.kind === 'send' ? each.keys : []))) this.#sending.add(key);
    return due;
  }

  async #sleep(ms: number): Promise<void> {
    const nap = new AbortController();
    this.#nap = nap;
    const signal = AbortSignal.any([nap.signal, this.#closing.signal]);
    if (this.#asked.size > 0 && !signal.aborted) await this.#clock.sleep(ms, signal).catch(() => undefined);
    this.#nap = undefined;
  }

  async #do(due: Due): Promise<void> {
    if (due.kind === 'send') await this.#send(due.pile, due.keys);
    else await this.#collector.look(due.batch);
  }

  /** Finds the batches of earlier processes; until then nothing is sent. */
  async #adopt(): Promise<void> {
    const { signal } = this.#closing;
    const { retries, pollMs } = this.#settings;
    for (let failures = 0; this.#asked.size > 0 && !signal.aborted; failures += 1) {
      try {
        await this.#adoptAll();
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof Failure) || !error.retriable || failures >= retries) {
          for (const asked of this.#asked.all) this.#asked.reject(asked, error);
          return;
        }
        const pause = Math.max(error.retryAfterMs ?? 0, Math.min(longestPauseMs, pollMs * 2 ** failures));
        await this.#clock.sleep(pause, signal).catch(() => undefined);
      }
    }
  }

  async #adoptAll(): Promise<void> {
    const known = (id: string) => this.#sent.get(id) !== undefined;
    const earlier = earlierBatches(this.#api, this.#settings.pipeline, this.#clock.now(), known);
    for await (const { id, keys, hasEnded } of earlier) {
      const open = new Set([...keys].filter((key) => this.#sent.with(key) === undefined));
      if (open.size > 0) this.#sent.add({ id, dialect: firstDialect, open, hasEnded });
    }
    this.#adopted = true;
    for (const asked of this.#asked.all) this.#place(asked);
  }

  async #send(pile: string, keys: readonly string[]): Promise<void> {
    const all = this.#asked.of(keys);
    const sent = new Set(all.map(({ key }) => key));
    // Who asks from now on for what was left out has it gathered.
    this.#notSending(keys.filter((key) => !sent.has(key)));
    const [first] = all;
    if (first === undefined) return;
    const dialect = this.#dialect.current;
    try {
      const file = await this.#api.upload(all.map((asked) => this.#lineOf(asked)));
      const { id } = await this.#create(file, first.route);
      this.#schedule.sendSucceeded(pile);
      this.#sent.add({ id, dialect, open: sent, hasEnded: false });
      this.#notSending(sent);
      this.#schedule.watch(id, this.#clock.now());
    } catch (error) {
      this.#notSending(sent);
      if (!this.#closing.signal.aborted) this.#notSent(pile, [...sent], error);
    }
  }

  #create(file: string, route: Route): Promise<ServerBatch> {
    const { signal } = this.#closing;
    return createOnce(file, route, { api: this.#api, settings: this.#settings, clock: this.#clock, signal });
  }

  #notSending(keys: Iterable<string>): void {
    for (const key of keys) this.#sending.delete(key);
  }

  #notSent(pile: string, keys: readonly string[], error: unknown): void {
    for (const asked of this.#asked.of(keys)) {
      if (this.#asked.triesAgain(asked, error)) this.#place(asked);
    }
    if (error instanceof Failure && error.retriable) this.#schedule.sendFailed(pile, this.#clock.now());
  }

  #lineOf(asked: Asked): string {
    return lineOf(asked, this.#settings.model, this.#dialect.current);
  }
}
