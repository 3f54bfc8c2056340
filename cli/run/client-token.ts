import { type Dispatcher, request } from 'undici';

import { HeadwaterError } from '../../schemas/errors.js';

/** A client that an identity provider knows. */
export interface ClientTokenOptions {
  /** Where tokens are given, without user and password. */
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope?: string;
  /** @default 10000 */
  readonly timeoutMs?: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

interface Token {
  readonly text: string;
  /** From when a new one is asked for. */
  readonly staleAt: number;
}

const maxBytes = 2 ** 20;
const defaultTimeoutMs = 10_000;
/** What OAuth 2.0 (RFC 6749, section 5.2) lets a provider say; nothing else of an answer is repeated. */
const refusals = [
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
];

/**
 * A source of access tokens by OAuth's client credentials, asked once for all connections until four fifths of a token's life
 * have passed; a token without a stated life is used once. It throws `broker-refused` with the address, never with a secret.
 */
export function clientToken(options: ClientTokenOptions): () => Promise<string> {
  let token: Token | undefined;
  let asking: Promise<Token> | undefined;
  return async () => {
    if (token !== undefined && options.now() < token.staleAt) return token.text;
    asking ??= askFor(options).finally(() => {
      asking = undefined;
    });
    token = await asking;
    return token.text;
  };
}

async function askFor(options: ClientTokenOptions): Promise<Token> {
  const { now } = options;
  const asked = now();
  const { status, body } = await answer(options);
  const found: unknown = parsed(body);
  if (status !== 200) throw refused(options, `answered ${status}${refusal(found)}: ${advice(status)}`);
  const text = property(found, 'access_token');
  // A control character would end the token on the wire to the broker.
  if (typeof text !== 'string' || !/^[\x21-\x7e]+$/.test(text)) {
    throw refused(options, 'answered without an access_token: it is not the address of a token endpoint');
  }
  const seconds = Number(property(found, 'expires_in') ?? 0);
  return { text, staleAt: asked + (seconds > 0 ? seconds * 800 : 0) };
}

/** Errors of the client are told by their code alone: they carry the request, which holds the secret. */
async function answer(options: ClientTokenOptions): Promise<{ readonly status: number; readonly body: string }> {
  const { tokenUrl, clientId, clientSecret, scope, timeoutMs = defaultTimeoutMs } = options;
  const form = new URLSearchParams({ grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) });
  const login = Buffer.from(`${formEncoded(clientId)}:${formEncoded(clientSecret)}`).toString('base64');
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const { statusCode, body } = await request(tokenUrl, {
      method: 'POST',
      headers: {
        authorization: `Basic ${login}`,
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'application/json',
      },
      body: form.toString(),
      signal,
    });
    return { status: statusCode, body: await limited(body) };
  } catch (error) {
    if (signal.aborted) throw refused(options, `did not answer in ${timeoutMs} ms: check the address and the network`);
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw refused(options, `cannot be reached (${code}): check the address and the network`);
  }
}

async function limited(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxBytes) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** As OAuth asks of user and password in a Basic header. */
function formEncoded(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1);
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function property(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}

function refusal(found: unknown): string {
  const known = refusals.find((name) => name === property(found, 'error'));
  return known === undefined ? '' : ` (${known})`;
}

function advice(status: number): string {
  if (status === 400 || status === 401 || status === 403) return 'check clientId, clientSecret and scope';
  if (status >= 300 && status < 400) return 'name the address that it redirects to';
  return status >= 500 ? 'the provider has a fault of its own' : 'check the address';
}

function refused({ tokenUrl }: ClientTokenOptions, what: string): HeadwaterError {
  const { origin, pathname } = new URL(tokenUrl);
  return new HeadwaterError('broker-refused', `topics.sasl.tokenUrl: ${origin}${pathname} ${what}`);
}
