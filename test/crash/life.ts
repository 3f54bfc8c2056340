import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { Scene } from './scene.js';

/** How a run of the command ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One process that runs the pipeline of a scene. */
export interface Life {
  readonly pid: number;
  readonly ended: Promise<Ending>;
  /** Resolves when its standard output has shown a text so many times, or when it has ended. */
  seen(text: string, times: number): Promise<void>;
  /** Resolves with true when it has put itself to sleep, with false when it has ended. */
  asleep(): Promise<boolean>;
  kill(signal: NodeJS.Signals): void;
}

export interface LifeOptions {
  readonly args?: readonly string[];
  /** Which of the workers: each has a data folder of its own. @default 0 */
  readonly worker?: number;
  /** The points at which it kills itself, or puts itself to sleep. */
  readonly crashAt?: string | undefined;
  readonly pauseAt?: string | undefined;
}

/** Starts the compiled command. */
export function startLife(scene: Scene, { args = [], worker = 0, crashAt, pauseAt }: LifeOptions = {}): Life {
  const { recipe, data, out, dir } = scene;
  const dataDir = worker === 0 ? data : join(dir, `data-${worker}`);
  const command = ['dist/cli/headwater.js', 'run', recipe, '--data', dataDir, '--out', out, ...args];
  const child = spawn(process.execPath, command, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      ...(crashAt === undefined ? {} : { HEADWATER_CRASH_AT: crashAt }),
      ...(pauseAt === undefined ? {} : { HEADWATER_PAUSE_AT: pauseAt }),
    },
  });
  const stdout = collected(child.stdout);
  const stderr = collected(child.stderr);
  let over = false;
  const ended = endingOf(child).then(([code, signal]) => {
    over = true;
    return { code, signal, stdout: stdout.text(), stderr: stderr.text() };
  });
  const pid = child.pid ?? 0;
  return {
    pid,
    ended,
    seen: (text, times) => Promise.race([stdout.seen(text, times), ended.then(() => undefined)]),
    asleep: async () => {
      while (!over && !(await isStopped(pid))) await delay(50);
      return !over;
    },
    kill: (signal) => {
      child.kill(signal);
    },
  };
}

async function endingOf(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  const [code, signal] = await once(child, 'close');
  return [code, signal];
}

/** Linux tells the state of a process behind its name. */
async function isStopped(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return /\) T/.test(stat);
}

function collected(stream: NodeJS.ReadableStream) {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  const seen = (wanted: string, times: number) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (text.split(wanted).length <= times) return;
        stream.off('data', look);
        resolve();
      };
      stream.on('data', look);
      look();
    });
  return { text: () => text, seen };
}
