import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';

import { pull } from '../../engines/models/pull.js';
import { startFakeEndpoint } from '../fake-endpoint/fake-endpoint.mjs';
import { type Ended, headwater } from './headwater-process.js';
import { pipelineFolder, seeds, writeRecipe } from './pipeline-folder.js';

const nowhere = 'http://127.0.0.1:9/v1';

beforeAll(async () => {
  await pull('wordllama-256');
}, 120_000);

/** One sentence with a code on standard error, nothing on standard output, and no stack. */
function expectRefusal({ code, stdout, stderr }: Ended, expected: number, pattern: RegExp): void {
  expect(stderr).toMatch(pattern);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(stderr).toMatch(/\[[a-z-]+\]\n$/);
  expect(stdout).toBe('');
  expect(code).toBe(expected);
}

describe('a recipe that is wrong is refused with its line and path', () => {
  const recipe = (models: string) => `name: mails
domain: {about: mails, fields: {subject: {}, body: {}}}
inputs: {seeds: seeds.jsonl}
models:
${models}
target: {samples: 8}
`;
  const base = `  base: {engine: openai, url: '${nowhere}', model: m`;
  test.each([
    ['an unknown key', `${base}, temprature: 1}`, /mails\.yaml:5: models\.base\.temprature: unknown key.*temperature/],
    ['a wrong type', `${base}, maxInFlight: many}`, /mails\.yaml:5: models\.base\.maxInFlight: expected number/],
    ['no YAML', `${base}`, /mails\.yaml:\d+: /],
    [
      'a key that is not set',
      `${base}, key: $HW_NO_KEY}\nsteps: {refine: off}`,
      /mails\.yaml:5: .*HW_NO_KEY is not set/,
    ],
    [
      'a user in the URL',
      `  base: {engine: openai, url: 'http://a:b@127.0.0.1:9', model: m}\nsteps: {refine: off}`,
      /mails\.yaml:5: models\.base\.url: .*no user or password.*'http:\/\/…@127/,
    ],
    ['a model without a file', `  base: {engine: llama, model: ./no.gguf}\nsteps: {refine: off}`, /no\.gguf/],
    [
      'a journal that is not there',
      `  base: {engine: replay, journal: no.jsonl}\nsteps: {refine: off}`,
      /no\.jsonl cannot be read/,
    ],
  ])('%s', async (_, models, pattern) => {
    const dir = pipelineFolder(nowhere);
    writeFileSync(join(dir, 'mails.yaml'), recipe(models));
    expectRefusal(await headwater(dir, ['run', 'mails.yaml', '--json']), 2, pattern);
  });

  test.each([
    [['run', 'absent.yaml'], /the recipe absent\.yaml does not exist/],
    [
      ['run', 'mail'],
      /'mail' is neither a file nor a built-in recipe: expected emails, synalign, word-problems, bare-vs-instruct or bare-vs-instruct-math/,
    ],
    [
      ['run', 'mails.yaml', '--stages', 'plan,drift'],
      /--stages: there is no stage 'drift': choose from intake, plan, reason, draft/,
    ],
    [
      ['run', 'mails.yaml', '--stages', 'reason'],
      /--stages: the recipe has no stage reason: choose from its own, plan, draft/,
    ],
    [['run', 'mails.yaml', '--set', 'target.samples=none'], /--set target\.samples=none/],
    [['load', 'plans', 'seeds.jsonl'], /'plans' takes no files: choose seeds, real, documents/],
    [['models', 'pull', 'gemma'], /gemma/],
    [['shards', 'mend', '--out', 'out'], /there is no action 'mend': choose list or verify/],
    [['status', '--data', 'nothing'], /nothing was run in .*nothing yet/],
    [['tail', 'plans'], /nothing was run in .*\.headwater yet/],
    [['shards'], /nothing was run in .*\.headwater yet: name the shard folder with --out/],
  ])('headwater %j', async (args, pattern) => {
    const dir = pipelineFolder(nowhere);
    expectRefusal(await headwater(dir, args), 2, pattern);
    expect(readdirSync(dir).sort()).toEqual(['mails.yaml', 'seeds.jsonl']);
  });

  test.each([
    [['run', 'mails.yaml', '--samples', 'ten'], /--samples.*'ten' is invalid\. expected a whole number from 1/i],
    [['run', 'mails.yaml', '--sample', '3'], /unknown option '--sample'/],
    [['rum'], /unknown command 'rum'/],
    [['run'], /missing required argument 'recipe'/],
  ])('headwater %j, with the usage', async (args, pattern) => {
    const { code, stdout, stderr } = await headwater(pipelineFolder(nowhere), args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(pattern);
    expect(stderr).toContain('Usage: headwater');
  });
});

describe('seeds that are wrong are refused with the file and the line', () => {
  test.each([
    ['not JSON', 'hello\n', /seeds\.jsonl.* is a seed \(its first line: .*not JSON/],
    ['a field less', '{"subject":"x"}\n', /the field 'body' is missing/],
    ['empty', '', /seeds\.jsonl is empty/],
    ['blank', '\n\n', /seeds\.jsonl has no records/],
    ['binary', Buffer.from([0, 1, 2, 0]), /seeds\.jsonl is a binary file/],
    ['a line of 50 MB', `{"subject":"x","body":"${'y'.repeat(50e6)}"}\n`, /longer than/],
  ])('%s', async (_, content, pattern) => {
    const server = await startFakeEndpoint();
    const dir = pipelineFolder(server.url);
    writeFileSync(join(dir, 'seeds.jsonl'), content);
    expectRefusal(await headwater(dir, ['run', 'mails.yaml']), 2, pattern);
    expect(server.stats().requests).toBe(0);
    await server.close();
  });

  test('absent: refused; a folder: refused', async () => {
    const dir = pipelineFolder(nowhere, { inputs: { seeds: 'none.jsonl' } });
    expectRefusal(await headwater(dir, ['run', 'mails.yaml']), 2, /none\.jsonl/);
    mkdirSync(join(dir, 'none.jsonl'));
    expectRefusal(await headwater(dir, ['run', 'mails.yaml']), 2, /none\.jsonl/);
  });

  test('some bad lines among good ones: they become dead letters', async () => {
    const server = await startFakeEndpoint();
    const dir = pipelineFolder(server.url);
    writeFileSync(join(dir, 'seeds.jsonl'), [seeds[0], 'no json', seeds[1], '{"subject":1}', seeds[2]].join('\n'));
    expect((await headwater(dir, ['run', 'mails.yaml', '--samples', '2'])).code).toBe(0);
    const letters = JSON.parse((await headwater(dir, ['tail', 'dead-letters', '--json'])).stdout);
    expect(letters).toMatchObject([
      { value: { code: 'record-undecodable', origin: { file: 'seeds.jsonl', line: 2 } } },
      { value: { code: 'line-invalid', origin: { file: 'seeds.jsonl', line: 4 } } },
    ]);
    await server.close();
  });
});

describe('a model file that is wrong is named', () => {
  test.each([
    ['a web page', '<!doctype html><html>Not found</html>', /cut\.gguf.* is a web page/],
    [
      'cut',
      Buffer.concat([Buffer.from('GGUF'), Buffer.from([3, 0, 0, 0]), Buffer.alloc(64, 7)]),
      /cut\.gguf.* is not a whole GGUF file/,
    ],
    ['empty', '', /cut\.gguf.* is empty/],
  ])('%s', async (_, content, pattern) => {
    const dir = pipelineFolder(nowhere, {
      models: { base: { engine: 'llama', model: './cut.gguf' } },
      steps: { refine: 'off' },
    });
    writeFileSync(join(dir, 'cut.gguf'), content);
    const ended = await headwater(dir, ['run', 'mails.yaml']);
    expectRefusal(ended, 2, pattern);
  });
});

test('a module of real records that is not installed: refused with how to get it', async () => {
  const server = await startFakeEndpoint();
  const dir = pipelineFolder(server.url, { inputs: { seeds: 'seeds.jsonl', real: { module: 'no-such-package' } } });
  expectRefusal(await headwater(dir, ['run', 'mails.yaml']), 2, /no-such-package/);
  await server.close();
});

test('an endpoint that is not there: refused at once, and the recipe can be mended', async () => {
  const dir = pipelineFolder(nowhere);
  const refused = await headwater(dir, ['run', 'mails.yaml']);
  expectRefusal(refused, 1, /nothing answers at http:\/\/127\.0\.0\.1:9\/v1 \(ECONNREFUSED\): start the server there/);
  const server = await startFakeEndpoint();
  writeRecipe(dir, server.url, { seed: 8 });
  writeFileSync(join(dir, 'seeds.jsonl'), seeds.slice(0, 3).join('\n'));
  expect((await headwater(dir, ['run', 'mails.yaml', '--samples', '1'])).code).toBe(0);
  await server.close();
});
