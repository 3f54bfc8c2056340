import type { Embedder } from '../../operators/embedder.js';
import { exitCodes } from '../exit-codes.js';
import type { Io } from '../io.js';
import { display } from '../run/display.js';
import { interruption } from '../signals.js';
import { openStaticEmbedder } from './open-static-embedder.js';

/** What a command that reads files works with. */
export interface FileWork {
  readonly base: string;
  readonly openEmbedder: () => Promise<Embedder>;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Shows how far the work is, in a line that is drawn over. */
  readonly tell: (line: string) => void;
  /** Says a line that stays, on standard error; an empty one is not said. */
  readonly say: (line: string) => void;
}

/**
 * Runs a command that reads files and prints what `work` resolves to, with its exit code: 130 after Ctrl-C, else `done`.
 *
 * `-` among the files is standard input, whose wait Ctrl-C ends too. Rejects as `work` does.
 */
export async function fileCommand(
  io: Io,
  files: readonly string[],
  work: (work: FileWork) => Promise<string>,
): Promise<number> {
  const interrupted = interruption();
  const shown = progressLine(io);
  if (files.includes('-')) {
    io.err('reading standard input\n');
    // nothing else ends a wait for what may never come
    interrupted.soon.addEventListener('abort', () => process.stdin.destroy(), { once: true });
  }
  try {
    const printed = await work({
      base: process.cwd(),
      openEmbedder: () => openStaticEmbedder(io, interrupted.soon),
      signal: interrupted.soon,
      tell: shown.tell,
      say: (line) => line !== '' && io.err(`${line}\n`),
    });
    await shown.stop();
    io.out(`${printed}\n`);
    return exitCodes.done;
  } catch (error) {
    await shown.stop();
    if (interrupted.soon.aborted) return exitCodes.interrupted;
    throw error;
  } finally {
    interrupted.release();
  }
}

/** Begins with the first line, so that it does not draw over a download. */
function progressLine(io: Io): { readonly tell: (line: string) => void; stop(): Promise<void> } {
  let line = '';
  let shown: ReturnType<typeof display<string>> | undefined;
  return {
    tell: (text) => {
      line = text;
      shown ??= display(io, async () => line, { table: (text) => text, line: (text) => text });
    },
    stop: async () => shown?.stop(),
  };
}
