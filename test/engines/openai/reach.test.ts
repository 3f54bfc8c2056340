import { once } from 'node:events';
import { createServer } from 'node:net';
import { inspect } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';

import { reach, reachAny } from '../../../engines/openai/reach.js';
import { startFakeEndpoint } from '../../fake-endpoint/fake-endpoint.mjs';

const signal = new AbortController().signal;

test('any answer will do, a refusal too', async () => {
  const server = await startFakeEndpoint({ key: 'secret' });
  onTestFinished(() => server.close());
  await reach(server.url, signal);
});

test('a server that is no HTTP server is left to the requests', async () => {
  const server = createServer((socket) => socket.end('hello\n')).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  await reach(`http://127.0.0.1:${address.port}/v1/?a=b`, signal);
});

test.each([
  ['http://127.0.0.1:9/v1', 'ECONNREFUSED'],
  ['http://no-such-host.invalid/v1', 'ENOTFOUND|EAI_AGAIN'],
])('nothing at %s: refused with the URL and what to do', async (url, code) => {
  const error: unknown = await reach(url, signal).catch((cause: unknown) => cause);
  expect(error).toMatchObject({ code: 'endpoint-unreachable' });
  expect(String(error)).toMatch(new RegExp(`nothing answers at ${url} \\((${code})\\): start the server there`));
});

test('what may be a secret in the URL is not told', async () => {
  const error: unknown = await reach('http://me:secret@127.0.0.1:9/v1?key=secret', signal).catch(
    (cause: unknown) => cause,
  );
  expect(String(error)).toContain('nothing answers at http://127.0.0.1:9/v1 (ECONNREFUSED)');
  expect(inspect(error)).not.toContain('secret');
});

test('rejects with the reason of the signal', async () => {
  await expect(reach('http://127.0.0.1:9/v1', AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
});

test('of several endpoints one that listens is enough', async () => {
  const server = await startFakeEndpoint();
  onTestFinished(() => server.close());
  await reachAny(['http://127.0.0.1:9/v1', server.url], signal);
  const nowhere = reachAny(['http://127.0.0.1:9/v1', 'http://127.0.0.1:9/v2'], signal);
  await expect(nowhere).rejects.toMatchObject({ code: 'endpoint-unreachable' });
  await expect(reachAny([server.url], AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
});
