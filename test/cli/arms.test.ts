import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';

import { pull } from '../../engines/models/pull.js';
import { startFakeEndpoint } from '../fake-endpoint/fake-endpoint.mjs';
import { type Ended, headwater, start } from './headwater-process.js';
import { endpoint, type PipelineChanges, pipelineFolder, writeRecipe } from './pipeline-folder.js';

beforeAll(async () => {
  await pull('wordllama-256');
}, 120_000);

/** Each process takes seconds to start on a machine that has much else to do. */
const manyProcessesMs = 240_000;

const price = { input: 1000, output: 2000 };

/** A recipe whose arms share their drafts, but for the last. */
function armed(url: string, changes: PipelineChanges = {}): PipelineChanges {
  return {
    models: { base: endpoint(url, 'base', { price }), instruct: endpoint(url, 'instruct', { price }) },
    arms: { refined: null, drafts: { steps: { refine: 'off' } }, cold: { 'models.base.temperature': 0.1 } },
    ...changes,
  };
}

interface ComparedArm {
  readonly name: string;
  readonly status: string;
  readonly code?: string;
  readonly dataDir: string;
  readonly figures: Readonly<Record<string, unknown>> & { readonly calls: { count: number; reused: number } };
}

function armsOf({ stdout, stderr }: Ended): readonly ComparedArm[] {
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout).arms;
}

const args = ['run', 'mails.yaml', '--data', 'data', '--out', 'out'];

describe('run of a recipe with arms', () => {
  test('runs each as a pipeline of its own that reuses what the others have paid for, and compares them', {
    timeout: manyProcessesMs,
  }, async () => {
    const server = await startFakeEndpoint();
    const dir = pipelineFolder(server.url, armed(server.url));
    const ended = await headwater(dir, [...args, '--json']);
    expect(ended.code, ended.stderr).toBe(0);
    const [refined, drafts, cold, ...others] = armsOf(ended);
    expect(others).toEqual([]);
    for (const [arm, name] of [[refined, 'refined'] as const, [drafts, 'drafts'] as const, [cold, 'cold'] as const]) {
      expect(arm).toMatchObject({ name, status: 'complete', dataDir: join('data', name) });
      expect(arm?.figures).toMatchObject({
        accepted: 8,
        usable: { value: expect.any(Number), interval: { low: expect.any(Number), high: expect.any(Number) } },
        exactDuplicates: 0,
        meanCosine: { value: expect.any(Number), interval: { low: expect.any(Number), high: expect.any(Number) } },
        nearestNeighbour: { value: expect.any(Number) },
        vendi: { value: expect.any(Number) },
        distinct2: { value: expect.any(Number) },
      });
      const status = JSON.parse((await headwater(dir, ['status', '--data', join('data', name), '--json'])).stdout);
      expect(status).toMatchObject({ name: `mails-${name}`, ledger: { accepted: 8 } });
      const verify = ['shards', 'verify', '--out', join('out', name), '--json'];
      expect(JSON.parse((await headwater(dir, verify)).stdout)).toMatchObject({ rows: 8, findings: [] });
    }
    // The drafts are those of the first arm; another temperature has none in common.
    expect(refined?.figures).toMatchObject({ calls: { reused: 0 }, savedCost: 0 });
    expect(drafts?.figures.calls.reused).toBe(drafts?.figures.calls.count);
    expect(drafts?.figures).toMatchObject({ cost: 0, savedCost: expect.any(Number) });
    expect(cold?.figures.calls.reused).toBe(0);
    for (const name of ['refined', 'drafts', 'cold'])
      expect(ended.stderr).toMatch(new RegExp(`^${name}: .*accepted`, 'm'));
    const { requests } = server.stats();

    // Again: all are done, and the table is the same.
    const again = await headwater(dir, args);
    expect(again.code).toBe(0);
    expect(server.stats().requests).toBe(requests);
    for (const name of ['refined', 'drafts', 'cold']) {
      expect(again.stdout).toMatch(new RegExp(`^  ${name} +[01]\\.\\d\\d \\[`, 'm'));
    }
    expect(again.stdout).toMatch(/mean cosine +nearest +Vendi +distinct-2/);
    await server.close();
  });

  test('goes on with the next arm where no text of one is of use, and does not try that one again', {
    timeout: manyProcessesMs,
  }, async () => {
    const server = await startFakeEndpoint();
    const impossible = { 'domain.fields.body': { match: '^never$' } };
    const dir = pipelineFolder(server.url, armed(server.url, { arms: { hopeless: impossible, plain: null } }));
    const ended = await headwater(dir, [...args, '--json']);
    expect(ended.code, ended.stderr).toBe(0);
    const [hopeless, plain] = armsOf(ended);
    expect(hopeless).toMatchObject({ status: 'failed', code: 'nothing-accepted', figures: { accepted: 0 } });
    const plans = Number(hopeless?.figures['ended']);
    expect(plans).toBeGreaterThan(100);
    const interval = { low: 0, high: expect.closeTo(1 - 0.025 ** (1 / plans), 9) };
    expect(hopeless?.figures).toMatchObject({ usable: { value: 0, interval }, meanCosine: null, vendi: null });
    expect(plain).toMatchObject({ status: 'complete', figures: { accepted: 8 } });
    const { requests } = server.stats();
    const again = await headwater(dir, args);
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('hopeless: ended before its target') });
    expect(again.stderr).toContain('hopeless: passed over');
    expect(server.stats().requests).toBe(requests);
    await server.close();
  });

  test('fails, after the others, where an arm could not be asked', async () => {
    const server = await startFakeEndpoint({ faults: [{ kind: 'status', status: 401, times: 1000, match: 'locked' }] });
    const locked = { 'models.base': endpoint(server.url, 'locked', { retries: 0 }) };
    const dir = pipelineFolder(server.url, armed(server.url, { arms: { locked, plain: null } }));
    const ended = await headwater(dir, [...args, '--json']);
    expect(ended.code).toBe(1);
    expect(armsOf(ended)).toMatchObject([
      { name: 'locked', status: 'failed', code: 'endpoint-refused' },
      { name: 'plain', status: 'complete' },
    ]);
    await server.close();
  });

  test('stops cleanly, and goes on where it stopped', { timeout: manyProcessesMs }, async () => {
    const server = await startFakeEndpoint({ latencyMs: 30 });
    const dir = pipelineFolder(server.url, armed(server.url, { target: { samples: 40 } }));
    const stopped = start(dir, [...args, '--json']);
    await stopped.says(/drafts: .*[1-9]\d* paid answers/);
    stopped.signal('SIGINT');
    const ended = await stopped.ended;
    expect(ended.code).toBe(130);
    expect(armsOf(ended)).toMatchObject([
      { name: 'refined', status: 'complete' },
      { name: 'drafts', status: expect.stringMatching(/stopped|complete/) },
      { name: 'cold', status: 'not run', figures: null },
    ]);
    expect(existsSync(join(dir, 'data', 'cold'))).toBe(false);
    const again = await headwater(dir, [...args, '--json']);
    expect(again.code, again.stderr).toBe(0);
    expect(armsOf(again).map(({ status, figures }) => [status, figures['accepted']])).toEqual([
      ['complete', 40],
      ['complete', 40],
      ['complete', 40],
    ]);
    // What was open at the stop may be asked again; nothing that was answered before.
    const { byRequest, mostInFlight } = server.stats();
    expect(Object.values(byRequest).filter(({ answered }) => answered > 1).length).toBeLessThanOrEqual(mostInFlight);
    await server.close();
  });
});

describe('before anything is run', () => {
  test('a wrong arm is refused with exit code 2, and so are options that do not go with arms', {
    timeout: manyProcessesMs,
  }, async () => {
    const server = await startFakeEndpoint();
    const dir = pipelineFolder(
      server.url,
      armed(server.url, { arms: { plain: null, other: { steps: { refin: 'off' } } } }),
    );
    for (const command of [args, ['check', 'mails.yaml']]) {
      const ended = await headwater(dir, command);
      expect(ended.code, ended.stderr).toBe(2);
      expect(ended.stderr).toMatch(/mails\.yaml:\d+ \(arm other\): steps\.refin: unknown key/);
      expect(ended.stderr).not.toMatch(/^\s+at /m);
    }
    writeRecipe(dir, server.url, armed(server.url));
    for (const option of [['--stages', 'plan'], ['--print'], ['--workers', '2']]) {
      const ended = await headwater(dir, [...args, ...option]);
      expect({ option, code: ended.code }).toEqual({ option, code: 2 });
      expect(ended.stderr).toContain(`${option[0]}: `);
    }
    expect(existsSync(join(dir, 'data'))).toBe(false);
    expect(server.stats().requests).toBe(0);
    await server.close();
  });

  test('check says of each arm what it would do', async () => {
    const server = await startFakeEndpoint();
    const dir = pipelineFolder(server.url, armed(server.url));
    const printed = JSON.parse((await headwater(dir, ['check', 'mails.yaml', '--json'])).stdout);
    expect(Object.keys(printed.arms)).toEqual(['refined', 'drafts', 'cold']);
    expect(printed.arms.drafts).toMatchObject({ name: 'mails-drafts', models: [{ role: 'base' }, { role: 'embed' }] });
    expect((await headwater(dir, ['check', 'mails.yaml'])).stdout).toMatch(
      /^arm refined$[\s\S]*^arm drafts$[\s\S]*^arm cold$/m,
    );
    rmSync(join(dir, 'seeds.jsonl'));
    const missing = await headwater(dir, ['check', 'mails.yaml']);
    expect(missing.code).toBe(2);
    await server.close();
  });
});
