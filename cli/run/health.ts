import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { HeadwaterError } from '../../schemas/errors.js';

/** What orchestrators ask of a worker. */
export interface HealthState {
  /** Why it cannot go on; undefined while it lives. */
  readonly failure: string | undefined;
  /** Why it is not at work on all that it holds; undefined when it is. */
  readonly obstacle: string | undefined;
}

export interface HealthAddress {
  readonly host: string;
  /** 0 takes any that is free. */
  readonly port: number;
}

export interface HealthOptions extends HealthAddress {
  /** Asked at each request. */
  readonly state: () => HealthState;
}

export interface Health {
  /** With the port that was taken. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves a worker's health over HTTP: `/healthz` is 200 while it lives, `/readyz` 200 when it is at work; else 503 with the reason
 * as JSON. Rejects with `address-unusable` where nothing can listen there.
 */
export async function openHealth({ host, port, state }: HealthOptions): Promise<Health> {
  const server = createServer((request, response) => answer(request, response, state()));
  const { port: taken, family, address } = await listening(server, { host, port });
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const defaultHost = '127.0.0.1';

/** The address in `[host:]port`, an IPv6 host in brackets. Throws `recipe-invalid`, naming `--health`. */
export function healthAddress(text: string): HealthAddress {
  const [, bracketed, plain, digits] = /^(?:(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]\s]+)):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits !== undefined && port <= 65_535) return { host: bracketed ?? plain ?? defaultHost, port };
  const message = `--health: expected a port or host:port, such as 8080 or 0.0.0.0:8080, not '${text}'`;
  throw new HeadwaterError('recipe-invalid', message);
}

function answer({ method = '', url = '' }: IncomingMessage, response: ServerResponse, state: HealthState): void {
  const path = url.split('?', 1)[0];
  if (path !== '/healthz' && path !== '/readyz') {
    send(response, 404, { status: 'not found', paths: ['/healthz', '/readyz'] });
  } else if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    send(response, 405, { status: 'method not allowed' });
  } else if (path === '/healthz') {
    if (state.failure !== undefined) send(response, 503, { status: 'failed', reason: state.failure });
    else send(response, 200, { status: 'ok', ready: state.obstacle === undefined, uptimeSeconds: uptime() });
  } else if (state.obstacle === undefined) send(response, 200, { status: 'ready' });
  else send(response, 503, { status: 'not ready', reason: state.obstacle });
}

/** Node sends no body with the answer to HEAD. */
function send(response: ServerResponse, status: number, body: Readonly<Record<string, unknown>>): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  });
  response.end(text);
}

function uptime(): number {
  return Math.round(process.uptime());
}

function listening(server: Server, { host, port }: HealthAddress): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(unusable({ host, port }, error)));
    server.listen({ host, port }, () => {
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new TypeError('the server listens at no port'));
      else resolve(address);
    });
  });
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'no machine has this name',
  EACCES: 'this user may not listen there',
};

function unusable({ host, port }: HealthAddress, error: NodeJS.ErrnoException): HeadwaterError {
  const reason = reasons[error.code ?? ''] ?? error.message;
  const text = `--health: cannot listen at ${host}:${port} (${reason}): choose another port, or 0 for any that is free`;
  return new HeadwaterError('address-unusable', text, { cause: error });
}
