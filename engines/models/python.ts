import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { Refused } from './source.js';

const candidates =
  process.platform === 'win32' ? [['py', '-3'], ['python'], ['python3']] : [['python3'], ['python'], ['pypy3']];

/** A Python with pip: its command and first arguments. */
export type Python = readonly [command: string, ...first: string[]];

export interface Finished {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** The first Python on this machine that has pip. Rejects with `Refused` where there is none. */
export async function findPython(signal: AbortSignal): Promise<Python> {
  const found: string[] = [];
  for (const [command, ...first] of candidates) {
    if (command === undefined) continue;
    const asked = await run([command, ...first], ['-m', 'pip', '--version'], signal).catch(() => undefined);
    signal.throwIfAborted();
    if (asked?.code === 0) return [command, ...first];
    if (asked !== undefined) found.push(command);
  }
  throw new Refused(
    found.length > 0
      ? `${found.join(' and ')} has no pip here (python3 -m ensurepip adds it)`
      : 'it needs Python with pip, and there is none here',
  );
}

/** Runs Python to its end and keeps what it says. Rejects where it cannot be started, or with the signal's reason. */
export async function run(python: Python, args: readonly string[], signal: AbortSignal): Promise<Finished> {
  const [command, ...first] = python;
  const child = spawn(command, [...first, ...args], { signal, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output = lastOf(output + text);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = lastOf(errors + text);
  });
  const [code] = await once(child, 'close');
  signal.throwIfAborted();
  return { code: typeof code === 'number' ? code : null, output, errors };
}

/** Runs Python and yields its standard output as bytes. Throws where it fails. */
export async function* stream(
  python: Python,
  args: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const [command, ...first] = python;
  const child = spawn(command, [...first, ...args], { signal, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = lastOf(errors + text);
  });
  // Attached at once, so that an early end is not missed and a failed start is not unhandled.
  const ended = once(child, 'close').then(
    ([code]): unknown => code,
    (error: unknown) => error,
  );
  try {
    for await (const chunk of child.stdout) {
      if (chunk instanceof Uint8Array) yield chunk;
    }
    const code = await ended;
    signal.throwIfAborted();
    if (code !== 0) throw code instanceof Error ? code : new Error(lastLine(errors) || `Python ended with ${code}`);
  } finally {
    child.kill();
  }
}

/** The last line that says something. */
export function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.trim() ?? '';
}

function lastOf(text: string): string {
  return text.slice(-20_000);
}
