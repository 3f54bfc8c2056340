import { inspect } from 'node:util';

import type { Clock } from './clock.js';
import type { GrammarField } from './payload.js';

export interface OpenaiOptions {
  /** The base of the API, such as `http://127.0.0.1:8000/v1`. */
  readonly url: string;
  /** As the server names it. */
  readonly model: string;
  /** The secret itself, sent as a bearer token; in no message and no log. */
  readonly key?: string;
  /** Requests that are open at once; others wait. @default 64 */
  readonly maxInFlight?: number;
  /** From sending a request to the end of its answer, each time that it is sent. @default 300000 */
  readonly timeoutMs?: number;
  /** Between two pieces of an answer that has begun. @default 60000, or `timeoutMs` if that is less */
  readonly idleTimeoutMs?: number;
  /** How often a failed request is sent again. Eight outlast a minute of refusals. @default 8 */
  readonly retries?: number;
  /** In US dollars for a million tokens; without it the cost is unknown. */
  readonly price?: { readonly input: number; readonly output: number };
  /** Whose field carries a GBNF grammar; without it grammars are not sent. */
  readonly grammar?: GrammarField;
  /** Uniform on [0, 1), for the jitter of back-off. @default Math.random */
  readonly random?: () => number;
  readonly clock?: Clock;
}

/** Options that were checked, with what follows from them. */
export interface Settings
  extends Required<Pick<OpenaiOptions, 'model' | 'maxInFlight' | 'timeoutMs' | 'idleTimeoutMs' | 'retries'>> {
  readonly origin: string;
  /** The origin and path of the API, for messages. */
  readonly where: string;
  readonly path: (route: string) => string;
  /** Names and values in turn; the key is among them. */
  readonly headers: readonly string[];
  readonly redact: (message: string) => string;
  readonly price: OpenaiOptions['price'];
  readonly grammar: GrammarField | undefined;
}

/** Throws a `TypeError` that names the option, what was expected and what came; never the key. */
export function checked(options: OpenaiOptions): Settings {
  const url = parsedUrl(options.url);
  if (options.model === '') throw new TypeError("openai: model: expected the server's name of a model, got ''");
  const { key, price } = options;
  if (key !== undefined && !/^[\x21-\x7e]+$/.test(key)) {
    throw new TypeError('openai: key: expected printable ASCII without spaces or line breaks');
  }
  const timeoutMs = whole('timeoutMs', options.timeoutMs ?? 300_000, 1, 2 ** 31 - 1);
  const base = url.pathname.replace(/\/+$/, '');
  if (price) for (const of of ['input', 'output'] as const) notNegative(`price.${of}`, price[of]);
  return {
    model: options.model,
    maxInFlight: whole('maxInFlight', options.maxInFlight ?? 64, 1, 65_536),
    timeoutMs,
    idleTimeoutMs: whole('idleTimeoutMs', options.idleTimeoutMs ?? Math.min(60_000, timeoutMs), 1, 2 ** 31 - 1),
    retries: whole('retries', options.retries ?? 8, 0, 1000),
    origin: url.origin,
    where: url.origin + base,
    path: (route) => `${base}/${route}${url.search}`,
    headers: [
      ...[
        'content-type',
        'application/json',
        'accept',
        'text/event-stream, application/json',
        'user-agent',
        'headwater',
      ],
      ...(key === undefined ? [] : ['authorization', `Bearer ${key}`]),
    ],
    redact: (message) => (key === undefined ? message : message.replaceAll(key, '[key]')),
    price,
    grammar: options.grammar,
  };
}

function parsedUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new TypeError(`openai: url: expected http(s)://host/path, got ${inspect(text)}`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new TypeError('openai: url: expected no user or password in it; give it as key');
  }
  return url;
}

function whole(name: string, value: number, from: number, to: number): number {
  if (Number.isInteger(value) && value >= from && value <= to) return value;
  throw new TypeError(`openai: ${name}: expected a whole number from ${from} to ${to}, got ${inspect(value)}`);
}

function notNegative(name: string, value: number): void {
  if (!(Number.isFinite(value) && value >= 0)) {
    throw new TypeError(`openai: ${name}: expected US dollars for a million tokens, got ${inspect(value)}`);
  }
}
