import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { type Scene, until } from './scene.js';

/** What a worker process tells; see copier.mjs. */
export interface Told {
  readonly at: number;
  readonly joined?: true;
  readonly state?: string;
  readonly assigned?: number;
  readonly from?: number;
  readonly lost?: number;
  readonly committed?: number;
  readonly offset?: number;
  readonly count?: number;
  readonly refused?: number;
  readonly failed?: string;
  readonly done?: string;
}

export interface Worker {
  readonly told: readonly Told[];
  /** Resolves with the first thing told, from now on or before, that fits. */
  saw(fits: (told: Told) => boolean, timeoutMs?: number): Promise<Told>;
  command(text: 'leave' | 'close'): void;
  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void;
  /** Resolves with the exit code when the process has ended. */
  ended(): Promise<number | null>;
}

const program = fileURLToPath(new URL('copier.mjs', import.meta.url));

/** Starts a process that copies the scene's input. */
export function startWorker({ settings, group }: Scene, maxRecords = 10): Worker {
  const asked = { settings, group, input: 'input', output: 'output', maxRecords };
  const child: ChildProcess = spawn(process.execPath, [program, JSON.stringify(asked)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const told: Told[] = [];
  const exit = once(child, 'exit');
  if (child.stdout !== null) createInterface(child.stdout).on('line', (line) => told.push(JSON.parse(line)));
  return {
    told,
    async saw(fits, timeoutMs) {
      await until(() => told.some(fits), timeoutMs);
      return told.find(fits) ?? { at: Number.NaN };
    },
    command: (text) => child.stdin?.write(`${text}\n`),
    signal: (signal) => child.kill(signal),
    async ended() {
      const [code] = await exit;
      return code;
    },
  };
}

export interface IdlerReport {
  /** Of one core, with six groups that wait. */
  readonly cpuShare: number;
  readonly negativeTimers: number;
  /** Of live memory, over 200,000 messages that were appended, fetched and committed. */
  readonly growthBytes: number;
  readonly closeMs: number;
  readonly exitCode: number | null;
  /** From the end of `close()` to the end of the process. */
  readonly exitMs: number;
}

/** Runs a process that waits, works, and closes in the middle of work; see idler.mjs. */
export async function startIdler(settings: Scene['settings']): Promise<IdlerReport> {
  const idler = fileURLToPath(new URL('idler.mjs', import.meta.url));
  const child = spawn(process.execPath, ['--expose-gc', idler, JSON.stringify(settings)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  const [line] = await once(createInterface(child.stdout), 'line');
  const { closed, ...report } = JSON.parse(line);
  const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
  const [exitCode] = await exit;
  clearTimeout(late);
  return { ...report, exitCode, exitMs: Date.now() - closed };
}
