import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { NewSchema, TestRegistry } from './test-registry.js';

interface Registered extends NewSchema {
  readonly id: number;
}

/** How the registry misbehaves: with a status, with a page instead of JSON, without an answer. */
export type Trouble = { readonly status: number; readonly body: string } | 'silent' | null;

/**
 * A schema registry with the REST answers of Confluent's interface that readers use. `registry-contract.ts` runs on it, and on
 * a real registry in the Kafka suite.
 */
export class FixtureRegistry implements TestRegistry {
  /** Paths that were asked for, in order. */
  readonly asked: string[] = [];
  trouble: Trouble = null;
  /** `user:password` that is asked for; null for none. */
  login: string | null = null;
  readonly #subjects = new Map<string, Registered[]>();
  readonly #server: Server = createServer((request, response) => this.#answer(request, response));
  #port = 0;
  #ids = 0;

  static async start(): Promise<FixtureRegistry> {
    const registry = new FixtureRegistry();
    await registry.listen();
    return registry;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** On the same port again after `stop`. */
  async listen(): Promise<void> {
    await new Promise<void>((done) => this.#server.listen(this.#port, '127.0.0.1', done));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  async register(subject: string, schema: NewSchema): Promise<number> {
    const id = ++this.#ids;
    this.#subjects.set(subject, [...(this.#subjects.get(subject) ?? []), { ...schema, id }]);
    return id;
  }

  #answer({ url = '', headers }: IncomingMessage, response: ServerResponse): void {
    this.asked.push(url);
    if (this.trouble === 'silent') return;
    const { status, body } = this.trouble ?? this.#found(url, headers.authorization);
    response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' }).end(body);
  }

  #found(url: string, authorization: string | undefined): { readonly status: number; readonly body: string } {
    if (this.login !== null && authorization !== `Basic ${Buffer.from(this.login).toString('base64')}`) {
      return failed(401, 401, 'Unauthorized');
    }
    const [, id] = /^\/schemas\/ids\/(-?\d+)$/.exec(url) ?? [];
    if (id !== undefined) {
      const found = [...this.#subjects.values()].flat().find((schema) => schema.id === Number(id));
      return found === undefined ? failed(404, 40403, `Schema ${id} not found.`) : answerOf(found, {});
    }
    const [, subject = '', version = ''] = /^\/subjects\/([^/]+)\/versions\/(\d+)$/.exec(url) ?? [];
    const versions = this.#subjects.get(decodeURIComponent(subject));
    if (versions === undefined) return failed(404, subject === '' ? 404 : 40401, 'HTTP 404 Not Found');
    const found = versions[Number(version) - 1];
    if (found === undefined) return failed(404, 40402, `Version ${version} not found.`);
    return answerOf(found, { subject, version: Number(version), id: found.id });
  }
}

/** The type of Avro goes without saying. */
function answerOf({ type, schema, references }: Registered, also: object) {
  const named = type === 'AVRO' ? {} : { schemaType: type };
  const referring = references === undefined ? {} : { references };
  const text = typeof schema === 'string' ? schema : JSON.stringify(schema);
  return { status: 200, body: JSON.stringify({ ...also, ...named, schema: text, ...referring }) };
}

function failed(status: number, code: number, message: string) {
  return { status, body: JSON.stringify({ error_code: code, message }) };
}
