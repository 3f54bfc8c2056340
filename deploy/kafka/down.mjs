// npm run kafka:down: ends the broker that kafka:up started.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { flags, refuse } from './command-line.mjs';
import { isFree } from './ports.mjs';
import { isBroker, runningBroker } from './process.mjs';

const stopTimeoutMs = 30_000;
const { dir, delete: deleteData } = flags('npm run kafka:down -- [--delete] [--dir FOLDER]', {
  delete: { type: 'boolean', default: false },
});
const settings = join(dir, 'server.properties');

const running = runningBroker(dir);
const said = running ? await end(running) : `no Kafka broker runs in ${dir}`;
process.stdout.write(`${said}; ${disposed()}\n`);

async function end({ pid, port }) {
  process.kill(pid, 'SIGTERM');
  const deadline = Date.now() + stopTimeoutMs;
  while ((isBroker(pid, settings) || !(await isFree(port))) && Date.now() < deadline) await delay(50);
  const late = isBroker(pid, settings);
  if (late) process.kill(pid, 'SIGKILL');
  rmSync(join(dir, 'broker.pid'), { force: true });
  const how = late ? ` with SIGKILL, as it did not end in ${stopTimeoutMs / 1000} s` : '';
  return `Kafka on 127.0.0.1:${port} (pid ${pid}) stopped${how}`;
}

function disposed() {
  if (!existsSync(dir)) return 'there is no data';
  if (!deleteData) return `its data stays in ${dir} (remove it with --delete)`;
  if (!existsSync(settings)) refuse(`${dir} holds no broker's server.properties: nothing was deleted`);
  rmSync(dir, { recursive: true });
  return `its data in ${dir} was deleted`;
}
