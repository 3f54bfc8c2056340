import { Agent, request } from 'undici';
import { z } from 'zod';

import { HeadwaterError } from '../../schemas/errors.js';
import type { ReferencedSchema, RegisteredSchema } from './registered-schema.js';
import { type RegistryAnswer, RegistryUnavailable, refusalOf, unavailable } from './registry-failure.js';

export interface RegistryOptions {
  /** With the path under which the interface lies, where it has one. */
  readonly url: string;
  readonly credentials?: RegistryCredentials | undefined;
  /** How long one request may take. @default 10000 */
  readonly timeoutMs?: number;
}

export interface RegistryCredentials {
  readonly username: string;
  readonly password: string;
}

/** A schema has at most so many others behind it. */
const maxReferences = 500;
const maxResponseBytes = 16 * 2 ** 20;

const schemaAnswer = z.object({
  schema: z.string(),
  schemaType: z.string().default('AVRO'),
  references: z
    .array(z.object({ name: z.string(), subject: z.string(), version: z.int() }))
    .nullish()
    .transform((references) => references ?? []),
});
type SchemaAnswer = z.infer<typeof schemaAnswer>;

/**
 * Reads schemas from a registry with Confluent's REST interface. Every call rejects with `schema-unknown` for a schema that it
 * does not have, with `registry-refused` where no retry can help, and with `RegistryUnavailable` where one may.
 */
export class SchemaRegistry {
  readonly #agent: Agent;
  readonly #base: URL;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(private readonly options: RegistryOptions) {
    const { url, credentials, timeoutMs = 10_000 } = options;
    this.#base = new URL(url.endsWith('/') ? url : `${url}/`);
    this.#headers = {
      accept: 'application/vnd.schemaregistry.v1+json, application/json',
      ...(credentials === undefined ? {} : { authorization: basic(credentials) }),
    };
    const connect = { timeout: timeoutMs };
    const limits = { headersTimeout: timeoutMs, bodyTimeout: timeoutMs, maxResponseSize: maxResponseBytes };
    this.#agent = new Agent({ connect, ...limits });
  }

  /** The schema of an id, with all that it refers to. */
  async schema(id: number, signal: AbortSignal): Promise<RegisteredSchema> {
    const answer = await this.#get(`schemas/ids/${id}`, `the schema id ${id}`, signal);
    const references = new Map<string, ReferencedSchema>();
    await this.#gather(answer, references, new Set(), signal);
    return { type: answer.schemaType, schema: answer.schema, references: [...references.values()] };
  }

  /** The referenced go in before what refers to them. */
  async #gather(
    { references }: SchemaAnswer,
    gathered: Map<string, ReferencedSchema>,
    seen: Set<string>,
    signal: AbortSignal,
  ): Promise<void> {
    for (const { name, subject, version } of references) {
      const key = JSON.stringify([name, subject, version]);
      if (seen.has(key)) continue;
      if (seen.size >= maxReferences) {
        throw new HeadwaterError('schema-unknown', `a schema has more than ${maxReferences} others behind it`);
      }
      seen.add(key);
      const what = `version ${version} of '${subject}', to which a schema refers,`;
      const answer = await this.#get(`subjects/${encodeURIComponent(subject)}/versions/${version}`, what, signal);
      await this.#gather(answer, gathered, seen, signal);
      gathered.set(key, { name, schema: answer.schema });
    }
  }

  async #get(path: string, what: string, signal: AbortSignal): Promise<SchemaAnswer> {
    const answer = await this.#ask(new URL(path, this.#base), signal);
    const { url } = this.options;
    if (answer.status !== 200) throw refusalOf(answer, url, what);
    const { success, data } = schemaAnswer.safeParse(answer.body);
    if (success) return data;
    const text = `what answers at ${url} is no schema registry: it sent no schema; mend registry.url in the recipe`;
    throw new HeadwaterError('registry-refused', text);
  }

  async #ask(url: URL, signal: AbortSignal): Promise<RegistryAnswer> {
    try {
      const { statusCode, body } = await request(url, { dispatcher: this.#agent, headers: this.#headers, signal });
      return { status: statusCode, body: jsonOf(await body.text()) };
    } catch (cause) {
      throw signal.aborted
        ? new RegistryUnavailable('the wait was ended', { cause })
        : unavailable(this.options.url, cause);
    }
  }
}

function basic({ username, password }: RegistryCredentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** Undefined where it is no JSON: a proxy's page, say. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
