import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';

import type { FakeEndpointCounts, FakeEndpointSettings, FakeEndpointStats } from './fake-endpoint.mjs';

export interface ServerProcess {
  /** The base of the API. */
  readonly url: string;
  readonly pid: number;
  /** Kills it at once, with SIGKILL. */
  close(): Promise<void>;
}

export interface FakeEndpointProcess extends ServerProcess {
  stats(): Promise<FakeEndpointStats>;
  /** Without the requests, of which there may be many. */
  counts(): Promise<FakeEndpointCounts>;
}

/**
 * Starts the fake endpoint in a process of its own, which ends with this one. To be called from the root of the repository.
 *
 * @param options.answers path of a module that exports `answer`, in place of the default answers
 */
export async function spawnFakeEndpoint(
  options: FakeEndpointSettings & { readonly answers?: string } = {},
): Promise<FakeEndpointProcess> {
  const server = await spawnServer(resolve('test/fake-endpoint/fake-endpoint.mjs'), JSON.stringify(options));
  const { url } = server;
  return {
    ...server,
    stats: async () => (await (await fetch(`${url}/stats`)).json()) as FakeEndpointStats,
    counts: async () => (await (await fetch(`${url}/counts`)).json()) as FakeEndpointCounts,
  };
}

/** Starts a program that prints {"url":...} once it listens, and ends with its stdin. */
export async function spawnServer(program: string, argument: string): Promise<ServerProcess> {
  const child = spawn(process.execPath, [program, argument], { stdio: ['pipe', 'pipe', 'inherit'] });
  const { url } = await firstLine(child);
  return {
    url,
    pid: child.pid ?? 0,
    close: async () => {
      const ended = once(child, 'exit');
      if (child.kill('SIGKILL')) await ended;
    },
  };
}

async function firstLine({ stdout }: ChildProcess): Promise<{ readonly url: string }> {
  if (stdout === null) throw new Error('the server has no stdout');
  for await (const line of createInterface({ input: stdout })) return JSON.parse(line);
  throw new Error('the server ended before it listened; its words are on stderr');
}
