import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

import { onTestFinished } from 'vitest';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The compiled command line in a process of its own, which does not outlive the test. */
export class HeadwaterProcess {
  stdout = '';
  stderr = '';
  readonly pid: number;
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcessWithoutNullStreams;
  #heard: () => void = () => undefined;

  constructor(command: readonly string[], cwd: string, env: Readonly<Record<string, string>>) {
    const [program = '', ...args] = command;
    this.#child = spawn(program, args, { cwd, env: { ...process.env, ...env } });
    this.pid = this.#child.pid ?? 0;
    this.#child.stdout.setEncoding('utf8').on('data', (text) => {
      this.stdout += text;
      this.#heard();
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text) => {
      this.stderr += text;
      this.#heard();
    });
    this.ended = once(this.#child, 'close').then(([code]) => {
      this.#heard();
      return { code, stdout: this.stdout, stderr: this.stderr };
    });
    onTestFinished(async () => {
      if (this.#child.kill('SIGKILL')) await this.ended;
    });
  }

  /** Resolves when it has written a text that matches; rejects where it ended before. */
  async says(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.stdout) && !pattern.test(this.stderr)) {
      if (this.#child.exitCode !== null) throw new Error(`it ended without ${pattern}: ${this.stderr}${this.stdout}`);
      await new Promise<void>((heard) => {
        this.#heard = heard;
      });
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  write(text: string): void {
    this.#child.stdin.end(text);
  }

  /** Reads nothing more of its standard output, as `head` does when it has enough. */
  hangUp(): void {
    this.#child.stdout.destroy();
  }
}

export const program: readonly string[] = [process.execPath, resolve('dist/cli/headwater.js')];

/** Starts `headwater` with these arguments in a folder. */
export function start(dir: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return new HeadwaterProcess([...program, ...args], dir, env);
}

/** Runs `headwater` to its end. */
export function headwater(
  dir: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  return start(dir, args, env).ended;
}
