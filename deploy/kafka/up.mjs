// npm run kafka:up: a broker on this machine that outlives the command.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { start } from './broker.mjs';
import { defaultFolder, flags, refuse } from './command-line.mjs';
import { hasJars, kafkaVersion } from './jars.mjs';
import { isFree } from './ports.mjs';
import { isAlive, runningBroker } from './process.mjs';

const usage = 'npm run kafka:up -- [--port 9092 (0: any free one)] [--dir FOLDER]';
const { port: asked, dir } = flags(usage, { port: { type: 'string', default: '9092' } });

const port = Number(asked);
if (!/^\d+$/.test(asked) || port > 65535) refuse(`--port ${asked}: expected a number from 0 to 65535. Usage: ${usage}`);

lock(join(dir, 'up.pid'));
const running = runningBroker(dir);
if (running) {
  say(`already runs on 127.0.0.1:${running.port} (pid ${running.pid})`, running.port);
} else {
  if (port !== 0 && !(await isFree(port))) {
    refuse(
      `port ${port} of 127.0.0.1 is taken by another program: choose one with npm run kafka:up -- --port N, 0 for any`,
    );
  }
  if (!hasJars()) process.stderr.write(`copying the jars of Apache Kafka ${kafkaVersion} (43 MB), this once\n`);
  const broker = await start({ dir, port, detached: true }).catch((error) => refuse(error.message));
  say(`listens on 127.0.0.1:${broker.port} (data and broker.log in ${dir})`, broker.port);
}

function say(what, port) {
  const down = dir === defaultFolder ? '' : ` -- --dir ${dir}`;
  const brokers = port === 9092 ? '' : ` --set 'topics.brokers=["127.0.0.1:${port}"]'`;
  process.stdout.write(
    `Kafka ${what}; use it: npm start -- --set topics.kind=kafka${brokers}; stop it: npm run kafka:down${down}\n`,
  );
}

/** One start at a time in a folder; the lock of a command that is gone is taken over. */
function lock(file) {
  mkdirSync(dir, { recursive: true });
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
  } catch (error) {
    if (error.code !== 'EEXIST') refuse(`${file} cannot be written: ${error.message}`);
    const holder = readFileSync(file, 'utf8');
    if (holder === '' || isAlive(Number(holder))) {
      refuse(`another npm run kafka:up is starting the broker in ${dir}: wait for it, or remove ${file} if it is gone`);
    }
    rmSync(file, { force: true });
    return lock(file);
  }
  process.on('exit', () => rmSync(file, { force: true }));
}
