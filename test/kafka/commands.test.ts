import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { isFree } from '../../deploy/kafka/ports.mjs';
import { runningBroker } from '../../deploy/kafka/process.mjs';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'headwater-kafka-up-'));
});
afterEach(async () => {
  await command('down');
  rmSync(dir, { recursive: true, force: true });
});

it('starts one broker, finds it again, stops it and keeps its data until told', async () => {
  const up = await command('up', '--port', '0');
  const { pid = 0, port = 0 } = runningBroker(dir) ?? {};
  expect(up).toMatchObject({ code: 0, errors: '' });
  expect(up.output).toMatch(
    /^Kafka listens on 127\.0\.0\.1:\d+ .*npm start -- --set topics\.kind=kafka .*kafka:down.*\n$/,
  );
  expect(up.output).toContain(`127.0.0.1:${port} `);

  expect(await command('up')).toMatchObject({
    code: 0,
    output: expect.stringContaining(`already runs on 127.0.0.1:${port} (pid ${pid})`),
  });
  const down = await command('down');
  expect(down).toMatchObject({ code: 0, output: expect.stringMatching(/\(pid \d+\) stopped; its data stays/) });
  expect(runningBroker(dir)).toBeUndefined();
  expect(await isFree(port)).toBe(true);

  expect(await command('up', '--port', '0')).toMatchObject({ code: 0 });
  expect((await command('down', '--delete')).output).toMatch(/stopped; its data .* was deleted/);
  expect(existsSync(dir)).toBe(false);
});

it('starts one broker when two ask at once', async () => {
  const both = await Promise.all([command('up', '--port', '0'), command('up', '--port', '0')]);
  expect(both.map(({ code }) => code).sort()).toEqual([0, 2]);
  expect(both.map(({ errors }) => errors).join('')).toMatch(/^another npm run kafka:up is starting the broker/);
});

it('refuses a port that another program holds, in one sentence', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const { code, errors } = await command('up', '--port', String(port));
  server.close();
  expect({ code, errors }).toEqual({
    code: 2,
    errors: expect.stringMatching(/^port \d+ .* is taken by another program.*\n$/),
  });
});

it('stops no process but the broker, whatever the pid file says', async () => {
  writeFileSync(join(dir, 'broker.pid'), `${process.pid}\n`);
  writeFileSync(join(dir, 'server.properties'), 'advertised.listeners=PLAINTEXT://127.0.0.1:9092\n');
  expect((await command('down')).output).toMatch(/^no Kafka broker runs in/);
});

it('deletes no folder but a broker’s', async () => {
  writeFileSync(join(dir, 'precious'), '');
  expect(await command('down', '--delete')).toMatchObject({
    code: 2,
    errors: expect.stringContaining('nothing was deleted'),
  });
  expect(existsSync(join(dir, 'precious'))).toBe(true);
});

it.each([
  ['--port', 'x'],
  ['--port', '70000'],
  ['--portt', '1'],
])('refuses %s %s with the usage', async (...flags) => {
  expect(await command('up', ...flags)).toMatchObject({
    code: 2,
    errors: expect.stringContaining('Usage: npm run kafka:up'),
  });
});

it('says in one sentence that Java is missing', async () => {
  const { code, errors } = await command('up', '--port', '0', { PATH: dir, JAVA_HOME: '' });
  expect(code).toBe(2);
  expect(errors).toMatch(/^the Kafka broker needs Java 17.*\n$/);
});

type Flag = string | Readonly<Record<string, string>>;

/** Runs `up.mjs` or `down.mjs` on the test's folder; an object among the flags changes the environment. */
async function command(
  name: 'up' | 'down',
  ...flags: Flag[]
): Promise<{ code: number; output: string; errors: string }> {
  const words = flags.filter((flag) => typeof flag === 'string');
  const env = Object.assign({}, process.env, ...flags.filter((flag) => typeof flag !== 'string'));
  const child = spawn(process.execPath, [`deploy/kafka/${name}.mjs`, '--dir', dir, ...words], { env });
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code, output, errors };
}
