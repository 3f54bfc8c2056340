import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { openai } from '../../engines/openai/openai.js';
import { recorded } from '../../engines/recorded.js';
import { replay } from '../../engines/replay.js';
import type { ChatRequest, CompletionRequest, LanguageModel } from '../../operators/language-model.js';
import { type FakeEndpoint, startFakeEndpoint } from '../fake-endpoint/fake-endpoint.mjs';

const request: CompletionRequest = { prompt: 'Subject:', temperature: 0.7, maxTokens: 100 };
const chat: ChatRequest = { messages: [{ role: 'user', content: 'Hello' }], temperature: 0, maxTokens: 100 };

let dir: string;
let file: string;
let endpoint: FakeEndpoint;
const models: LanguageModel[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'replay-'));
  file = join(dir, 'answers.jsonl');
  endpoint = await startFakeEndpoint();
});
afterEach(async () => {
  await Promise.all(models.splice(0).map((model) => model.close()));
  await endpoint.close();
  await rm(dir, { recursive: true });
});

function recording(model = 'fake'): LanguageModel {
  const made = recorded(openai({ url: endpoint.url, model, grammar: 'vllm' }), { file });
  models.push(made);
  return made;
}

it('gives the very answers that were recorded, and asks nobody', async () => {
  const model = recording();
  const answers = await Promise.all([
    model.chat(chat),
    ...Array.from({ length: 50 }, (_, seed) => model.complete({ ...request, seed })),
  ]);
  const replayed = await replay({ file });
  expect(replayed).toMatchObject({ id: model.id, structured: true });
  expect([
    await replayed.chat(chat),
    ...(await Promise.all(Array.from({ length: 50 }, (_, seed) => replayed.complete({ ...request, seed })))),
  ]).toEqual(answers);
  expect(endpoint.stats().requests).toBe(51);
});

it('holds the answers of several models, and of several answers to a request the first', async () => {
  const first = await recording('base').complete(request);
  await recording('base').complete(request);
  const other = await recording('instruct').chat(chat);
  const replayed = await replay({ file });
  expect(replayed.id).toBe('openai/base+openai/instruct');
  expect(await replayed.complete(request)).toEqual(first);
  expect(await replayed.chat(chat)).toEqual(other);
});

it('rejects where there is no answer, and names the end of the prompt', async () => {
  await recording().complete(request);
  const replayed = await replay({ file });
  await expect(replayed.complete({ ...request, prompt: 'Body:' })).rejects.toMatchObject({
    code: 'journal-missing',
    message: expect.stringContaining('"Body:"'),
  });
  await expect(replayed.complete({ ...request, signal: AbortSignal.abort('gone') })).rejects.toBe('gone');
});

it('leaves out a last line that was cut', async () => {
  await recording().complete(request);
  const line = await readFile(file, 'utf8');
  await appendFile(file, line.slice(0, 100));
  await expect((await replay({ file })).complete(request)).resolves.toMatchObject({ finishReason: 'stop' });
});

it('reads a last line without a line break', async () => {
  await recording().complete(request);
  await writeFile(file, (await readFile(file, 'utf8')).trim());
  await expect((await replay({ file })).complete(request)).resolves.toMatchObject({ finishReason: 'stop' });
});

it.each([
  ['', 'input-unreadable', 'has no recorded answers'],
  ['nonsense\n', 'record-undecodable', ':1 is not JSON'],
  ['{}\n', 'record-invalid', ":1 has a bad 'model'"],
  [
    '{"model":"m","request":"short","completion":{}}\n',
    'record-invalid',
    ":1 has a bad 'request': expected 32 hexadecimal digits",
  ],
])('rejects the file %j', async (text, code, message) => {
  await writeFile(file, text);
  await expect(replay({ file })).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
});

it('rejects a file that is not there', async () => {
  await expect(replay({ file })).rejects.toMatchObject({ code: 'input-unreadable' });
});
