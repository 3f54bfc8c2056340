import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { start } from '../../deploy/kafka/broker.mjs';
import { freePort } from '../../deploy/kafka/ports.mjs';
import { type FaultyProxy, startFaultyProxy } from './faulty-proxy.js';

export interface FaultyBroker {
  /** Through the proxy. */
  readonly brokers: string[];
  readonly adminBrokers: string[];
  readonly jars: string;
  readonly proxy: FaultyProxy;
  kill(signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a real broker whose clients are led through a proxy that breaks connections when told. */
export async function startFaultyBroker(): Promise<FaultyBroker> {
  const [direct, behind] = [await freePort(), await freePort()];
  const proxy = await startFaultyProxy(() => behind);
  const dir = mkdtempSync(join(tmpdir(), 'headwater-kafka-'));
  const broker = await start({
    dir,
    java: ['-XX:TieredStopAtLevel=1'],
    listeners: [
      { name: 'PLAINTEXT', port: direct },
      { name: 'FAULTY', port: behind },
    ],
    properties: { 'advertised.listeners': `PLAINTEXT://127.0.0.1:${direct},FAULTY://127.0.0.1:${proxy.port}` },
  });
  return {
    brokers: [`127.0.0.1:${proxy.port}`],
    adminBrokers: [`127.0.0.1:${direct}`],
    jars: broker.jars,
    proxy,
    kill: (signal) => broker.kill(signal),
    restart: () => broker.restart(),
    async stop() {
      await broker.kill('SIGKILL');
      await proxy.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
