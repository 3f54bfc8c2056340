import { alignFiles } from '../align/align-files.js';
import type { AlignOptions, Watch } from '../align/align-options.js';
import { alignmentTable } from '../align/render-alignment.js';
import { choiceLine } from '../compare/render-comparison.js';
import { exitCodes } from '../exit-codes.js';
import { openStaticEmbedder } from '../files/open-static-embedder.js';
import type { Io } from '../io.js';
import { display } from '../run/display.js';
import { interruption } from '../signals.js';

export interface AlignCommandOptions
  extends Omit<AlignOptions, 'base' | 'openEmbedder' | 'stdin' | 'signal' | 'watch' | 'frequencies' | 'held'> {
  readonly real: string;
  readonly candidates: string;
}

/** `headwater align`: a weight for each candidate, under which they are like the real records; `--json` prints an `Alignment`. */
export async function align({ real, candidates, ...wishes }: AlignCommandOptions, io: Io): Promise<number> {
  const interrupted = interruption();
  const shown = progress(io);
  if (real === '-' || candidates === '-') {
    io.err('reading standard input\n');
    // nothing else ends a wait for what may never come
    interrupted.soon.addEventListener('abort', () => process.stdin.destroy(), { once: true });
  }
  const options: AlignOptions = {
    ...wishes,
    base: process.cwd(),
    openEmbedder: () => openStaticEmbedder(io, interrupted.soon),
    signal: interrupted.soon,
    watch: {
      ...shown.watch,
      chosen: (columns, plainText) => {
        const line = columns.fields.length === 0 ? '' : choiceLine(columns, plainText);
        if (line !== '') io.err(`${line}\n`);
      },
    },
  };
  try {
    const alignment = await alignFiles(real, candidates, options);
    await shown.stop();
    io.out(`${io.json ? JSON.stringify(alignment, null, 2) : alignmentTable(alignment)}\n`);
    return exitCodes.done;
  } catch (error) {
    await shown.stop();
    if (interrupted.soon.aborted) return exitCodes.interrupted;
    throw error;
  } finally {
    interrupted.release();
  }
}

/** Begins with the first record, so that it does not draw over a download. */
function progress(io: Io): { readonly watch: Watch; stop(): Promise<void> } {
  let line = '';
  let shown: ReturnType<typeof display<string>> | undefined;
  const tell = (text: string) => {
    line = text;
    shown ??= display(io, async () => line, { table: (text) => text, line: (text) => text });
  };
  return {
    watch: {
      reading: (file, records) => tell(`${file}: ${records.toLocaleString('en-US')} records`),
      solving: (label, iterations, gap) =>
        tell(`weights${label === undefined ? '' : ` of ${label}`}: ${iterations} steps, gap ${gap.toExponential(1)}`),
    },
    stop: async () => shown?.stop(),
  };
}
