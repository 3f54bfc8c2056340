import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const pom = fileURLToPath(new URL('pom.xml', import.meta.url));
const pomText = readFileSync(pom, 'utf8');
const pomHash = createHash('sha256').update(pomText).digest('hex').slice(0, 8);
const oldestJava = 17;

/** The version of Apache Kafka that the pom names. */
export const kafkaVersion = /<kafka\.version>([^<]+)</.exec(pomText)?.[1] ?? 'unknown';

/** Makes a Java program of the jars log warnings, and a broker's start, to standard error. */
export const log4jFlag = `-Dlog4j2.configurationFile=${fileURLToPath(new URL('log4j2.properties', import.meta.url))}`;

/** Where the jars are kept: `HEADWATER_KAFKA`, or the user's cache folder of this operating system. */
export function kafkaFolder(env = process.env, platform = process.platform) {
  if (env.HEADWATER_KAFKA) return resolve(env.HEADWATER_KAFKA);
  const name = `kafka-${kafkaVersion}`;
  if (env.XDG_CACHE_HOME) return resolve(env.XDG_CACHE_HOME, 'headwater', name);
  const home = env.HOME || env.USERPROFILE || homedir();
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'headwater', name);
  return join(home, '.cache', 'headwater', name);
}

/** The Java class path of the broker and its tools; the first call copies the jars (43 MB) with Maven. */
export async function classPath(env = process.env) {
  const libs = jarFolder(env);
  await checkJava(env);
  if (!isFolder(libs)) await copyJars(libs, env);
  return join(libs, '*');
}

/** Whether the jars are there already. */
export function hasJars(env = process.env) {
  return isFolder(jarFolder(env));
}

/** The `java` command: that of `JAVA_HOME` where it is set, or the one on the path. */
export function javaCommand(env = process.env) {
  return env.JAVA_HOME ? join(env.JAVA_HOME, 'bin', 'java') : 'java';
}

/** A changed pom gets a folder of its own. */
function jarFolder(env) {
  return join(kafkaFolder(env), `libs-${pomHash}`);
}

async function checkJava(env) {
  const advice = `install one, for example "apt-get install openjdk-17-jre-headless", or set JAVA_HOME`;
  const java = javaCommand(env);
  const { stderr } = await run(java, ['-version'], { env, timeout: 60_000 }).catch((cause) => {
    throw new Error(`the Kafka broker needs Java ${oldestJava} or newer and "${java}" does not run: ${advice}`, {
      cause,
    });
  });
  const version = Number(/version "(\d+)/.exec(stderr)?.[1] ?? 0);
  if (version < oldestJava) {
    throw new Error(`the Kafka broker needs Java ${oldestJava} or newer and "${java}" is Java ${version}: ${advice}`);
  }
}

/** Copies into a folder beside the final one and renames: a half copy is never taken for whole, and the first of two wins. */
async function copyJars(libs, env) {
  mkdirSync(dirname(libs), { recursive: true });
  const part = mkdtempSync(`${libs}.part-`);
  try {
    await maven(
      ['-f', pom, 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${part}`],
      env,
    );
    renameSync(part, libs);
  } catch (error) {
    if (!isFolder(libs)) throw error;
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
}

function maven(args, env) {
  return new Promise((done, failed) => {
    const child = spawn('mvn', ['-q', '-B', ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const said = [];
    child.stdout.on('data', (bytes) => said.push(bytes));
    child.stderr.on('data', (bytes) => said.push(bytes));
    child.on('error', (cause) => {
      const why = 'copying the Kafka jars needs Maven and "mvn" does not run';
      failed(new Error(`${why}: install it, for example "apt-get install maven"`, { cause }));
    });
    child.on('close', (code) => {
      if (code === 0) return done();
      const first = /^\[ERROR\] *(.+)$/m.exec(Buffer.concat(said).toString())?.[1] ?? `exit code ${code}`;
      failed(
        new Error(
          `Maven could not copy the Kafka ${kafkaVersion} jars (${first}): check that it reaches its repository`,
        ),
      );
    });
  });
}

function isFolder(path) {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
