import { z } from 'zod';

import { HeadwaterError } from '../../schemas/errors.js';

export interface RegistryAnswer {
  readonly status: number;
  /** Undefined where it was no JSON. */
  readonly body: unknown;
}

/** A registry that does not answer, or says that it cannot now: it may later, and no message is to blame. */
export class RegistryUnavailable extends Error {}

const errorAnswer = z.object({ error_code: z.int(), message: z.string().default('') });

/** "Not found" of a subject, version or schema; a bare 404 comes from a server that has no such path. */
const notFoundCodes: ReadonlySet<number> = new Set([40401, 40402, 40403]);

/** What nobody repairs by waiting: the registry's certificate is not trusted. */
const certificateCodes: ReadonlySet<string> = new Set([
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** What an answer other than 200 means, when `what` was asked for. */
export function refusalOf({ status, body }: RegistryAnswer, url: string, what: string): Error {
  const error = errorAnswer.safeParse(body).data;
  const said = error?.message ? ` (${error.message.slice(0, 200)})` : '';
  if (status === 404 && error !== undefined && notFoundCodes.has(error.error_code)) {
    return new HeadwaterError('schema-unknown', `${what} is not in the schema registry at ${url}`);
  }
  if (status === 401 || status === 403) {
    const how = status === 401 ? 'does not know this user or password' : 'does not let this user read schemas';
    const todo = 'mend registry.username and registry.password in the recipe, or the rights of the user';
    return new HeadwaterError('registry-refused', `the schema registry at ${url} ${how}${said}: ${todo}`);
  }
  if (status === 408 || status === 429 || status >= 500) {
    return new RegistryUnavailable(`the schema registry at ${url} answered ${status}${said}`);
  }
  const todo = 'mend registry.url in the recipe; it must lead to where /schemas/ids is';
  return new HeadwaterError('registry-refused', `the schema registry at ${url} answered ${status}${said}: ${todo}`);
}

/** What it means that no answer came. */
export function unavailable(url: string, cause: unknown): Error {
  const code = codeOf(cause);
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (!certificateCodes.has(code)) {
    return new RegistryUnavailable(`the schema registry at ${url} does not answer: ${reason || code}`, { cause });
  }
  const todo = 'name the authority that signed it in a file with NODE_EXTRA_CA_CERTS';
  const text = `the certificate of the schema registry at ${url} is not trusted: ${reason}; ${todo}`;
  return new HeadwaterError('registry-refused', text, { cause });
}

function codeOf(cause: unknown): string {
  const code: unknown = cause instanceof Error ? Reflect.get(cause, 'code') : undefined;
  return typeof code === 'string' ? code : '';
}
