import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';

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
