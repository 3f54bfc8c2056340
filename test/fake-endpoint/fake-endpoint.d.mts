/** The JSON that a client sent, as far as answers depend on it. */
export interface Asked {
  readonly model: string;
  readonly prompt?: string;
  readonly messages?: readonly { readonly role: string; readonly content: string }[];
  readonly stop?: readonly string[];
  readonly max_tokens?: number;
  readonly [name: string]: unknown;
}

export interface FakeAnswer {
  readonly text: string;
  /** @default 'stop' */
  readonly finishReason?: string;
}

/**
 * What goes wrong. Each may have: `share`, of all requests, drawn by their hash (shares of a list add up); `match`, a text in the
 * request's JSON; `times`, how many of the first tries of a request (default 1); `untilMs`, all of them until then from start.
 *
 * - `status` answers with a status; `redirect` with 307; `html` with a web page; `raw` with any body.
 * - `hang` never answers; `stall` stops after a part; `slow` answers after `ms`.
 * - `close` drops the connection at once; `cut` within the answer; `end-early` ends the answer in order, but too soon.
 * - `truncated` is half a JSON document; `huge` a text of so many megabytes.
 */
export type Fault = {
  readonly share?: number;
  readonly match?: string;
  readonly times?: number;
  readonly untilMs?: number;
} & (
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: string; readonly body?: unknown }
  | { readonly kind: 'redirect'; readonly location: string }
  | { readonly kind: 'html'; readonly status?: number }
  | { readonly kind: 'raw'; readonly body: string; readonly contentType?: string }
  | { readonly kind: 'slow'; readonly ms: number }
  | { readonly kind: 'huge'; readonly megabytes: number }
  | { readonly kind: 'hang' | 'stall' | 'close' | 'cut' | 'end-early' | 'truncated' }
);

/** Options that can cross a process boundary. */
export interface FakeEndpointSettings {
  /** On 127.0.0.1. @default 0, any free port */
  readonly port?: number;
  /** From the request to its answer. @default 0 */
  readonly latencyMs?: number;
  /** A share of the requests that take so many times longer. */
  readonly slowest?: { readonly share: number; readonly factor: number };
  /** Latency doubles while more requests are open than `above`, and again with each further `each`. */
  readonly collapse?: { readonly above: number; readonly each?: number };
  /** Names of its models; others are answered with 404. @default any */
  readonly models?: readonly string[];
  /** After so many requests, answers carry another model's name. */
  readonly renamed?: { readonly after: number; readonly to: string };
  /** Whether answers carry log probabilities where they are asked for. @default false */
  readonly logprobs?: boolean;
  /** The first that fits is what happens. */
  readonly faults?: readonly Fault[];
  /** Whether answers count their tokens. @default true */
  readonly usage?: boolean;
  /** Whether `stream` is heeded. @default true */
  readonly stream?: boolean;
  /** Events that carry the text of a streamed answer. @default 8 */
  readonly pieces?: number;
  /** Required as the bearer token. */
  readonly key?: string;
}

export interface FakeEndpointOptions extends FakeEndpointSettings {
  /** @default fieldAnswer */
  readonly answer?: (asked: Asked, hash: string) => FakeAnswer;
  /** Why a request is refused with 400; undefined where it is not. */
  readonly refuse?: (asked: Asked) => string | undefined;
  /** Milliseconds, for `untilMs`. @default Date.now */
  readonly now?: () => number;
}

export interface FakeEndpointCounts {
  readonly requests: number;
  /** Whole and in order. */
  readonly answered: number;
  /** Left by the client, or broken off by a fault. */
  readonly aborted: number;
  readonly inFlight: number;
  readonly mostInFlight: number;
}

export interface FakeEndpointStats extends FakeEndpointCounts {
  /** By the hash of the request's body. */
  readonly byRequest: Readonly<Record<string, { readonly asked: number; readonly answered: number }>>;
}

export interface FakeEndpoint {
  /** The base of the API. */
  readonly url: string;
  stats(): FakeEndpointStats;
  close(): Promise<void>;
}

/** Starts an OpenAI-compatible server in this process whose answers depend on the request alone. */
export function startFakeEndpoint(options?: FakeEndpointOptions): Promise<FakeEndpoint>;
