import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';

import { describe, expect, it, onTestFinished } from 'vitest';

import { type HealthState, healthAddress, openHealth } from '../../../cli/run/health.js';
import { WorkerState } from '../../../streams/river/worker-state.js';

async function opened(state: () => HealthState) {
  const health = await openHealth({ host: '127.0.0.1', port: 0, state });
  onTestFinished(() => health.close());
  const asked = async (path: string, method = 'GET') => {
    const response = await fetch(`${health.url}${path}`, { method });
    const text = await response.text();
    return { status: response.status, body: text === '' ? null : JSON.parse(text), headers: response.headers };
  };
  return { health, asked };
}

const restoring = { partition: 0, restoreMs: null, restoring: { read: 1200, total: 5000 } };
const atWork = { partition: 1, restoreMs: 12, restoring: null };

describe('openHealth', () => {
  it('follows a worker from its start to its end', async () => {
    const state = new WorkerState();
    const { asked } = await opened(() => state);
    const ready = async () => {
      const { status, body } = await asked('/readyz');
      return status === 200 ? body.status : `${status} ${body.reason}`;
    };
    expect(await ready()).toBe('503 starting');
    expect(await asked('/healthz')).toMatchObject({ status: 200, body: { status: 'ok', ready: false } });

    const holdings = [restoring, atWork];
    let fail: (error: unknown) => void = () => undefined;
    const done = new Promise<void>((_, reject) => {
      fail = reject;
    });
    state.begin([{ name: 'plan', done, inFlight: 0, holdings }]);
    expect(await ready()).toBe('503 restoring plan/0 (1200 of 5000)');
    holdings.shift();
    expect(await ready()).toBe('ready');
    expect(await asked('/healthz')).toMatchObject({ status: 200, body: { status: 'ok', ready: true } });

    state.brokerChanged({ kind: 'waiting', since: 0, reason: 'connect ECONNREFUSED' });
    expect(await ready()).toBe('503 waiting for broker: connect ECONNREFUSED');
    expect((await asked('/healthz')).status).toBe(200);
    state.brokerChanged({ kind: 'connected' });
    expect(await ready()).toBe('ready');
    state.drain();
    expect(await ready()).toBe('503 draining');
    fail(new Error('its disk is full'));
    await done.catch(() => undefined);
    expect(await asked('/healthz')).toMatchObject({
      status: 503,
      body: { status: 'failed', reason: 'stage plan: its disk is full' },
    });
    expect(await ready()).toBe('503 failed: stage plan: its disk is full');
  });

  it('answers HEAD without a body, and refuses other paths and methods', async () => {
    const { asked } = await opened(() => ({ failure: undefined, obstacle: 'starting' }));
    expect(await asked('/healthz', 'HEAD')).toMatchObject({ status: 200, body: null });
    expect(await asked('/readyz', 'HEAD')).toMatchObject({ status: 503, body: null });
    expect((await asked('/readyz?verbose=1')).status).toBe(503);
    expect((await asked('/')).status).toBe(404);
    expect((await asked('/healthz/', 'POST')).status).toBe(404);
    const refused = await asked('/healthz', 'POST');
    expect({ status: refused.status, allow: refused.headers.get('allow') }).toEqual({
      status: 405,
      allow: 'GET, HEAD',
    });
  });

  it('frees its port when it is closed, also while a client keeps its connection', async () => {
    const { health, asked } = await opened(() => ({ failure: undefined, obstacle: undefined }));
    expect((await asked('/readyz')).status).toBe(200);
    await health.close();
    const again = await openHealth({
      host: '127.0.0.1',
      port: Number(new URL(health.url).port),
      state: () => new WorkerState(),
    });
    await again.close();
  });

  it('says in one sentence where it cannot listen', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const state = () => new WorkerState();
    await expect(openHealth({ host: '127.0.0.1', port, state })).rejects.toMatchObject({
      code: 'address-unusable',
      message: expect.stringMatching(
        /^--health: cannot listen at 127\.0\.0\.1:\d+ \(another process listens there\): choose/,
      ),
    });
    await expect(openHealth({ host: '192.0.2.1', port: 0, state })).rejects.toMatchObject({ code: 'address-unusable' });
  });
});

describe('healthAddress', () => {
  it.each([
    ['8080', { host: '127.0.0.1', port: 8080 }],
    ['0', { host: '127.0.0.1', port: 0 }],
    ['0.0.0.0:80', { host: '0.0.0.0', port: 80 }],
    ['[::1]:8080', { host: '::1', port: 8080 }],
    ['worker.local:9', { host: 'worker.local', port: 9 }],
  ])('reads %s', (text, address) => expect(healthAddress(text)).toEqual(address));

  it.each(['', 'host', '70000', '::1:80', 'host:', ':80', '80:80:80', '-1', '[::1]'])('refuses %j', (text) => {
    expect(() => healthAddress(text)).toThrow(/^--health: expected a port or host:port/);
  });
});
