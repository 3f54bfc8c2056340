import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, onTestFinished, test } from 'vitest';

import { pull } from '../../engines/models/pull.js';
import { type FakeEndpoint, startFakeEndpoint } from '../fake-endpoint/fake-endpoint.mjs';
import { fieldAnswer } from '../fake-endpoint/field-answer.mjs';
import { headwater } from './headwater-process.js';
import { pipelineFolder, writeRecipe } from './pipeline-folder.js';

beforeAll(async () => {
  await pull('wordllama-256');
}, 120_000);

interface Asked {
  readonly prompt?: string;
  readonly messages?: readonly { readonly content: string }[];
}

/** An endpoint that finds attributes, and writes as the fake endpoint does. */
async function reasoning(): Promise<{
  readonly server: FakeEndpoint;
  readonly drafts: string[];
  readonly reasons: string[];
}> {
  const drafts: string[] = [];
  const reasons: string[] = [];
  const server = await startFakeEndpoint({
    answer: (request, hash) => {
      const { prompt, messages = [] } = request as Asked;
      const said = messages.at(-1)?.content ?? '';
      if (prompt !== undefined) drafts.push(prompt);
      if (!said.includes('flat JSON object')) return fieldAnswer(request, hash);
      reasons.push(said);
      const mood = said.includes('garden') ? 'calm and green' : 'brisk and salty';
      return { text: `{"topic": "${mood} places", "tone": "${mood}"}` };
    },
  });
  onTestFinished(() => server.close());
  return { server, drafts, reasons };
}

const changes = {
  domain: {
    about: 'short e-mails',
    fields: { subject: {}, body: {} },
    label: { field: 'kind', values: ['ham', 'spam'], shares: 'real' },
  },
  inputs: { seeds: 'seeds.jsonl', real: 'real.jsonl' },
  method: 'synalign',
  steps: {
    explore: { examples: 2, inducing: 16, candidates: 64 },
    reason: { answer: 'json', attributes: ['topic', 'tone'], uses: 3 },
    align: { buffer: 16, every: 8 },
    rollingMmd: { window: 16, every: 4, frequencies: 64, drift: { window: 8, reference: 32, expectedRunTime: 1000 } },
    measure: { every: 8, window: 16 },
  },
  target: { samples: 32 },
};

const words = { garden: 'beds roses soil spade hedge bulbs', harbour: 'boats ropes tide cranes gulls quay' };

function folderOf(url: string, more: Readonly<Record<string, unknown>> = {}): string {
  const dir = pipelineFolder(url, { ...changes, ...more });
  const mail = (n: number) => {
    const theme = n % 3 === 0 ? 'garden' : 'harbour';
    const body = `Number ${n} from the ${theme} with ${words[theme]} and a few more words for it.`;
    return { subject: `${theme} news ${n}`, body, kind: n % 4 === 0 ? 'spam' : 'ham' };
  };
  const lines = (count: number, from: number) =>
    `${Array.from({ length: count }, (_, n) => JSON.stringify(mail(from + n))).join('\n')}\n`;
  writeFileSync(join(dir, 'real.jsonl'), lines(48, 0));
  writeFileSync(join(dir, 'seeds.jsonl'), lines(4, 100));
  return dir;
}

test('a run explores, reasons, weights and steers, and says so', async () => {
  const { server, drafts, reasons } = await reasoning();
  const dir = folderOf(server.url);
  const check = await headwater(dir, ['check', 'mails.yaml']);
  expect(check).toMatchObject({ code: 0 });
  expect(check.stdout).toContain('explore (a pick and 1 neighbours, steered by corrections)');

  const run = await headwater(dir, ['run', 'mails.yaml', '--json']);
  expect(run.code, run.stderr).toBe(0);
  const summary = JSON.parse(run.stdout);
  expect(summary).toMatchObject({
    status: 'complete',
    accepted: 32,
    correction: { reference: 0, drift: { alarms: 0 } },
  });
  expect(summary.correction.witness).toBeUndefined();
  // One answer serves three plans, and drafts are written from it alone.
  expect(reasons.length).toBeLessThan(drafts.length / 2);
  expect(drafts.every((prompt) => prompt.includes('places'))).toBe(true);
  expect(drafts.some((prompt) => prompt.includes('Number 3 from the garden'))).toBe(false);

  const status = await headwater(dir, ['status']);
  expect(status.stdout).toMatch(/^reason +lag 0, .*emitted/m);
  expect(status.stdout).toMatch(/^explored +\d+ of 48 candidates \(48 real records came\), length scale \d/m);
  expect(status.stdout).toMatch(/^weights +ham: worth .* of \d+ samples; spam: /m);
  expect(status.stdout).toMatch(/^labels +.*(ham|spam) \d+\.\d % real, \d+\.\d % written/m);
  expect(status.stdout).toMatch(/^drift +/m);
  expect(status.stdout).toMatch(/^equality +/m);
  expect(status.stdout).toMatch(/^too (little|much) +"/m);

  const told = JSON.parse((await headwater(dir, ['status', '--json'])).stdout);
  expect(told.synalign.exploration).toMatchObject([{ lane: 0, seen: 48, candidates: { ham: 36, spam: 12 } }]);
  expect(told.synalign.weights[0].labels.map((each: { label: string }) => each.label)).toEqual(['ham', 'spam']);
  expect(told.correction.regions.length).toBeGreaterThan(0);
  expect(told.correction.witness).toBeUndefined();

  const samples = JSON.parse((await headwater(dir, ['tail', 'samples', '--from', 'earliest', '--json'])).stdout);
  const records = samples.map(({ value }: { value: object }) => value);
  expect(new Set(records.map((sample: { weight: number }) => sample.weight)).size).toBeGreaterThan(2);
  const spam = records.filter((sample: { label: string }) => sample.label === 'spam').length;
  expect(Math.abs(spam - 8)).toBeLessThanOrEqual(3);
});

test('the same recipe without the loop is another run, which a folder refuses', async () => {
  const { server } = await reasoning();
  const dir = folderOf(server.url);
  expect((await headwater(dir, ['run', 'mails.yaml', '--samples', '6'])).code).toBe(0);
  const { code, stderr } = await headwater(dir, ['run', 'mails.yaml', '--samples', '12', '--set', 'steps.steer=off']);
  expect(code).not.toBe(0);
  expect(stderr).toContain('steps.steer');
  expect((await headwater(dir, ['run', 'mails.yaml', '--samples', '12'])).code).toBe(0);
});

test.each([
  [{ inputs: { seeds: 'seeds.jsonl' } }, 'inputs.real: is missing: the step explore picks its examples from there'],
  [{ method: 'synalin' }, "method: expected 'bare' or 'synalign', received 'synalin', did you mean 'synalign'?"],
  [{ steps: { explore: { exemples: 3 } } }, "steps.explore.exemples: unknown key, did you mean 'examples'?"],
  [{ steps: { align: { as: 'weight' } } }, "steps.align.as: expected 'weights', 'accept' or 'resample'"],
  [{ steps: { steer: {}, rollingMmd: 'off' } }, 'steps.steer: needs steps.rollingMmd'],
])('a wrong recipe is refused before anything is made: %j', async (wrong, message) => {
  const dir = folderOf('http://127.0.0.1:1/v1');
  writeRecipe(dir, 'http://127.0.0.1:1/v1', { ...changes, ...wrong });
  const { code, stderr } = await headwater(dir, ['run', 'mails.yaml']);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});

test('a run ends where no real record can be explored, and says why', async () => {
  const { server } = await reasoning();
  const dir = folderOf(server.url);
  const long = Array.from({ length: 4 }, (_, n) => ({
    subject: `Long ${n}`,
    body: 'words '.repeat(12_000),
    kind: 'ham',
  }));
  writeFileSync(join(dir, 'real.jsonl'), long.map((mail) => `${JSON.stringify(mail)}\n`).join(''));
  const { code, stderr } = await headwater(dir, ['run', 'mails.yaml']);
  expect(stderr).toContain(
    'inputs.real: no record of lane 0 can be explored; the last one: its fields have 72006 characters',
  );
  expect(stderr).toMatch(/\[input-unreadable\]\n$/);
  expect(code).toBe(2);
});

test('the built-in recipe is written with its seeds, and checks', async () => {
  const dir = pipelineFolder('http://127.0.0.1:1/v1');
  const into = join(dir, 'own');
  const made = await headwater(dir, ['init', 'synalign', '--json']);
  // The folder has seeds of its own, which are not overwritten.
  expect(made.code).not.toBe(0);
  mkdirSync(into);
  expect((await headwater(into, ['init', 'synalign'])).code).toBe(0);
  expect(readFileSync(join(into, 'synalign.yaml'), 'utf8')).toContain('method: synalign');
  const check = await headwater(into, ['check', 'synalign.yaml', '--set', 'inputs.real=seeds.jsonl', '--json']);
  expect(check.code, check.stderr).toBe(0);
  const report = JSON.parse(check.stdout);
  // Of six e-mails in place of the corpus.
  expect(report.warnings).toEqual([
    expect.stringContaining('corrections need 32'),
    expect.stringContaining('drift will not be tested'),
  ]);
  expect(report.stages.map(({ name }: { name: string }) => name)).toContain('reason');
});
