import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

import { javaCommand, kafkaFolder } from '../../deploy/kafka/jars.mjs';
import { freePort } from '../../deploy/kafka/ports.mjs';
import type { NewSchema, TestRegistry } from '../streams/intake/test-registry.js';

const run = promisify(execFile);
const version = '2.6.13.Final';
const artifact = 'apicurio-registry-app';
const startTimeoutMs = 90_000;

/**
 * Starts a real schema registry, Apicurio's, with its Confluent interface, on a free loopback port and with its data in memory. The
 * first call copies it (142 MB) with Maven into the user's cache. Rejects where Java or Maven is missing.
 */
export async function startApicurio(): Promise<TestRegistry> {
  const folder = await copied();
  const port = await freePort();
  const dir = mkdtempSync(join(tmpdir(), 'headwater-registry-'));
  const flags = ['-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', `-Djava.io.tmpdir=${dir}`];
  const quarkus = ['-Dquarkus.http.host=127.0.0.1', `-Dquarkus.http.port=${port}`];
  const jar = join(folder, `${artifact}-${version}-runner.jar`);
  // It ends with its standard input's other end: a shell waits for that, as Java itself would not notice.
  const script = `"$@" & child=$!; cat > /dev/null; kill -KILL $child`;
  const child = spawn('sh', ['-c', script, 'sh', javaCommand(), ...flags, ...quarkus, '-jar', jar], {
    cwd: dir,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const ended = new Promise<void>((done) => {
    child.once('exit', () => done());
  });
  const url = `http://127.0.0.1:${port}/apis/ccompat/v7`;
  const stop = async () => {
    child.stdin.end();
    await ended;
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await answers(`${url}/subjects`);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, stop, register: (subject, schema) => register(url, subject, schema) };
}

async function register(url: string, subject: string, { type, schema, references }: NewSchema): Promise<number> {
  const text = typeof schema === 'string' ? schema : JSON.stringify(schema);
  const response = await fetch(`${url}/subjects/${encodeURIComponent(subject)}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema: text, schemaType: type, ...(references === undefined ? {} : { references }) }),
  });
  const answer: unknown = await response.json();
  const id: unknown = typeof answer === 'object' && answer !== null ? Reflect.get(answer, 'id') : undefined;
  if (typeof id === 'number') return id;
  throw new Error(`the registry did not take '${subject}': ${JSON.stringify(answer)}`);
}

async function answers(url: string): Promise<void> {
  const patience = AbortSignal.timeout(startTimeoutMs);
  while (!patience.aborted) {
    const response = await fetch(url, { signal: patience }).catch(() => undefined);
    if (response?.ok) return;
    await delay(100);
  }
  throw new Error(`Apicurio ${version} did not answer at ${url} in ${startTimeoutMs / 1000} s: does Java 17 run?`);
}

/** The unpacked registry in the user's cache; copied there whole, or not at all. */
async function copied(): Promise<string> {
  const folder = join(dirname(kafkaFolder()), `apicurio-registry-${version}`);
  if (existsSync(folder)) return folder;
  mkdirSync(dirname(folder), { recursive: true });
  const part = mkdtempSync(`${folder}.part-`);
  const unpacked = join(part, 'registry');
  const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:unpack';
  const asked = [`-Dartifact=io.apicurio:${artifact}:${version}:tar.gz:all`, `-DoutputDirectory=${unpacked}`];
  try {
    // It marks in its working folder what it has unpacked, and would not do it again from there.
    await run('mvn', ['-q', '-B', plugin, ...asked], { cwd: part }).catch((cause) => {
      const advice = 'install Maven, for example "apt-get install maven", and check that it reaches its repository';
      throw new Error(`the schema registry for tests could not be copied: ${advice}`, { cause });
    });
    renameSync(unpacked, folder);
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
  return folder;
}
