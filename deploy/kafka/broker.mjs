import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { classPath, javaCommand, log4jFlag } from './jars.mjs';
import { port } from './ports.mjs';
import { brokerSettings, propertiesText } from './settings.mjs';

const run = promisify(execFile);
const guard = fileURLToPath(new URL('guard.mjs', import.meta.url));
const heap = ['-Xmx512m', '-Xms128m', '-XX:+UseSerialGC'];
const startTimeoutMs = 90_000;
const stopTimeoutMs = 30_000;

/**
 * Starts a broker on loopback ports and resolves when it answers; its data, settings, log and pid are kept in `dir`.
 * Rejects in one sentence where Java, Maven or a port is missing. Types and options: `broker.d.mts`.
 */
export async function start(options) {
  const dir = resolve(options.dir);
  mkdirSync(dir, { recursive: true });
  const jars = await classPath();
  const controllerPort = await port(options.controllerPort);
  const listeners = [];
  for (const [index, listener] of (options.listeners ?? [{ name: 'PLAINTEXT' }]).entries()) {
    const wanted = listener.port ?? (index === 0 ? options.port : 0);
    listeners.push({ ...listener, port: await port(wanted) });
  }
  const settings = join(dir, 'server.properties');
  writeFileSync(settings, propertiesText(brokerSettings({ ...options, dir, listeners, controllerPort })));
  await format(dir, jars, settings, options.format ?? []);

  let child = await launch(dir, jars, settings, options);
  return {
    dir,
    port: listeners[0].port,
    ports: Object.fromEntries(listeners.map(({ name, port }) => [name, port])),
    log: join(dir, 'broker.log'),
    jars,
    get pid() {
      return child.pid;
    },
    async stop() {
      await end(child, 'SIGTERM');
      rmSync(join(dir, 'broker.pid'), { force: true });
    },
    kill: (signal) => end(child, signal),
    async restart() {
      await end(child, 'SIGTERM');
      child = await launch(dir, jars, settings, options);
    },
  };
}

/** Gives an empty data folder its cluster id; one that is formatted already stays as it is. */
async function format(dir, jars, settings, extra) {
  if (existsSync(join(dir, 'data', 'meta.properties'))) return;
  const args = ['-t', clusterId(), '-c', settings, ...extra];
  const flags = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', log4jFlag];
  await run(javaCommand(), [...flags, '-cp', jars, 'kafka.tools.StorageTool', 'format', ...args]).catch((cause) => {
    const first = String(cause.stderr || cause.stdout || cause.message)
      .trim()
      .split('\n')[0];
    throw new Error(`the data folder ${join(dir, 'data')} could not be formatted: ${first}`, { cause });
  });
}

/** 16 random bytes in URL-safe Base64, never with a leading hyphen, which would read as an option. */
function clusterId() {
  return randomBytes(16).toString('base64url').replace(/^-/, 'A');
}

/** Runs the broker's Java and resolves with the process once its log says that it started. */
async function launch(dir, jars, settings, { detached = false, java = [] }) {
  const log = join(dir, 'broker.log');
  const from = existsSync(log) ? statSync(log).size : 0;
  const file = openSync(log, 'a');
  const args = [...heap, ...java, log4jFlag, '-cp', jars, 'kafka.Kafka', settings];
  const child = spawn(javaCommand(), args, { cwd: dir, detached, stdio: ['ignore', file, file] });
  closeSync(file);
  await new Promise((done, failed) => child.once('spawn', done).once('error', failed));
  writeFileSync(join(dir, 'broker.pid'), `${child.pid}\n`);
  child.unref();
  if (!detached) watch(child, settings);
  await started(child, log, from);
  return child;
}

/** A second process ends the broker if this one dies without doing so. */
function watch(child, settings) {
  const watcher = spawn(process.execPath, [guard, String(child.pid), settings], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watcher.on('error', () => {});
  watcher.unref();
  watcher.stdin.unref?.();
  child.once('exit', () => watcher.kill('SIGKILL'));
}

async function started(child, log, from) {
  const deadline = Date.now() + startTimeoutMs;
  for (;;) {
    const said = readFileSync(log).subarray(from).toString();
    if (said.includes('Kafka Server started')) return;
    if (ended(child)) throw new Error(`the Kafka broker ended while it started: ${reason(said)} (whole log: ${log})`);
    if (Date.now() > deadline) {
      await end(child, 'SIGKILL');
      throw new Error(`the Kafka broker did not start in ${startTimeoutMs / 1000} s: see ${log}`);
    }
    await delay(50);
  }
}

/** The line of a log that says most: what caused the failure, else its first error, else its last line. */
function reason(said) {
  const lines = said.trim().split('\n');
  const telling = [/^Caused by: /, /(?:Exception|Error): /, /ERROR|FATAL|Unrecognized/, /^/];
  return telling.map((pattern) => lines.find((line) => pattern.test(line))).find(Boolean) ?? 'it said nothing';
}

async function end(child, signal) {
  if (ended(child)) return;
  child.kill(signal);
  if (signal !== 'SIGTERM' && signal !== 'SIGKILL') return;
  // One that is frozen would not hear SIGTERM.
  child.kill('SIGCONT');
  child.ref();
  const exit = new Promise((done) => child.once('exit', done));
  const late = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
  await exit;
  clearTimeout(late);
}

function ended(child) {
  return child.exitCode !== null || child.signalCode !== null;
}
