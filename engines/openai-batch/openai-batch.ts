import { setMaxListeners } from 'node:events';

import type { ChatRequest, Completion, CompletionRequest, LanguageModel } from '../../operators/language-model.js';
import { HeadwaterError } from '../../schemas/errors.js';
import { AnswerReader } from '../openai/answer.js';
import { type Clock, systemClock } from '../openai/clock.js';
import { completionOf } from '../openai/completion.js';
import { Failure, refused } from '../openai/failure.js';
import { chatBody, completionBody, type Dialect, narrowed, opening, widest } from '../openai/payload.js';
import { requestHash } from '../request-hash.js';
import { BatchApi, type ServerBatch } from './batch-api.js';
import { customIdOf, type Result, type Route, requestLine, resultOf } from './lines.js';
import { type BatchSettings, checkedBatch, type OpenaiBatchOptions } from './options.js';
import { type Due, Schedule } from './schedule.js';

export type { OpenaiBatchOptions } from './options.js';

/** As OpenAI takes requests; what it refuses of them narrows it. */
const firstDialect: Dialect = { ...widest, streamOptions: false, continueFinal: false, stops: 4 };
/** Of an input file; OpenAI takes 200 MB. */
const maxFileBytes = 100 * 2 ** 20;
const ended: ReadonlySet<string> = new Set(['completed', 'failed', 'expired', 'cancelled']);
/** Batches of earlier processes that are older are not looked for: they live for a day. */
const adoptMs = 3 * 86_400_000;

/**
 * A model behind OpenAI's batch interface: answers come within a day, at half the price.
 *
 * Requests are gathered until there are `requests` of them, or none came for `pauseMs`; then they are uploaded as a file, and the batch
 * is looked at every `pollMs`. A request's id in its batch is its hash: a process that begins looks for the batches of its pipeline of
 * the last three days, and takes from them what it is asked for, so nothing is paid twice after a crash. Equal requests are sent once; those
 * that get the first one's answer are marked as reused.
 *
 * Requests without an answer (their batch failed, expired or was cancelled, or its lines cannot be read) are put into another batch up to
 * `retries` times, then reject with `endpoint-unreachable`, `endpoint-malformed` or `endpoint-refused`. A request that is aborted before it
 * was sent is left out; later it stays in its batch, and costs what it costs. `close` lets batches go on unless asked to cancel them. In
 * memory: the requests that wait, and about 200 bytes for each one that is in a batch of the last three days.
 *
 * @example
 * ```ts
 * const model = openaiBatch({ url: 'https://api.openai.com/v1', model: 'gpt-4o-mini', key, pipeline: 'word-problems' });
 * ```
 */
export function openaiBatch(options: OpenaiBatchOptions): LanguageModel {
  return new BatchEndpoint(checkedBatch(options), options.clock ?? systemClock);
}

interface Waiter {
  readonly resolve: (completion: Completion) => void;
  readonly reject: (reason: unknown) => void;
}

/** A request that somebody waits for. */
interface Asked {
  readonly key: string;
  readonly route: Route;
  readonly request: CompletionRequest | ChatRequest;
  readonly startedAt: number;
  readonly waiters: Set<Waiter>;
  /** Batches that did not answer it. */
  failed: number;
}

interface Batch {
  readonly id: string;
  /** In which its requests were written. */
  readonly dialect: Dialect;
  /** Keys of requests that are not settled. */
  readonly open: Set<string>;
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
  /** By key. */
  readonly #asked = new Map<string, Asked>();
  /** Of this process and of those before, which may still have something. */
  readonly #batches = new Map<string, Batch>();
  /** The batch that has a request, by its key. */
  readonly #inBatch = new Map<string, Batch>();
  #dialect = firstDialect;
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
    const { requests, pauseMs, pollMs } = settings;
    this.#schedule = new Schedule({ requests, bytes: maxFileBytes, pauseMs, pollMs });
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
      const wanted = [...this.#batches.values()].filter((batch) => this.#wantedOf(batch).length > 0);
      await Promise.allSettled(wanted.map(({ id }) => this.#api.cancel(id)));
    }
    this.#closing.abort(error);
    for (const asked of [...this.#asked.values()]) this.#reject(asked, error);
    await this.#working;
    await this.#api.close();
  }

  #ask(route: Route, request: CompletionRequest | ChatRequest): Promise<Completion> {
    return new Promise((resolve, reject) => {
      const { signal } = request;
      signal?.throwIfAborted();
      this.#closing.signal.throwIfAborted();
      const key = requestHash(this.id, request);
      const asked = this.#asked.get(key) ?? this.#begin(key, route, request);
      const leave = () => {
        asked.waiters.delete(waiter);
        if (asked.waiters.size === 0) this.#forget(asked);
        reject(signal?.reason);
      };
      const release = () => signal?.removeEventListener('abort', leave);
      const waiter: Waiter = {
        resolve: (completion) => {
          release();
          resolve(completion);
        },
        reject: (reason) => {
          release();
          reject(reason);
        },
      };
      signal?.addEventListener('abort', leave, { once: true });
      asked.waiters.add(waiter);
    });
  }

  #begin(key: string, route: Route, request: CompletionRequest | ChatRequest): Asked {
    const asked: Asked = { key, route, request, startedAt: this.#clock.now(), waiters: new Set(), failed: 0 };
    this.#asked.set(key, asked);
    if (this.#adopted) this.#place(asked);
    this.#working ??= this.#work();
    this.#nap?.abort();
    return asked;
  }

  /** Into the batch that has it already, or to those that are gathered. */
  #place(asked: Asked): void {
    const now = this.#clock.now();
    const batch = this.#inBatch.get(asked.key);
    // Those that belong to the same batch come one after the other.
    if (batch === undefined)
      this.#schedule.gather(asked.route, asked.key, lineOf(asked, this.#body(asked)).length, now);
    else this.#schedule.watch(batch.id, now, this.#settings.pauseMs);
  }

  #forget(asked: Asked): void {
    this.#asked.delete(asked.key);
    this.#schedule.drop(asked.route, asked.key);
  }

  /** Goes on while somebody waits. */
  async #work(): Promise<void> {
    // Requests of one turn are looked up together.
    await Promise.resolve();
    const { signal } = this.#closing;
    while (this.#asked.size > 0 && !signal.aborted) {
      if (!this.#adopted) await this.#adopt();
      for (const due of this.#schedule.due(this.#clock.now())) {
        if (!signal.aborted) await this.#do(due);
      }
      await this.#sleep(this.#schedule.wait(this.#clock.now()) ?? this.#settings.pollMs);
    }
    this.#working = undefined;
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
    else await this.#look(due.batch);
  }

  /** Finds the batches of earlier processes; until then nothing is sent. */
  async #adopt(): Promise<void> {
    const { signal } = this.#closing;
    const since = this.#clock.now() - adoptMs;
    try {
      for await (const batch of this.#api.list()) {
        if (batch.createdAt < since) break;
        if (batch.pipeline !== this.#settings.pipeline || this.#batches.has(batch.id)) continue;
        await this.#adoptOne(batch);
      }
      this.#adopted = true;
      for (const asked of this.#asked.values()) this.#place(asked);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Failure) || !error.retriable) {
        this.#rejectAll([...this.#asked.keys()], error);
        return;
      }
      await this.#sleep(this.#settings.pollMs);
    }
  }

  /** What has no result any more is read from the results, or a file would be asked for what it does not have. */
  async #adoptOne(batch: ServerBatch): Promise<void> {
    if (batch.status === 'failed') return;
    const files = ended.has(batch.status) ? batch.resultFiles : [batch.inputFile];
    const own: Batch = { id: batch.id, dialect: firstDialect, open: new Set() };
    for (const file of files) {
      for await (const line of this.#api.lines(file)) {
        const key = line === undefined ? undefined : customIdOf(line);
        if (key !== undefined && !this.#inBatch.has(key)) own.open.add(key);
      }
    }
    // Only now: a file that breaks off is read again from its start.
    for (const key of own.open) this.#inBatch.set(key, own);
    if (own.open.size > 0) this.#batches.set(batch.id, own);
  }

  async #send(pile: string, keys: readonly string[]): Promise<void> {
    const all = keys.flatMap((key) => this.#asked.get(key) ?? []);
    const [first] = all;
    if (first === undefined) return;
    const dialect = this.#dialect;
    try {
      const file = await this.#api.upload(all.map((asked) => lineOf(asked, this.#body(asked))));
      const { id } = await this.#created(file, first.route);
      this.#schedule.sendSucceeded(pile);
      const batch: Batch = { id, dialect, open: new Set(keys) };
      this.#batches.set(id, batch);
      for (const key of keys) this.#inBatch.set(key, batch);
      this.#schedule.watch(id, this.#clock.now());
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      if (!(error instanceof Failure) || !error.retriable) {
        this.#rejectAll(keys, error);
        return;
      }
      for (const asked of all) this.#again(asked, error);
      this.#schedule.sendFailed(pile, this.#clock.now());
    }
  }

  /** A batch whose creation may or may not have been heard is looked for before it is created again: it would be paid twice. */
  async #created(file: string, route: Route): Promise<ServerBatch> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#api.create(file, route, this.#settings.pipeline);
      } catch (error) {
        if (!(error instanceof Failure) || !error.retriable) throw error;
        const there = await this.#found(file, error.retryAfterMs ?? 0);
        if (there !== undefined) return there;
        if (attempt >= this.#settings.retries) throw error;
      }
    }
  }

  /** The batch of a file, or undefined where the server says that there is none; asks until it says so. */
  async #found(file: string, waitMs: number): Promise<ServerBatch | undefined> {
    for (let pause = Math.max(this.#settings.pauseMs, waitMs); ; pause = this.#settings.pollMs) {
      await this.#clock.sleep(pause, this.#closing.signal);
      try {
        return await this.#batchOf(file);
      } catch (error) {
        if (!(error instanceof Failure) || !error.retriable) throw error;
      }
    }
  }

  async #batchOf(file: string): Promise<ServerBatch | undefined> {
    const since = this.#clock.now() - adoptMs;
    for await (const batch of this.#api.list()) {
      if (batch.inputFile === file) return batch;
      if (batch.createdAt < since) break;
    }
    return undefined;
  }

  async #look(id: string): Promise<void> {
    const batch = this.#batches.get(id);
    if (batch === undefined) return;
    try {
      const found = await this.#api.retrieve(id);
      if (!ended.has(found.status)) {
        this.#schedule.watch(id, this.#clock.now());
        return;
      }
      await this.#collect(batch, found);
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      if (error instanceof Failure && error.retriable) {
        this.#schedule.lookFailed(id, this.#clock.now());
        return;
      }
      this.#unanswered(batch, this.#wantedOf(batch), error);
    }
  }

  /** Keys that somebody waits for. */
  #wantedOf(batch: Batch): readonly string[] {
    return [...batch.open].filter((key) => this.#asked.has(key));
  }

  /** Hands results to those who wait; what nobody waits for stays to be asked for. */
  async #collect(batch: Batch, { resultFiles, status, why }: ServerBatch): Promise<void> {
    // Those that are asked for while it is read are read another time.
    const wanted = this.#wantedOf(batch);
    for (const file of resultFiles) {
      for await (const line of this.#api.lines(file)) {
        const result = line === undefined ? undefined : resultOf(line);
        if (result !== undefined && batch.open.has(result.customId)) this.#take(batch, result);
      }
    }
    const said = `its batch ${batch.id} is ${status} and has no answer to it${why === '' ? '' : `: ${why}`}`;
    // Nothing of a batch that failed as a whole was run or paid for; what was expired may be done another day.
    this.#unanswered(batch, wanted, new Failure(why === '' ? 'endpoint-unreachable' : 'endpoint-refused', said, true));
  }

  #take(batch: Batch, { customId, status, body }: Result): void {
    const asked = this.#asked.get(customId);
    if (asked === undefined) return;
    this.#settled(batch, customId);
    try {
      if (status < 200 || status >= 300) throw refused(status, {}, JSON.stringify(body), this.#clock.now());
      const reader = new AnswerReader(asked.request.stop);
      reader.read(JSON.stringify(body));
      this.#resolve(asked, completionOf(asked.request, reader.end(), this.#sent(asked)));
    } catch (error) {
      if (this.#narrow(batch, asked, error)) return;
      this.#again(asked, error);
    }
  }

  #sent({ startedAt, failed, request }: Asked) {
    const milliseconds = this.#clock.now() - startedAt;
    const { model, price } = this.#settings;
    return { model, price, opening: openingOf(request), startedAt, milliseconds, attempts: failed + 1 };
  }

  /** A request in which a field was refused is sent again without it, and so are all later ones. */
  #narrow({ dialect }: Batch, asked: Asked, error: unknown): boolean {
    const narrower = error instanceof Failure ? narrowed(dialect, error) : undefined;
    if (narrower === undefined) return false;
    if (this.#dialect === dialect) this.#dialect = narrower;
    this.#place(asked);
    return true;
  }

  /** Those of an ended batch to which it has no answer. */
  #unanswered(batch: Batch, keys: readonly string[], error: unknown): void {
    for (const key of keys) {
      const asked = batch.open.has(key) ? this.#asked.get(key) : undefined;
      if (asked === undefined) continue;
      this.#settled(batch, key);
      this.#again(asked, error);
    }
    if (batch.open.size === 0) this.#batches.delete(batch.id);
  }

  #settled(batch: Batch, key: string): void {
    batch.open.delete(key);
    if (this.#inBatch.get(key) === batch) this.#inBatch.delete(key);
  }

  #again(asked: Asked, error: unknown): void {
    const isHopeless = !(error instanceof Failure) || !error.retriable;
    if (isHopeless || asked.failed >= this.#settings.retries) {
      this.#reject(asked, this.#final(error));
      return;
    }
    asked.failed += 1;
    this.#place(asked);
  }

  #resolve(asked: Asked, completion: Completion): void {
    this.#asked.delete(asked.key);
    const [first, ...others] = asked.waiters;
    first?.resolve(completion);
    for (const waiter of others) waiter.resolve({ ...completion, reused: true });
  }

  #reject(asked: Asked, reason: unknown): void {
    this.#forget(asked);
    for (const waiter of asked.waiters) waiter.reject(reason);
  }

  #rejectAll(keys: readonly string[], error: unknown): void {
    for (const asked of keys.flatMap((key) => this.#asked.get(key) ?? [])) this.#reject(asked, this.#final(error));
  }

  #final(error: unknown): unknown {
    if (!(error instanceof Failure)) return error;
    const { base, key } = this.#settings;
    const said = key === undefined ? error.message : error.message.replaceAll(key, '[key]');
    return new HeadwaterError(error.code, `${this.id} at ${base}: ${said.slice(0, 300)}`);
  }

  #body({ request }: Asked): unknown {
    const { model } = this.#settings;
    const json =
      'prompt' in request
        ? completionBody(model, request, this.#dialect, undefined)
        : chatBody(model, request, this.#dialect, undefined);
    const { stream: _, ...body } = JSON.parse(json);
    return body;
  }
}

function lineOf({ key, route }: Asked, body: unknown): string {
  return requestLine(key, route, body);
}

function openingOf(request: CompletionRequest | ChatRequest): string {
  return 'prompt' in request ? '' : opening(request);
}
