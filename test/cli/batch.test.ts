import { beforeAll, expect, test } from 'vitest';

import { pull } from '../../engines/models/pull.js';
import { startFakeBatchEndpoint } from '../fake-endpoint/fake-batch-endpoint.mjs';
import { headwater, start } from './headwater-process.js';
import { pipelineFolder } from './pipeline-folder.js';

beforeAll(async () => {
  await pull('wordllama-256');
}, 120_000);

test('batches outlive a killed run: the next one collects what they have answered, and pays for nothing twice', async () => {
  const server = await startFakeBatchEndpoint({ looks: () => 4 });
  const model = { engine: 'openai-batch', url: server.url, model: 'm', maxInFlight: 16, pause: 150, poll: 100 };
  const priced = { ...model, price: { input: 1, output: 1 } };
  const dir = pipelineFolder(server.url, { models: { base: priced, instruct: priced } });

  // Once while the drafts' batch is worked on, once while that of the edits is.
  for (const batches of [1, 2]) {
    const killed = start(dir, ['run', 'mails.yaml', '--json']);
    await expect
      .poll(() => server.batches.length >= batches && server.batches.at(-1)?.status, { timeout: 60_000, interval: 5 })
      .toBe('in_progress');
    killed.signal('SIGKILL');
    await killed.ended;
  }
  const ended = await headwater(dir, ['run', 'mails.yaml', '--json']);
  expect(ended.stderr).not.toMatch(/^headwater: /m);
  expect(ended.code).toBe(0);
  const summary = JSON.parse(ended.stdout);
  expect(summary).toMatchObject({ status: 'complete', accepted: 8, dead: {} });
  expect(summary.cost).toBeGreaterThan(0);
  expect([...server.paid.values()].filter((times) => times > 1)).toEqual([]);
  expect(server.batches.every(({ metadata }) => metadata['headwater_pipeline'] === 'mails')).toBe(true);
  await server.close();
});
