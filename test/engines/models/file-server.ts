import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** What a place on this machine does with one request. */
export type Behaviour = (request: IncomingMessage, response: ServerResponse) => void;

export interface FileServer extends AsyncDisposable {
  readonly url: string;
  /** Of each request that came: its path and its range. */
  readonly requests: readonly { readonly path: string; readonly range: string | undefined }[];
}

/** A server on 127.0.0.1 that answers its requests with the behaviours in turn, the last one again and again. */
export async function fileServer(...behaviours: readonly Behaviour[]): Promise<FileServer> {
  const requests: { path: string; range: string | undefined }[] = [];
  const server = createServer((request, response) => {
    const behaviour = behaviours[Math.min(requests.length, behaviours.length - 1)];
    requests.push({ path: request.url ?? '', range: request.headers.range });
    behaviour?.(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** The file, or the range of it that is asked for. */
export function serve(content: Uint8Array): Behaviour {
  return (request, response) => {
    const from = startOf(request);
    if (from >= content.byteLength) return void response.writeHead(416).end();
    response.writeHead(from > 0 ? 206 : 200, headersOf(content, from)).end(content.subarray(from));
  };
}

/** The file up to a byte, then the connection is cut. */
export function breakOff(content: Uint8Array, at: number): Behaviour {
  return (request, response) => {
    const from = startOf(request);
    response.writeHead(from > 0 ? 206 : 200, headersOf(content, from));
    response.write(content.subarray(from, at), () => response.socket?.destroy());
  };
}

/** The file from its start, whatever range is asked for. */
export function serveWhole(content: Uint8Array): Behaviour {
  return (_request, response) => void response.writeHead(200, headersOf(content, 0)).end(content);
}

/** The file up to a byte, then silence. */
export function fallSilent(content: Uint8Array, at: number): Behaviour {
  return (_request, response) => {
    response.writeHead(200, headersOf(content, 0));
    response.write(content.subarray(0, at));
  };
}

export function answer(status: number): Behaviour {
  return (_request, response) => void response.writeHead(status).end('no such file');
}

export const hang: Behaviour = () => undefined;

function startOf(request: IncomingMessage): number {
  return Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
}

function headersOf(content: Uint8Array, from: number): Record<string, string> {
  const length = { 'content-length': String(content.byteLength - from) };
  if (from === 0) return length;
  return { ...length, 'content-range': `bytes ${from}-${content.byteLength - 1}/${content.byteLength}` };
}
