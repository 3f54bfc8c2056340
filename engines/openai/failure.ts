import type { IncomingHttpHeaders } from 'node:http';

import type { ErrorCode } from '../../schemas/errors.js';
import { field } from './json.js';
import { retryAfterMs } from './retry-after.js';

/** Why one request to an endpoint was not answered, and whether sending it again may help. */
export class Failure extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly retriable: boolean,
    /** The status of the answer, where there was one. */
    readonly status?: number,
    /** What the server asked to wait. */
    readonly retryAfterMs?: number,
    /** Whether what is at the address cannot answer this model's requests: another endpoint may. */
    readonly misplaced = false,
  ) {
    super(message);
  }

  /** Whether it may be for too many requests at once. */
  get isOverload(): boolean {
    return this.status === 429 || this.status === 503;
  }
}

/** An answer that is not a completion: cut, garbled, or something else altogether. Another try may bring a whole one. */
export function malformed(what: string): Failure {
  return new Failure('endpoint-malformed', what, true);
}

/** The connection could not be made, or was lost before the answer was whole (`made`). */
export function disconnected(error: Error, made: boolean): Failure {
  const code = errorCode(error);
  if (error.name === 'HTTPParserError') return malformed('it does not speak HTTP');
  const said = `the connection failed (${code})`;
  return new Failure('endpoint-unreachable', said, true, undefined, undefined, !made);
}

/** A status other than 2xx, with the server's own words. */
export function refused(status: number, headers: IncomingHttpHeaders, body: string, now: number): Failure {
  const { message, kinds } = serverMessage(body);
  const said = `status ${status}${message === '' ? '' : `: ${message}`}`;
  if (status < 400) {
    const target = typeof headers['location'] === 'string' ? ` to ${headers['location']}` : '';
    return new Failure(
      'endpoint-refused',
      `it redirects${target} (status ${status}); set url to where it is`,
      false,
      status,
      undefined,
      true,
    );
  }
  if (kinds.some((kind) => unpaid.has(kind)))
    return new Failure('endpoint-refused', said, false, status, undefined, true);
  if (isTransient(status, message)) {
    return new Failure('endpoint-unreachable', said, true, status, retryAfterMs(headers, now));
  }
  if (isTooLong(status, message, kinds)) return new Failure('prompt-too-long', said, false, status);
  if (/grammar/i.test(message)) return new Failure('grammar-invalid', said, false, status);
  const hint = status === 401 || status === 403 ? ' (is the key right?)' : '';
  return new Failure('endpoint-refused', said + hint, false, status, undefined, isMisplaced(status, message));
}

/** Whether a refusal is about the key, the path or the model, and not about what was asked. */
function isMisplaced(status: number, message: string): boolean {
  if (status === 401 || status === 403 || status === 404 || status === 405) return true;
  return (
    status === 400 &&
    /\bmodel\b.{0,80}(not (found|exist|available|served)|does not exist|unknown|invalid)/i.test(message)
  );
}

/** An error that a server reports inside an answer of status 200. */
export function reported(error: unknown): Failure {
  const invalid = field(error, 'type') === 'invalid_request_error' ? 400 : 0;
  const status = Number(field(error, 'code') ?? field(error, 'status')) || invalid;
  if (status >= 400 && status < 600) return refused(status, {}, JSON.stringify({ error }), 0);
  const { message } = serverMessage(JSON.stringify({ error }));
  return new Failure('endpoint-unreachable', `it broke off with an error: ${message}`, true);
}

/** OpenAI says with 429 that an account cannot pay: no waiting helps. */
const unpaid = new Set([
  'insufficient_quota',
  'credit_balance_exhausted',
  'organization_spend_limit_exceeded',
  'project_spend_limit_exceeded',
  'organization_usage_limit_exceeded',
]);

/** OpenAI's words for one request that has more tokens than a minute may have, with 429 too. */
const overMinute = /^request too large/i;

function isTransient(status: number, message: string): boolean {
  if (status === 429) return !overMinute.test(message);
  return status === 408 || status === 409 || status === 425 || (status >= 500 && status !== 501);
}

function isTooLong(status: number, message: string, kinds: readonly string[]): boolean {
  if (kinds.includes('context_length_exceeded') || kinds.includes('exceed_context_size_error')) return true;
  if (status === 429) return overMinute.test(message);
  return (
    (status === 400 || status === 413) && /context (length|size|window)|maximum .{0,40}(context|input)/i.test(message)
  );
}

/** The words and the kind of an error in the shapes that OpenAI, llama.cpp, vLLM, SGLang, Ollama and FastAPI give it. */
function serverMessage(body: string): { readonly message: string; readonly kinds: readonly string[] } {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return { message: body.trim(), kinds: [] };
  }
  const error = field(json, 'error') ?? json;
  const message = field(error, 'message') ?? field(error, 'detail') ?? error;
  const kinds = [field(error, 'code'), field(error, 'type')].filter((kind) => typeof kind === 'string');
  return { message: typeof message === 'string' ? message : JSON.stringify(message), kinds };
}

function errorCode(error: Error): string {
  const code = field(error, 'code');
  return typeof code === 'string' ? code : error.name;
}
