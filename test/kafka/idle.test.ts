import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startBroker, type TestBroker } from './broker.js';
import { type Scene, scene } from './scene.js';
import { startIdler } from './worker.js';

describe('a process with six groups', () => {
  let broker: TestBroker;
  let idle: Scene;

  beforeAll(async () => {
    broker = await startBroker();
    idle = await scene(broker, { partitions: 1 });
  });
  afterAll(async () => {
    await idle?.close();
    await broker?.stop();
  });

  it('costs next to nothing while nothing comes, keeps its memory, and ends by itself when closed at work', async () => {
    const { settings } = idle;
    const { cpuShare, negativeTimers, growthBytes, closeMs, exitCode, exitMs } = await startIdler(settings);
    const shown = { cpuShare, negativeTimers, growthMB: growthBytes / 2 ** 20, closeMs, exitMs };
    process.stdout.write(`${JSON.stringify(shown)}\n`);
    expect(cpuShare).toBeLessThan(0.05);
    expect(negativeTimers).toBe(0);
    expect(growthBytes).toBeLessThan(24 * 2 ** 20);
    expect(closeMs).toBeLessThan(5000);
    expect(exitCode).toBe(0);
    expect(exitMs).toBeLessThan(2000);
  });
});
