import { beforeAll, expect, test } from 'vitest';

import { pull } from '../../engines/models/pull.js';
import { startFakeEndpoint } from '../fake-endpoint/fake-endpoint.mjs';
import { headwater } from './headwater-process.js';
import { endpoint, pipelineFolder } from './pipeline-folder.js';

beforeAll(async () => {
  await pull('wordllama-256');
}, 120_000);

test('an endpoint that answers as another model is named once, and the lineage tells which wrote what', async () => {
  const server = await startFakeEndpoint({ renamed: { after: 9, to: 'base-v2' } });
  const dir = pipelineFolder(server.url);
  const ended = await headwater(dir, ['run', 'mails.yaml', '--json']);
  expect(ended.code).toBe(0);
  const warnings = ended.stderr.match(
    /^warning: models\.base: the endpoint answers as openai\/base-v2 now, before as openai\/base;/gm,
  );
  expect(warnings).toHaveLength(1);
  const samples = JSON.parse((await headwater(dir, ['tail', 'samples', '--from', 'earliest', '--json'])).stdout);
  const models = samples.flatMap(
    (sample: { value: { lineage: { models: readonly string[] } } }) => sample.value.lineage.models,
  );
  expect(new Set(models)).toContain('openai/base');
  expect(new Set(models)).toContain('openai/base-v2');
  await server.close();
});

test('onModelChange: stop ends the run, and says which model came', async () => {
  const server = await startFakeEndpoint({ renamed: { after: 9, to: 'other' } });
  const models = {
    base: endpoint(server.url, 'base', { onModelChange: 'stop' }),
    instruct: endpoint(server.url, 'instruct'),
  };
  const dir = pipelineFolder(server.url, { models });
  const ended = await headwater(dir, ['run', 'mails.yaml', '--json']);
  expect(ended.code).toBe(1);
  expect(ended.stderr).toMatch(/openai\/base: the endpoint answered as openai\/other, where it was openai\/base/);
  await server.close();
});
