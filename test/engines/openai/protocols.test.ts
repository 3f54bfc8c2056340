import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';

import { openai } from '../../../engines/openai/openai.js';
import type { ChatRequest, CompletionRequest } from '../../../operators/language-model.js';
import { scaledClock } from './scaled-clock.js';

const folder = join(import.meta.dirname, 'fixtures');

/** An exchange with a server of another make; see fixtures/README.md. */
const fixtureSchema = z.object({
  server: z.string(),
  recorded: z.boolean(),
  model: z.string(),
  options: z.object({
    grammar: z.enum(['llama.cpp', 'vllm']).exactOptional(),
    retries: z.int().exactOptional(),
    price: z.object({ input: z.number(), cachedInput: z.number(), output: z.number() }).exactOptional(),
  }),
  ask: z.custom<CompletionRequest | ChatRequest>((ask) => typeof ask === 'object'),
  exchanges: z.array(
    z.object({
      path: z.string(),
      body: z.string(),
      response: z.object({
        status: z.int(),
        contentType: z.string(),
        headers: z.record(z.string(), z.string()).default({}),
        body: z.string(),
      }),
    }),
  ),
  expect: z.record(z.string(), z.unknown()),
});
type Fixture = z.infer<typeof fixtureSchema>;

const fixtures = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.json'))
  .sort()
  .map((path) => ({ path, ...fixtureSchema.parse(JSON.parse(readFileSync(join(folder, path), 'utf8'))) }));

/** A server that says what the fixture says, in pieces of so many bytes, and keeps what it is sent. */
async function replaying({ exchanges }: Fixture, pieceBytes: number) {
  const asked: { readonly path: string | undefined; readonly body: string }[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    asked.push({ path: request.url, body: Buffer.concat(chunks).toString('utf8') });
    const answer = exchanges[asked.length - 1]?.response;
    if (answer === undefined) return response.destroy();
    response.writeHead(answer.status, { 'content-type': answer.contentType, ...answer.headers });
    const bytes = Buffer.from(answer.body);
    // Who has heard enough hangs up.
    const left = new Promise((resolve) => response.once('close', resolve));
    for (let from = 0; from < bytes.byteLength; from += pieceBytes) {
      const piece = bytes.subarray(from, from + pieceBytes);
      await Promise.race([new Promise<void>((resolve) => response.write(piece, () => resolve())), left]);
    }
    return response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => closed(server));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port is free on 127.0.0.1');
  return { url: `http://127.0.0.1:${address.port}/v1`, asked };
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

describe.each([
  ['in one piece', 1 << 20],
  ['in pieces of 13 bytes', 13],
])('answered %s', (_, pieceBytes) => {
  it.each(fixtures)('$path', async (fixture) => {
    const { url, asked } = await replaying(fixture, pieceBytes);
    const model = openai({ url, model: fixture.model, clock: scaledClock(500), ...fixture.options });
    onTestFinished(() => model.close());
    const { ask } = fixture;
    const answer = 'prompt' in ask ? model.complete(ask) : model.chat(ask);
    if ('code' in fixture.expect) await expect(answer).rejects.toMatchObject(fixture.expect);
    else expect(await answer).toMatchObject(fixture.expect);
    expect(asked).toEqual(fixture.exchanges.map(({ path, body }) => ({ path, body })));
  });
});

it('there are fixtures of each server, and those of llama.cpp are recorded', () => {
  const servers = new Set(fixtures.map(({ path }) => path.split('/')[0]));
  expect([...servers].sort()).toEqual(['llama.cpp', 'ollama', 'openai', 'sglang', 'vllm']);
  for (const { path, recorded } of fixtures) expect([path, recorded]).toEqual([path, path.startsWith('llama.cpp/')]);
});
