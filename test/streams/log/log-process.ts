import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('./log-child.mjs', import.meta.url));

/** A child process that uses the log. */
export interface LogProcess {
  readonly child: ChildProcess;
  /** All lines that it wrote so far. */
  readonly lines: readonly string[];
  /** The next line that was not yet asked for. */
  next(): Promise<string>;
  /** Its exit code, or the signal that ended it, after its last line. */
  readonly ended: Promise<number | string>;
  send(line: string): void;
}

/** Starts `log-child.mjs` in a mode; `fileKiB` limits how large its files may get. */
export function logProcess(mode: string, args: readonly string[], fileKiB?: number): LogProcess {
  const command = [process.execPath, script, mode, ...args];
  const [program = '', ...rest] =
    fileKiB === undefined ? command : ['bash', '-c', `ulimit -f ${fileKiB} && exec "$0" "$@"`, ...command];
  const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const lines: string[] = [];
  const reader = createInterface(child.stdout);
  const closed = once(reader, 'close');
  const waiting: (() => void)[] = [];
  reader.on('line', (line) => {
    lines.push(line);
    for (const wake of waiting.splice(0)) wake();
  });
  const ended = Promise.all([once(child, 'exit'), closed]).then(([[code, signal]]) => {
    for (const wake of waiting.splice(0)) wake();
    return code ?? signal;
  });
  let asked = 0;
  return {
    child,
    lines,
    ended,
    async next() {
      const index = asked;
      asked += 1;
      while (lines.length <= index) {
        if (child.exitCode !== null) throw new Error(`the ${mode} process ended early: ${errors}`);
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
      return lines[index] ?? '';
    },
    send: (line) => {
      child.stdin.write(`${line}\n`);
    },
  };
}
