import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

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
  kill(signal: NodeJS.Signals): void;
}

/** Starts the compiled command; `crashAt` names the point at which it kills itself. */
export function startLife(scene: Scene, args: readonly string[] = [], crashAt?: string): Life {
  const { recipe, data, out } = scene;
  const command = ['dist/cli/headwater.js', 'run', recipe, '--data', data, '--out', out, ...args];
  const child = spawn(process.execPath, command, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...(crashAt === undefined ? {} : { HEADWATER_CRASH_AT: crashAt }) },
  });
  const stdout = collected(child.stdout);
  const stderr = collected(child.stderr);
  const ended = endingOf(child).then(([code, signal]) => ({
    code,
    signal,
    stdout: stdout.text(),
    stderr: stderr.text(),
  }));
  return {
    pid: child.pid ?? 0,
    ended,
    seen: (text, times) => Promise.race([stdout.seen(text, times), ended.then(() => undefined)]),
    kill: (signal) => {
      child.kill(signal);
    },
  };
}

async function endingOf(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  const [code, signal] = await once(child, 'close');
  return [code, signal];
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
