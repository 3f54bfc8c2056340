import { request } from 'undici';

import { HeadwaterError } from '../../schemas/errors.js';
import { field } from './json.js';

const patienceMs = 5000;

/** Where a connection fails before anything is sent: nothing listens there, or nobody knows the name. */
const noConnection = new Set<unknown>([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/**
 * Asks an endpoint for its models once, to learn within five seconds whether anything listens there.
 *
 * Any answer will do, a refusal or garbage too, and a server that takes long to answer may be at work: requests will tell.
 * Rejects with `endpoint-unreachable`, or with the signal's reason. No message has what may be a secret: user, password, query.
 */
export async function reach(url: string, signal: AbortSignal): Promise<void> {
  try {
    const { body } = await request(modelsOf(url), {
      signal: AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]),
    });
    await body.dump();
  } catch (cause) {
    signal.throwIfAborted();
    const code = field(cause, 'code');
    if (!noConnection.has(code)) return;
    const { origin, pathname } = new URL(url);
    const text = `nothing answers at ${origin}${pathname} (${String(code)}): start the server there, or correct the url in the recipe`;
    throw new HeadwaterError('endpoint-unreachable', text, { cause });
  }
}

/** The same for several endpoints of a model, of which one that listens is enough; rejects for the first that does not. */
export async function reachAny(urls: readonly string[], signal: AbortSignal): Promise<void> {
  try {
    await Promise.any(urls.map((url) => reach(url, signal)));
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error;
  }
}

function modelsOf(base: string): URL {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/models`;
  return url;
}
