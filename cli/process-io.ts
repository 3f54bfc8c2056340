import type { Io } from './io.js';

/** The process's own streams. A reader that leaves early, such as `head`, ends the command as Ctrl-C does. */
export function processIo(json: boolean): Io {
  for (const stream of [process.stdout, process.stderr]) {
    stream.once('error', () => {
      stream.on('error', () => undefined);
      process.kill(process.pid, 'SIGTERM');
    });
  }
  return {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    isTty: Boolean(process.stdout.isTTY && process.stderr.isTTY),
    json,
  };
}
