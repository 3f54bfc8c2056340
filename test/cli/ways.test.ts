import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';

import { pull } from '../../engines/models/pull.js';
import { type FakeEndpoint, startFakeEndpoint } from '../fake-endpoint/fake-endpoint.mjs';
import { fieldAnswer } from '../fake-endpoint/field-answer.mjs';
import { until } from '../streams/shards/folders.js';
import { headwater, start } from './headwater-process.js';
import { endpoint, pipelineFolder } from './pipeline-folder.js';

beforeAll(async () => {
  await pull('wordllama-256');
}, 120_000);

interface Asked {
  readonly prompt?: string;
  readonly messages?: readonly { readonly role: string; readonly content: string }[];
  readonly response_format?: object;
}

const opened = 'EXAMPLE START\nSubject: x\nBody: y\nEXAMPLE END\n\nEXAMPLE START\nSubject:';

/** A text as a model writes it, by the hash of the request and its place in the answer. */
function written(hash: string, place: number): string {
  const at = (Number.parseInt(hash.slice(0, 6), 16) + 7919 * place) % 2 ** 24;
  const { text } = fieldAnswer({ model: 'm', prompt: opened }, at.toString(16).padStart(8, '1') + hash);
  return `Subject:${text.split('\nEXAMPLE END')[0]}`;
}

function json(text: string): object {
  const [subject = '', body = ''] = text.slice('Subject: '.length).split('\nBody: ');
  return { subject, body };
}

/** Answers as an instruct model that does what it is told; edits and completions are those of the fake endpoint. */
function answer(asked: Asked, hash: string) {
  const content = asked.messages?.[0]?.content ?? '';
  const count = Number(
    /Write (\d+) new texts/u.exec(content)?.[1] ?? (/Write one (?:new|more) text/u.test(content) ? 1 : 0),
  );
  if (asked.prompt?.includes('### Example')) return { text: written(hash, 0).slice('Subject:'.length) };
  if (count === 0) return fieldAnswer({ model: 'm', ...asked }, hash);
  const texts = Array.from({ length: count }, (_, place) => written(hash, place));
  if (asked.response_format === undefined) return { text: texts.join('\nEND OF EXAMPLE\n\n') };
  return { text: JSON.stringify(count === 1 ? json(texts[0] ?? '') : { texts: texts.map(json) }) };
}

/** An endpoint that keeps what it was asked. */
async function instructed(latencyMs = 0): Promise<{ readonly server: FakeEndpoint; readonly asked: Asked[] }> {
  const asked: Asked[] = [];
  const server = await startFakeEndpoint({
    latencyMs,
    answer: (request, hash) => {
      asked.push(request as Asked);
      return answer(request as Asked, hash);
    },
  });
  onTestFinished(() => server.close());
  return { server, asked };
}

interface Tailed {
  readonly value: { readonly fields: object; readonly calls: readonly { readonly prompt: string }[] };
  readonly prompts: readonly { readonly id: string; readonly prompt?: string; readonly messages?: readonly object[] }[];
}

const ways = [
  ['base', {}, 'bare.draft/1/blocks/1'],
  ['base', { layout: 'sections' }, 'bare.draft/1/sections/1'],
  ['few-shot', { personas: ['a baker', 'a sailor'] }, 'bare.few-shot/1/blocks/1'],
  ['few-shot', { answer: 'json' }, 'bare.few-shot/1/json/1'],
  ['sequential', { group: 4 }, 'bare.sequential/1/blocks/1'],
  ['in-one', { group: 4 }, 'bare.in-one/1/blocks/1'],
  ['in-one', { group: 3, answer: 'json' }, 'bare.in-one/1/json/1'],
] as const;

describe.each(ways)('way %s %j', (way, options, id) => {
  test('fills its target, and `tail --prompts` prints what was sent', { timeout: 180_000 }, async () => {
    const { server, asked } = await instructed();
    const base = way === 'base' ? {} : { base: undefined };
    const dir = pipelineFolder(server.url, { models: base, steps: { draft: { way, ...options } } });
    const ended = await headwater(dir, ['run', 'mails.yaml', '--json']);
    expect(ended.stderr).not.toMatch(/^\s+at /m);
    expect(JSON.parse(ended.stdout)).toMatchObject({ status: 'complete', accepted: 8 });

    for (const topic of ['drafts', 'refined']) {
      const tailed = await headwater(dir, ['tail', topic, '--from', 'earliest', '--prompts', '--json']);
      const records: readonly Tailed[] = JSON.parse(tailed.stdout);
      expect(records.length).toBeGreaterThanOrEqual(8);
      const sent = asked.map(({ prompt, messages }) => JSON.stringify(prompt ?? messages));
      for (const { prompts } of records) {
        expect(prompts.map((one) => one.id)).toEqual(topic === 'drafts' ? [id] : [id, 'bare.edit/1/blocks/1']);
        for (const { prompt, messages } of prompts) expect(sent).toContain(JSON.stringify(prompt ?? messages));
      }
    }
    const plain = await headwater(dir, ['tail', 'drafts', '--prompts']);
    expect(plain.stdout).toContain(`----- prompt ${id} -----\n`);
  });
});

test('way given refines the texts of inputs.drafts, and asks for no drafts', { timeout: 180_000 }, async () => {
  const { server, asked } = await instructed();
  const dir = pipelineFolder(server.url, {
    models: { base: undefined },
    inputs: { seeds: 'seeds.jsonl', drafts: 'drafts.jsonl' },
    steps: { draft: { way: 'given' } },
    target: { samples: 3 },
  });
  const items = Array.from({ length: 5 }, (_, n) => json(written('abcdef0123456789', n)));
  writeFileSync(join(dir, 'drafts.jsonl'), items.map((item) => JSON.stringify(item)).join('\n'));
  const ended = await headwater(dir, ['run', 'mails.yaml', '--json']);
  expect(JSON.parse(ended.stdout), ended.stderr).toMatchObject({ accepted: 3 });
  for (const { messages } of asked) expect(messages?.[0]?.content).toContain('Improve the draft below.');
  const tailed = await headwater(dir, ['tail', 'refined', '--from', 'earliest', '--prompts', '--json']);
  const records: readonly Tailed[] = JSON.parse(tailed.stdout);
  for (const { prompts } of records) expect(prompts.map(({ id }) => id)).toEqual(['bare.edit/1/blocks/1']);
});

test.each(['sequential', 'in-one'])(
  'way %s, killed in the middle of groups, gives the same samples',
  { timeout: 180_000 },
  async (way) => {
    const run = async (kills: number) => {
      const { server, asked } = await instructed(30);
      const dir = pipelineFolder(server.url, { steps: { draft: { way, group: 4 } }, target: { samples: 12 } });
      for (let kill = 0; kill < kills; kill++) {
        const before = asked.length;
        const child = start(dir, ['run', 'mails.yaml', '--json']);
        const enough = way === 'in-one' ? 4 : 7;
        await Promise.race([child.ended, until(() => asked.length >= before + enough)]);
        child.signal('SIGKILL');
        await child.ended;
      }
      const ended = await headwater(dir, ['run', 'mails.yaml', '--json']);
      expect(JSON.parse(ended.stdout), ended.stderr).toMatchObject({ status: 'complete' });
      const drafts = await headwater(dir, ['tail', 'samples', '--from', 'earliest', '--json']);
      const records: readonly { readonly value: { readonly ordinal: number; readonly fields: object } }[] = JSON.parse(
        drafts.stdout,
      );
      return records.map(({ value }) => [value.ordinal, value.fields]);
    };
    const whole = await run(0);
    expect(whole).toHaveLength(12);
    expect(await run(1)).toEqual(whole);
  },
);

test('--prompts is for what came from prompts', async () => {
  const { server } = await instructed();
  const dir = pipelineFolder(server.url);
  const ended = await headwater(dir, ['tail', 'plans', '--prompts']);
  expect(ended.code).toBe(2);
  expect(ended.stderr).toContain('--prompts: records of plans come from no prompt');
});

test('check draws the way and warns of what has no effect', async () => {
  const { server } = await instructed();
  const dir = pipelineFolder(server.url, {
    models: { instruct: endpoint(server.url, 'instruct') },
    steps: { refine: 'off', draft: { way: 'in-one', group: 5, layout: 'xml', answer: 'json' } },
  });
  const { stdout, stderr, code } = await headwater(dir, ['check', 'mails.yaml']);
  expect(code, stderr).toBe(0);
  expect(stdout).toContain(
    '[draft]  draft in-one (3 examples, groups of 5, as JSON, up to 3 attempts)   asks openai/instruct',
  );
  expect(stderr).toMatch(/models\.base.* has no effect with steps\.draft\.way: in-one/u);
  expect(stderr).toMatch(/steps\.draft\.layout.* has no effect with answer: json/u);
});
