import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';

import { blocks } from '../../operators/prompting/layouts/blocks.js';
import { copyEditMessages, draftPrompt, editMessages } from '../../operators/prompting/prompts.js';
import { domain } from '../../schemas/domain.js';
import type { Plan } from '../../schemas/plan.js';
import { spawnFakeEndpoint } from './child.js';
import { startFakeEndpoint } from './fake-endpoint.mjs';
import { fieldAnswer } from './field-answer.mjs';

const example = 'EXAMPLE START\nKind: spam\nSubject: a\nBody: b: c\nEXAMPLE END';

async function post(url: string, body: object): Promise<Response> {
  return fetch(url, { method: 'POST', body: JSON.stringify(body) });
}

describe('answers', () => {
  it('continue the opened field and go on with those that follow it', () => {
    const prompt = `About.\n\n${example}\n\nEXAMPLE START\nKind: spam\nSubject:`;
    const { text } = fieldAnswer({ model: 'm', prompt }, '0123456789abcdef');
    expect(text).toMatch(/^ The .+\.\nBody: The .+\.\nEXAMPLE END\n$/);
  });

  it('edit a draft, from its first field on or from the opening on', () => {
    const draft = 'Subject: Lunch today\nBody: Are we still on';
    const edit = `About.\n\n${example}\n\nAnswer with "Subject:", then "Body:".\n\n${draft}`;
    const messages = [{ role: 'user', content: edit }];
    expect(fieldAnswer({ model: 'm', messages }, '0123456789abcdef').text).toMatch(
      /^Subject: Lunch today\nBody: Are we \w+ on$/,
    );
    const opened = [
      { role: 'user', content: `Correct.\n\n${draft}` },
      { role: 'assistant', content: 'Subject:' },
    ];
    expect(fieldAnswer({ model: 'm', messages: opened }, '0123456789abcdef').text).toMatch(
      /^ Lunch today\nBody: Are we \w+ on$/,
    );
  });

  it('parse as the fields of a domain, drafts and edits', () => {
    const about = domain.parse({ about: 'E-mails.', fields: { subject: {}, body: {} }, vary: { tone: ['dry'] } });
    const layout = blocks(about);
    const fields = { subject: 'A walk', body: 'It was long.\nNote: it rained.' };
    const id = '0'.repeat(32);
    const plan: Plan = {
      ...{ kind: 'plan', id, lane: 0, ordinal: 0, method: 'bare', vary: { tone: 'dry' }, seedCount: 1 },
      ...{ examples: [{ id, fields, vary: {} }], randomSeed: 1, plannedAt: 0 },
    };
    const { prompt } = draftPrompt(about, layout, plan);
    const draft = layout.parseRaw(fieldAnswer({ model: 'm', prompt }, id).text, false);
    expect(draft).toHaveProperty('fields');
    const edit = fieldAnswer({ model: 'm', messages: editMessages(about, layout, plan, fields) }, id);
    const copyEdit = fieldAnswer({ model: 'm', messages: copyEditMessages(about, fields) }, id);
    for (const refined of [layout.parse(edit.text), layout.parseRaw(copyEdit.text, false)]) {
      expect(refined).toMatchObject({ fields: { subject: 'A walk', body: expect.stringMatching(/^It was/) } });
    }
  });

  it('depend on the request alone', async () => {
    const answers = [];
    for (const seed of [1, 1, 2]) {
      const server = await startFakeEndpoint();
      answers.push(await (await post(`${server.url}/completions`, { prompt: 'Subject:', seed })).text());
      await server.close();
    }
    expect(answers[0]).toBe(answers[1]);
    expect(answers[0]).not.toBe(answers[2]);
  });
});

it('draws faults by share of the requests, and counts what was asked and answered', async () => {
  const server = await startFakeEndpoint({ faults: [{ kind: 'status', status: 429, share: 0.25 }] });
  const statuses: number[] = [];
  for (let seed = 0; seed < 400; seed += 1) {
    statuses.push((await post(`${server.url}/completions`, { prompt: 'a', seed })).status);
  }
  const refused = statuses.filter((status) => status === 429).length;
  expect(refused).toBeGreaterThan(60);
  expect(refused).toBeLessThan(140);
  expect(server.stats()).toMatchObject({ requests: 400, answered: 400 - refused });
  expect(Object.keys(server.stats().byRequest)).toHaveLength(400);
  await server.close();
});

it('runs in a process of its own, with its counts', async () => {
  const server = await spawnFakeEndpoint({ latencyMs: 5 });
  await (await post(`${server.url}/completions`, { prompt: 'a' })).text();
  expect(await server.stats()).toMatchObject({ requests: 1, answered: 1 });
  await server.close();
  await expect(post(`${server.url}/completions`, {})).rejects.toThrow('fetch failed');
});

it('answers from a module where one is named', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'answers-'));
  const answers = join(folder, 'answers.mjs');
  await writeFile(answers, "export const answer = (asked) => ({ text: 'heard ' + asked.prompt });");
  const server = await spawnFakeEndpoint({ answers });
  expect(await (await post(`${server.url}/completions`, { prompt: 'a' })).text()).toContain('heard a');
  await server.close();
  await rm(folder, { recursive: true });
});

it('ends with its parent, though the parent is killed', async () => {
  const parent = spawn(
    process.execPath,
    [
      '--input-type=module',
      '--eval',
      `import { spawn } from 'node:child_process';
       const child = spawn(process.execPath, ['test/fake-endpoint/fake-endpoint.mjs'], { stdio: ['pipe', 'inherit', 'inherit'] });
       process.stdout.write(JSON.stringify({ pid: child.pid }) + '\\n');
       setInterval(() => undefined, 1000);`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const seen: Record<string, unknown> = {};
  for await (const line of createInterface({ input: parent.stdout })) {
    Object.assign(seen, JSON.parse(line));
    if ('pid' in seen && 'url' in seen) break;
  }
  const ended = once(parent, 'exit');
  parent.kill('SIGKILL');
  await ended;
  await expect.poll(() => isRunning(Number(seen['pid'])), { timeout: 5000 }).toBe(false);
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

it('gets slower above a number of open requests', async () => {
  const server = await startFakeEndpoint({ latencyMs: 40, collapse: { above: 2 } });
  const took = async (count: number) => {
    const start = performance.now();
    const all = Array.from({ length: count }, (_, seed) => post(`${server.url}/completions`, { prompt: 'a', seed }));
    await Promise.all((await Promise.all(all)).map((response) => response.text()));
    return performance.now() - start;
  };
  expect(await took(2)).toBeGreaterThanOrEqual(39);
  expect(await took(3)).toBeGreaterThanOrEqual(79);
  await server.close();
});

it('lists its models, refuses others, and changes the name on the way', async () => {
  const server = await startFakeEndpoint({ models: ['one', 'two'], renamed: { after: 2, to: 'three' } });
  const listed: unknown = await (await fetch(`${server.url}/models`)).json();
  expect(listed).toMatchObject({ data: [{ id: 'one' }, { id: 'two' }] });
  const unknown = await post(`${server.url}/completions`, { model: 'none', prompt: 'a' });
  expect([unknown.status, await unknown.text()]).toEqual([404, expect.stringContaining('`none` does not exist')]);
  const names: unknown[] = [];
  for (let time = 0; time < 2; time += 1) {
    const answer = await post(`${server.url}/completions`, { model: 'one', prompt: 'a' });
    names.push(/"model":"(\w+)"/.exec(await answer.text())?.[1]);
  }
  expect(names).toEqual(['one', 'three']);
  await server.close();
});

it('has log probabilities where they are asked for, streamed or not', async () => {
  const server = await startFakeEndpoint({ logprobs: true, answer: () => ({ text: 'one two' }), pieces: 1 });
  const body = { model: 'm', prompt: 'a', messages: [{ role: 'user', content: 'a' }], logprobs: true };
  const chat = await (await post(`${server.url}/chat/completions`, body)).json();
  expect(chat).toMatchObject({
    choices: [{ logprobs: { content: [{ token: 'one', logprob: -0.25 }, { token: ' two' }] } }],
  });
  const streamed = await (await post(`${server.url}/completions`, { ...body, logprobs: 1, stream: true })).text();
  expect(streamed).toContain('"logprobs":{"tokens":["one"," two"],"token_logprobs":[-0.25,-0.2]');
  expect(await (await post(`${server.url}/completions`, { prompt: 'a', stream: true })).text()).not.toContain(
    'logprobs',
  );
  await server.close();
});
