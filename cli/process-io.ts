import type { Io } from './io.js';

/** The process's own streams. */
export function processIo(json: boolean): Io {
  return {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    isTty: Boolean(process.stdout.isTTY && process.stderr.isTTY),
    json,
  };
}
