import { Agent, FormData, fetch, type RequestInit, type Response } from 'undici';

import { disconnected, Failure, malformed, refused } from '../openai/failure.js';
import { field } from '../openai/json.js';
import { cappedLines } from './capped-lines.js';
import type { Route } from './lines.js';

/** A batch as its server describes it. */
export interface ServerBatch {
  readonly id: string;
  readonly status: string;
  readonly inputFile: string;
  /** Of all of its requests, as `Route`. */
  readonly route: string;
  /** Files of results, in the order in which they are to be believed. */
  readonly resultFiles: readonly string[];
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly pipeline: string | undefined;
  /** Why it failed as a whole; empty where it did not. */
  readonly why: string;
  /** Whether it failed because more tokens were enqueued than the account may: it, or a smaller one, may be taken another time. */
  readonly isOverLimit: boolean;
}

/** Longer lines are no completions; they count as missing. */
const maxLineBytes = 64 * 2 ** 20;
const requestMs = 60_000;
const transferMs = 600_000;
const pipelineKey = 'headwater_pipeline';

/**
 * The files and batches of OpenAI's API. Every call rejects with a `Failure`, which says whether another try may help, or with the
 * reason of the signal.
 */
export class BatchApi {
  readonly #agent = new Agent({ connect: { timeout: 10_000 } });

  constructor(
    private readonly base: string,
    private readonly key: string | undefined,
    private readonly now: () => number,
    private readonly signal: AbortSignal,
  ) {}

  /** Resolves with the id of the file. */
  async upload(lines: readonly string[]): Promise<string> {
    const body = new FormData();
    body.set('purpose', 'batch');
    body.set('file', new Blob(lines.map((line) => `${line}\n`)), 'headwater.jsonl');
    const json = await this.#json('/files', { method: 'POST', body }, transferMs);
    const id = field(json, 'id');
    if (typeof id !== 'string') throw malformed('the uploaded file has no id');
    return id;
  }

  async create(inputFile: string, route: Route, pipeline: string): Promise<ServerBatch> {
    const asked = {
      input_file_id: inputFile,
      endpoint: route,
      completion_window: '24h',
      metadata: { [pipelineKey]: pipeline },
    };
    const body = JSON.stringify(asked);
    return described(await this.#json('/batches', { method: 'POST', body, headers: jsonHeaders }, requestMs));
  }

  async retrieve(id: string): Promise<ServerBatch> {
    return described(await this.#json(`/batches/${encodeURIComponent(id)}`, {}, requestMs));
  }

  async cancel(id: string): Promise<void> {
    await this.#json(`/batches/${encodeURIComponent(id)}/cancel`, { method: 'POST' }, requestMs);
  }

  /** The account's batches, newest first. */
  async *list(): AsyncGenerator<ServerBatch, void, undefined> {
    for (let after = ''; ; ) {
      const page = await this.#json(`/batches?limit=100${after}`, {}, requestMs);
      const data = field(page, 'data');
      const batches = Array.isArray(data) ? data.map(described) : [];
      yield* batches;
      const last = batches[batches.length - 1];
      const next = last === undefined ? '' : `&after=${encodeURIComponent(last.id)}`;
      if (field(page, 'has_more') !== true || next === '' || next === after) return;
      after = next;
    }
  }

  /** The lines of a file, undefined for one that is too long to be read; none where the file was deleted or has expired. */
  async *lines(file: string): AsyncGenerator<string | undefined, void, undefined> {
    const response = await this.#fetch(`/files/${encodeURIComponent(file)}/content`, {}, transferMs).catch(unlessGone);
    if (response === undefined || response.body === null) return;
    try {
      yield* cappedLines(response.body, maxLineBytes);
    } catch (error) {
      throw this.#failure(error);
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #json(path: string, init: RequestInit, timeoutMs: number): Promise<unknown> {
    const response = await this.#fetch(path, init, timeoutMs);
    try {
      return await response.json();
    } catch (error) {
      throw error instanceof SyntaxError ? malformed(`the answer to ${path} is not JSON`) : this.#failure(error);
    }
  }

  async #fetch(path: string, init: RequestInit, timeoutMs: number): Promise<Response> {
    const signal = AbortSignal.any([this.signal, AbortSignal.timeout(timeoutMs)]);
    const authorization = this.key === undefined ? {} : { authorization: `Bearer ${this.key}` };
    const headers = { 'user-agent': 'headwater', ...authorization, ...Object(init.headers) };
    const request = { ...init, headers, signal, dispatcher: this.#agent, redirect: 'manual' } as const;
    try {
      const response = await fetch(`${this.base}${path}`, request);
      if (response.ok) return response;
      const { 'retry-after': after, location } = Object.fromEntries(response.headers);
      const text = (await response.text()).slice(0, 65_536);
      const known = { ...(after && { 'retry-after': after }), ...(location && { location }) };
      throw refused(response.status, known, text, this.now());
    } catch (error) {
      throw this.#failure(error);
    }
  }

  #failure(error: unknown): unknown {
    if (this.signal.aborted) return this.signal.reason;
    if (error instanceof Failure || !(error instanceof Error)) return error;
    if (error.name === 'TimeoutError') return new Failure('endpoint-timeout', 'it did not answer in time', true);
    return disconnected(error.cause instanceof Error ? error.cause : error, false);
  }
}

/** Undefined for a failure that says that there is nothing; throws every other one. */
function unlessGone(error: unknown): undefined {
  if (!(error instanceof Failure) || error.status !== 404) throw error;
}

const jsonHeaders = { 'content-type': 'application/json' };

function described(json: unknown): ServerBatch {
  const [id, status] = [field(json, 'id'), field(json, 'status')];
  if (typeof id !== 'string' || typeof status !== 'string') throw malformed('a batch has no id or no status');
  const pipeline = field(field(json, 'metadata'), pipelineKey);
  const errors = errorsOf(field(json, 'errors'));
  const files = [field(json, 'output_file_id'), field(json, 'error_file_id')];
  return {
    id,
    status,
    inputFile: String(field(json, 'input_file_id') ?? ''),
    route: String(field(json, 'endpoint') ?? ''),
    resultFiles: files.filter((file): file is string => typeof file === 'string' && file !== ''),
    createdAt: Number(field(json, 'created_at') ?? 0) * 1000,
    pipeline: typeof pipeline === 'string' ? pipeline : undefined,
    why: errors
      .flatMap(({ message }) => message ?? [])
      .slice(0, 3)
      .join('; '),
    isOverLimit: status === 'failed' && errors.some(({ code, message }) => overLimit.test(`${code} ${message}`)),
  };
}

/** OpenAI's code is `token_limit_exceeded`, its words are "Enqueued token limit reached". */
const overLimit = /token[ _]limit|enqueued/i;

function errorsOf(errors: unknown): readonly { readonly code: string; readonly message: string | undefined }[] {
  const data = field(errors, 'data');
  return (Array.isArray(data) ? data : []).map((error) => {
    const [code, message] = [field(error, 'code'), field(error, 'message')];
    return { code: typeof code === 'string' ? code : '', message: typeof message === 'string' ? message : undefined };
  });
}
