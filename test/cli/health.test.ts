import { createServer } from 'node:net';

import { beforeAll, expect, onTestFinished, test } from 'vitest';

import { pull } from '../../engines/models/pull.js';
import { startFakeEndpoint } from '../fake-endpoint/fake-endpoint.mjs';
import { until } from '../streams/shards/folders.js';
import { headwater, start } from './headwater-process.js';
import { pipelineFolder } from './pipeline-folder.js';

beforeAll(async () => {
  await pull('wordllama-256');
}, 120_000);

test('a run serves its health, and status shows it as a worker, until Ctrl-C', async () => {
  const server = await startFakeEndpoint({ latencyMs: 20 });
  const dir = pipelineFolder(server.url, { target: { endless: true }, topics: { partitions: 2 } });
  const run = start(dir, ['run', 'mails.yaml', '--health', '0']);
  await run.says(/Health: http/);
  const [, url = ''] = /and (http:\S+)/.exec(run.stderr) ?? [];
  await until(async () => (await fetch(url)).status === 200);
  expect((await fetch(url.replace('readyz', 'healthz'))).status).toBe(200);

  await until(() => server.stats().answered > 40);
  const status = JSON.parse((await headwater(dir, ['status', '--json'])).stdout);
  expect(status.workers).toMatchObject([{ pid: run.pid, state: 'running', silentSince: null }]);
  const [{ worker }] = status.workers;
  for (const { lags, partitions } of status.stages) {
    expect(partitions).toHaveLength(new Set(lags.map(({ partition }: { partition: number }) => partition)).size);
    for (const partition of partitions) expect(partition).toMatchObject({ worker, state: 'running' });
  }
  const shown = await headwater(dir, ['status']);
  expect(shown.stdout).toMatch(
    /^workers {5}1 alive\n {12}\S+: running, plan 2, draft 2, refine 2, align 2, shard 2, manifest 1/m,
  );

  run.signal('SIGINT');
  expect((await run.ended).code).toBe(130);
  expect((await headwater(dir, ['status'])).stdout).toMatch(/^workers {5}none$/m);
  await expect(fetch(url)).rejects.toThrow();
  await server.close();
});

test('a port that is taken is refused before anything is made', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    other.close();
  });
  const address = other.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const server = await startFakeEndpoint();
  const dir = pipelineFolder(server.url);
  const run = await headwater(dir, ['run', 'mails.yaml', '--health', String(port)]);
  expect(run.stderr).toMatch(
    /^headwater: --health: cannot listen at 127\.0\.0\.1:\d+ \(another process listens there\): .*\[address-unusable\]\n$/m,
  );
  expect({ code: run.code, requests: server.stats().requests }).toEqual({ code: 2, requests: 0 });
  expect((await headwater(dir, ['status'])).code).toBe(2);
  await server.close();
});

test('several workers want Kafka', async () => {
  const dir = pipelineFolder('http://127.0.0.1:9');
  const run = await headwater(dir, ['run', 'mails.yaml', '--workers', '2']);
  expect(run.stderr).toMatch(/--workers: the embedded log is for one process.*\[recipe-invalid\]\n$/);
  expect(run.code).toBe(2);
});
