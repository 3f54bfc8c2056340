import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { inspect } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';

import { type ClientTokenOptions, clientToken } from '../../../cli/run/client-token.js';
import { HeadwaterError } from '../../../schemas/errors.js';

const secret = 'hunter2:+ é/%';
const encoded = new URLSearchParams([['', secret]]).toString().slice(1);

let server: Server | undefined;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  server = undefined;
});

interface Asked {
  readonly authorization: string;
  readonly form: Readonly<Record<string, string>>;
}

/** A token endpoint on a free port that keeps what it was asked. */
async function provider(answer: (response: ServerResponse, nth: number) => void) {
  const asked: Asked[] = [];
  const started = createServer(async (incoming, response) => {
    const form = Object.fromEntries(new URLSearchParams(await textOf(incoming)));
    answer(response, asked.push({ authorization: incoming.headers.authorization ?? '', form }));
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  const address = started.address();
  if (address === null || typeof address === 'string') throw new Error('expected a port');
  return { asked, tokenUrl: `http://127.0.0.1:${address.port}/realms/test/token` };
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function gives(body: unknown, status = 200) {
  return (response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json', location: 'http://127.0.0.1:9/else' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

function source(tokenUrl: string, more: Partial<ClientTokenOptions> = {}) {
  return clientToken({ tokenUrl, clientId: 'hw worker', clientSecret: secret, now: () => 0, ...more });
}

/** The error, after a look that it shows the secret to nobody. */
async function refusal(token: () => Promise<string>): Promise<string> {
  const error = await token().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof HeadwaterError)) throw new Error(`expected a HeadwaterError, received ${inspect(error)}`);
  expect(error.code).toBe('broker-refused');
  const seen = `${inspect(error, { depth: 9, showHidden: true })}${JSON.stringify(error)}${error.stack}`;
  for (const form of [secret, encoded, 'hunter2', Buffer.from(`hw+worker:${encoded}`).toString('base64')]) {
    expect(seen).not.toContain(form);
  }
  return error.message;
}

test('is asked for with the client credentials, form-encoded in a Basic header', async () => {
  const { asked, tokenUrl } = await provider(gives({ access_token: 'abc', expires_in: 60 }));
  expect(await source(tokenUrl, { scope: 'kafka read' })()).toBe('abc');
  expect(asked).toHaveLength(1);
  expect(asked[0]?.form).toEqual({ grant_type: 'client_credentials', scope: 'kafka read' });
  const login = Buffer.from(asked[0]?.authorization.replace('Basic ', '') ?? '', 'base64').toString();
  expect(login).toBe(`hw+worker:${encoded}`);
});

test('is kept for four fifths of its life, and asked for once by many connections', async () => {
  let now = 0;
  const { asked, tokenUrl } = await provider((response, nth) =>
    gives({ access_token: `t${nth}`, expires_in: 100 })(response),
  );
  const token = source(tokenUrl, { now: () => now });
  expect(await Promise.all([token(), token(), token()])).toEqual(['t1', 't1', 't1']);
  now = 79_999;
  expect(await token()).toBe('t1');
  now = 80_000;
  expect(await token()).toBe('t2');
  expect(asked).toHaveLength(2);
});

test('without a stated life is asked for each time; a failure is not kept', async () => {
  const { tokenUrl } = await provider((response, nth) =>
    nth === 2 ? gives({}, 503)(response) : gives({ access_token: `t${nth}` })(response),
  );
  const token = source(tokenUrl);
  expect(await token()).toBe('t1');
  expect(await refusal(token)).toContain('answered 503');
  expect(await token()).toBe('t3');
});

describe('a provider that gives none is named, and what to do', () => {
  test.each<[string, unknown, number, string]>([
    [
      'refuses',
      { error: 'invalid_client' },
      401,
      'answered 401 (invalid_client): check clientId, clientSecret and scope',
    ],
    ['echoes the secret', { error: secret, error_description: secret }, 400, 'answered 400: check clientId'],
    ['redirects', '', 302, 'answered 302: name the address that it redirects to'],
    ['is another page', '<html>', 200, 'answered without an access_token'],
    ['gives a token of two lines', { access_token: 'a\nb' }, 200, 'answered without an access_token'],
    ['gives no text', { access_token: 5 }, 200, 'answered without an access_token'],
    ['is not there', '', 404, 'answered 404: check the address'],
    ['never ends', `"${'x'.repeat(2 ** 21)}"`, 200, 'answered without an access_token'],
  ])('%s', async (_, body, status, message) => {
    const { tokenUrl } = await provider(gives(body, status));
    expect(await refusal(source(`${tokenUrl}?tenant=1`))).toContain(`topics.sasl.tokenUrl: ${tokenUrl} ${message}`);
  });

  test('is silent', async () => {
    const { tokenUrl } = await provider(() => undefined);
    expect(await refusal(source(tokenUrl, { timeoutMs: 200 }))).toContain(`${tokenUrl} did not answer in 200 ms`);
  });

  test('stops in the middle of its answer', async () => {
    const { tokenUrl } = await provider((response) => {
      response.writeHead(200);
      response.write('{"access_token":', () => response.destroy());
    });
    expect(await refusal(source(tokenUrl))).toContain(`${tokenUrl} cannot be reached (`);
  });

  test('does not listen', async () => {
    const { tokenUrl } = await provider(gives({}));
    server?.close();
    server = undefined;
    expect(await refusal(source(tokenUrl))).toContain(`${tokenUrl} cannot be reached (ECONNREFUSED)`);
  });
});
