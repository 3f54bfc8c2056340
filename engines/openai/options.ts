import { inspect } from 'node:util';

import type { Price } from '../prices.js';
import type { Clock } from './clock.js';
import type { LimitBounds } from './limit.js';
import type { GrammarField } from './payload.js';

export interface OpenaiOptions {
  /** The base of the API, such as `http://127.0.0.1:8000/v1`; or several that serve the same model. */
  readonly url: string | readonly string[];
  /** As the server names it. */
  readonly model: string;
  /** The secret itself, sent as a bearer token; in no message and no log. */
  readonly key?: string;
  /** Requests that are open at once, at all endpoints together; others wait. @default 64 */
  readonly maxInFlight?: number;
  /**
   * Requests that are open at once at each endpoint. `adaptive` finds out how many bring the most answers a second, from `min` to
   * `max`; `fixed` is always `max`. @default adaptive, from 1 to `maxInFlight`
   */
  readonly limit?: LimitOptions;
  /** A second copy of requests that take long. @default none */
  readonly hedge?: HedgeOptions;
  /**
   * `adaptive` gives a request up and sends it again when its answer has not begun after four times what 99 of 100 took, at most
   * one request of twenty; `timeout` waits for `timeoutMs`. @default adaptive
   */
  readonly patience?: 'adaptive' | 'timeout';
  /** From sending a request to the end of its answer, each time that it is sent. @default 300000 */
  readonly timeoutMs?: number;
  /** Between two pieces of an answer that has begun. @default 60000, or `timeoutMs` if that is less */
  readonly idleTimeoutMs?: number;
  /** How often a failed request is sent again. Eight outlast a minute of refusals. @default 8 */
  readonly retries?: number;
  /** In US dollars for a million tokens; without it the cost is unknown. */
  readonly price?: Price;
  /** Whose field carries a GBNF grammar; without it grammars are not sent. */
  readonly grammar?: GrammarField;
  /** Uniform on [0, 1), for the jitter of back-off. @default Math.random */
  readonly random?: () => number;
  readonly clock?: Clock;
}

export interface LimitOptions {
  readonly kind: 'adaptive' | 'fixed';
  /** @default 1 */
  readonly min?: number;
  /** @default maxInFlight */
  readonly max?: number;
}

export interface HedgeOptions {
  /** A quantile of what such requests took, as `p95`, or milliseconds. */
  readonly after: string | number;
  /** Of all requests, at most. @default 0.05 */
  readonly share?: number;
}

/** Where requests go. */
export interface Address {
  readonly origin: string;
  /** The origin and path of the API, for messages. */
  readonly where: string;
  readonly path: (route: string) => string;
}

/** When the second copy of a request is sent. */
export interface Hedge {
  readonly after: { readonly quantile: number } | { readonly ms: number };
  readonly share: number;
}

/** Options that were checked, with what follows from them. */
export interface Settings
  extends Required<Pick<OpenaiOptions, 'model' | 'maxInFlight' | 'timeoutMs' | 'idleTimeoutMs' | 'retries'>> {
  /** Different from each other. */
  readonly addresses: readonly Address[];
  readonly limit: LimitBounds;
  readonly hedge: Hedge | undefined;
  readonly isPatient: boolean;
  /** Names and values in turn; the key is among them. */
  readonly headers: readonly string[];
  readonly redact: (message: string) => string;
  readonly price: OpenaiOptions['price'];
  readonly grammar: GrammarField | undefined;
}

/** Throws a `TypeError` that names the option, what was expected and what came; never the key. */
export function checked(options: OpenaiOptions): Settings {
  const addresses = addressesOf([options.url].flat());
  if (options.model === '') throw new TypeError("openai: model: expected the server's name of a model, got ''");
  const { key, price } = options;
  if (key !== undefined && !/^[\x21-\x7e]+$/.test(key)) {
    throw new TypeError('openai: key: expected printable ASCII without spaces or line breaks');
  }
  const timeoutMs = whole('timeoutMs', options.timeoutMs ?? 300_000, 1, 2 ** 31 - 1);
  const maxInFlight = whole('maxInFlight', options.maxInFlight ?? 64, 1, 65_536);
  for (const of of ['input', 'cachedInput', 'output'] as const) notNegative(`price.${of}`, price?.[of] ?? 0);
  return {
    model: options.model,
    maxInFlight,
    limit: limitOf(options.limit, maxInFlight),
    hedge: options.hedge && hedgeOf(options.hedge),
    isPatient: options.patience === 'timeout',
    timeoutMs,
    idleTimeoutMs: whole('idleTimeoutMs', options.idleTimeoutMs ?? Math.min(60_000, timeoutMs), 1, 2 ** 31 - 1),
    retries: whole('retries', options.retries ?? 8, 0, 1000),
    addresses,
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

/** The same address twice would get twice its share. */
function addressesOf(urls: readonly string[]): readonly Address[] {
  if (urls.length === 0) throw new TypeError('openai: url: expected at least one, got an empty list');
  const addresses = new Map<string, Address>();
  for (const url of urls.map(parsedUrl)) {
    const base = url.pathname.replace(/\/+$/, '');
    const where = url.origin + base;
    const path = (route: string) => `${base}/${route}${url.search}`;
    addresses.set(where + url.search, { origin: url.origin, where, path });
  }
  return [...addresses.values()];
}

function limitOf({ kind, min, max }: LimitOptions = { kind: 'adaptive' }, maxInFlight: number): LimitBounds {
  if (kind !== 'adaptive' && kind !== 'fixed') {
    throw new TypeError(`openai: limit.kind: expected adaptive or fixed, got ${inspect(kind)}`);
  }
  const most = Math.min(maxInFlight, whole('limit.max', max ?? maxInFlight, 1, 65_536));
  return { kind, min: whole('limit.min', min ?? 1, 1, most), max: most };
}

function hedgeOf({ after, share = 0.05 }: HedgeOptions): Hedge {
  if (!(share > 0 && share <= 1)) {
    throw new TypeError(`openai: hedge.share: expected more than 0 and at most 1, got ${inspect(share)}`);
  }
  if (typeof after === 'number') return { after: { ms: whole('hedge.after', after, 1, 2 ** 31 - 1) }, share };
  const digits = /^p(\d{2}(?:\.\d+)?)$/.exec(after)?.[1];
  if (digits !== undefined) return { after: { quantile: Number(digits) / 100 }, share };
  throw new TypeError(`openai: hedge.after: expected a quantile such as p95, or milliseconds, got ${inspect(after)}`);
}

function parsedUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new TypeError(`openai: url: expected http(s)://host/path, got ${inspect(withoutSecrets(text))}`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new TypeError('openai: url: expected no user or password in it; give it as key');
  }
  return url;
}

/** Of a text that should have been a URL: what stands where user, password and query do is left out. */
function withoutSecrets(text: string): string {
  return text.replace(/\?.*$/s, '?...').replace(/^([^/]*\/\/)?.*@/s, '$1...@');
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
