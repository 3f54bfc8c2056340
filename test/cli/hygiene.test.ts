import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';

import { pull } from '../../engines/models/pull.js';
import { startFakeEndpoint } from '../fake-endpoint/fake-endpoint.mjs';
import { headwater } from './headwater-process.js';
import { pipelineFolder } from './pipeline-folder.js';

beforeAll(async () => {
  await pull('wordllama-256');
}, 120_000);

const held = 'The boatman of the lower harbour counts his nets twice before he goes out to sea again.';

/** Every third draft has the sentence of the benchmark in it; all others differ. */
async function contaminatedEndpoint() {
  let asked = 0;
  let edits = 0;
  const server = await startFakeEndpoint({
    answer: (request, hash) => {
      if (JSON.stringify(request).includes('"messages"')) {
        edits += 1;
        return { text: 'Subject: no edit' };
      }
      asked += 1;
      const words = hash.match(/.{4}/g)?.join(' ') ?? hash;
      const body = asked % 3 === 0 ? held : `This is about ${words}, and about nothing else.`;
      return { text: ` A word on ${hash.slice(0, 12)}\nBody: ${body}\nEXAMPLE END\n` };
    },
  });
  onTestFinished(() => server.close());
  return { url: server.url, drafts: () => asked, edits: () => edits };
}

describe('steps.decontaminate', () => {
  test('what a benchmark holds is dropped before it is refined, and is in no sample', async () => {
    const server = await contaminatedEndpoint();
    const dir = pipelineFolder(server.url, {
      steps: { decontaminate: { files: ['bench/*.jsonl'] }, dedupe: { semantic: 'off' } },
    });
    mkdirSync(join(dir, 'bench'));
    writeFileSync(join(dir, 'bench', 'nets.jsonl'), `${JSON.stringify({ question: held, answer: 'Twice.' })}\n`);
    const { code, stdout, stderr } = await headwater(dir, ['run', 'mails.yaml', '--json']);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(JSON.parse(stdout)).toMatchObject({ accepted: 8 });
    const status = await headwater(dir, ['status', '--recipe', 'mails.yaml', '--json']);
    expect(status.stdout).toContain('"contaminated"');
    const samples = await headwater(dir, ['tail', 'samples', '--recipe', 'mails.yaml', '--json']);
    expect(samples.stdout).not.toContain('boatman');

    writeFileSync(join(dir, 'bench', 'nets.jsonl'), `${JSON.stringify({ question: 'Another one?' })}\n`);
    const changed = await headwater(dir, ['run', 'mails.yaml', '--more']);
    expect(changed).toMatchObject({ code: 2, stderr: expect.stringContaining('benchmarksSha256') });
  });

  test('a file that is missing is refused with its path, before anything is asked', async () => {
    const server = await contaminatedEndpoint();
    const dir = pipelineFolder(server.url, { steps: { decontaminate: { files: ['bench/none.jsonl'] } } });
    const { code, stderr } = await headwater(dir, ['run', 'mails.yaml']);
    expect(stderr).toContain(join(dir, 'bench/none.jsonl'));
    expect(code).toBe(2);
    expect(server.drafts() + server.edits()).toBe(0);
  });
});

test('a language that cannot be told is refused, before anything is asked or kept', async () => {
  const server = await contaminatedEndpoint();
  const dir = pipelineFolder(server.url, { steps: { gate: { language: 'xx' } } });
  const { code, stderr } = await headwater(dir, ['run', 'mails.yaml']);
  expect(stderr).toMatch(/steps\.gate\.language: 'xx' is not a language that can be told: expected one of/);
  expect(code).toBe(2);
  expect(server.drafts()).toBe(0);
});
