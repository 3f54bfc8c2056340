import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';

import { parseAnswer, parseFields } from '../../operators/bare/parse.js';
import { draftPrompt, refineMessages } from '../../operators/bare/prompts.js';
import { tagsOf } from '../../operators/bare/tags.js';
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
    const tags = tagsOf(about);
    const fields = { subject: 'A walk', body: 'It was long.\nNote: it rained.' };
    const id = '0'.repeat(32);
    const plan: Plan = {
      ...{ kind: 'plan', id, lane: 0, ordinal: 0, method: 'bare', vary: { tone: 'dry' }, seedCount: 1 },
      ...{ examples: [{ id, fields, vary: {} }], randomSeed: 1, plannedAt: 0 },
    };
    const { prompt } = draftPrompt(about, plan);
    const draft = parseFields(fieldAnswer({ model: 'm', prompt }, id).text, tags);
    expect(draft).toHaveProperty('fields');
    for (const style of ['edit', 'copy-edit'] as const) {
      const messages = refineMessages(about, plan, fields, style);
      const { text } = fieldAnswer({ model: 'm', messages }, id);
      const refined = style === 'edit' ? parseAnswer(text, tags) : parseFields(text, tags);
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
