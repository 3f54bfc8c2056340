import { inspect } from 'node:util';

import type { Clock } from '../openai/clock.js';
import type { Price } from '../prices.js';

export interface OpenaiBatchOptions {
  /** The base of the API, such as `https://api.openai.com/v1`. */
  readonly url: string;
  /** As the server names it. */
  readonly model: string;
  /** Under which the batches of a pipeline are found again. */
  readonly pipeline: string;
  /** The secret itself, sent as a bearer token; in no message and no log. */
  readonly key?: string;
  /** Requests that wait for their answers at once. @default 10000 */
  readonly maxInFlight?: number;
  /** Requests that are sent together at the latest. @default 5000 */
  readonly requests?: number;
  /** A pause without a new request, after which what is gathered is sent. @default 5000 */
  readonly pauseMs?: number;
  /** Between two looks at a batch. @default 30000 */
  readonly pollMs?: number;
  /** How often a request that got no answer is put into another batch. @default 3 */
  readonly retries?: number;
  /** What is paid in a batch, in US dollars for a million tokens; without it the cost is unknown. */
  readonly price?: Price;
  /**
   * Whether `close` cancels the batches that requests wait for; what they have answered by then is paid for, and one that is being
   * created goes on. For programs that do not begin again; recipes never cancel. @default false
   */
  readonly cancelOnClose?: boolean;
  readonly clock?: Clock;
}

/** Options that were checked, with their defaults. */
export interface BatchSettings
  extends Required<
    Pick<
      OpenaiBatchOptions,
      'model' | 'pipeline' | 'maxInFlight' | 'requests' | 'pauseMs' | 'pollMs' | 'retries' | 'cancelOnClose'
    >
  > {
  /** Without a slash at its end. */
  readonly base: string;
  readonly key: string | undefined;
  readonly price: Price | undefined;
}

const longestMs = 2 ** 31 - 1;

/** Throws a `TypeError` that names the option, what was expected and what came; never the key. */
export function checkedBatch(options: OpenaiBatchOptions): BatchSettings {
  const { key, model, pipeline, price } = options;
  if (model === '') throw new TypeError("openai-batch: model: expected the server's name of a model, got ''");
  if (key !== undefined && !/^[\x21-\x7e]+$/.test(key)) {
    throw new TypeError('openai-batch: key: expected printable ASCII without spaces or line breaks');
  }
  for (const [name, usd] of Object.entries(price ?? {})) {
    if (usd === undefined || name === 'from' || (Number.isFinite(usd) && usd >= 0)) continue;
    throw new TypeError(`openai-batch: price.${name}: expected US dollars for a million tokens, got ${inspect(usd)}`);
  }
  return {
    model,
    pipeline,
    base: baseOf(options.url),
    key,
    price,
    maxInFlight: whole('maxInFlight', options.maxInFlight ?? 10_000, 1, 1_000_000),
    requests: whole('requests', options.requests ?? 5000, 1, 50_000),
    pauseMs: whole('pauseMs', options.pauseMs ?? 5000, 1, longestMs),
    pollMs: whole('pollMs', options.pollMs ?? 30_000, 1, longestMs),
    retries: whole('retries', options.retries ?? 3, 0, 1000),
    cancelOnClose: options.cancelOnClose ?? false,
  };
}

function baseOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new TypeError(`openai-batch: url: expected http(s)://host/path, got ${inspect(text)}`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new TypeError('openai-batch: url: expected no user or password in it; give it as key');
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

function whole(name: string, value: number, from: number, to: number): number {
  if (Number.isInteger(value) && value >= from && value <= to) return value;
  throw new TypeError(`openai-batch: ${name}: expected a whole number from ${from} to ${to}, got ${inspect(value)}`);
}
