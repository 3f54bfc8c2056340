import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { classPath, kafkaFolder, kafkaVersion } from '../../deploy/kafka/jars.mjs';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'headwater-jars-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

it('keeps the jars in the cache folder of the user', () => {
  const folder = `kafka-${kafkaVersion}`;
  expect(kafkaFolder({ HOME: '/home/me' }, 'linux')).toBe(`/home/me/.cache/headwater/${folder}`);
  expect(kafkaFolder({ HOME: '/home/me' }, 'darwin')).toBe(`/home/me/Library/Caches/headwater/${folder}`);
  expect(kafkaFolder({ HOME: '/home/me', XDG_CACHE_HOME: '/c' }, 'linux')).toBe(`/c/headwater/${folder}`);
  expect(kafkaFolder({ HEADWATER_KAFKA: '/k', XDG_CACHE_HOME: '/c' })).toBe('/k');
});

it('copies the jars once when two processes want them, and leaves nothing half done', async () => {
  const env = { ...process.env, HEADWATER_KAFKA: join(dir, 'kafka') };
  const [one, two] = await Promise.all([classPath(env), classPath(env)]);
  expect(one).toBe(two);
  const [libs = '', ...others] = readdirSync(join(dir, 'kafka'));
  expect(others).toEqual([]);
  expect(one).toBe(join(dir, 'kafka', libs, '*'));
  const jars = readdirSync(join(dir, 'kafka', libs));
  expect(jars).toEqual(expect.arrayContaining([`kafka_2.13-${kafkaVersion}.jar`, `kafka-tools-${kafkaVersion}.jar`]));
});

it('says how to get Java where there is none', async () => {
  await expect(classPath({ PATH: dir, HEADWATER_KAFKA: dir })).rejects.toThrow(
    /^the Kafka broker needs Java 17 or newer and "java" does not run: install one/,
  );
});

it('names a Java that is too old', async () => {
  command('java', `echo 'openjdk version "11.0.2" 2019-01-15' >&2`);
  await expect(classPath({ PATH: dir, HEADWATER_KAFKA: dir })).rejects.toThrow('"java" is Java 11');
});

it('says how to get Maven where there is none, and what Maven said where it fails', async () => {
  const env = { PATH: dir, JAVA_HOME: javaHome(), HEADWATER_KAFKA: join(dir, 'kafka') };
  await expect(classPath(env)).rejects.toThrow(/"mvn" does not run: install it/);
  command('mvn', `echo '[ERROR] no route to the repository'; exit 1`);
  await expect(classPath(env)).rejects.toThrow(/could not copy .*no route to the repository/);
  expect(existsSync(join(dir, 'kafka')) ? readdirSync(join(dir, 'kafka')) : []).toEqual([]);
});

function command(name: string, script: string): void {
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(dir, name), 0o755);
}

function javaHome(): string {
  const java = execFileSync('sh', ['-c', 'readlink -f "$(command -v java)"'], { encoding: 'utf8' }).trim();
  return process.env['JAVA_HOME'] ?? dirname(dirname(java));
}
