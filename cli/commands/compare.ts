import { type CompareOptions, compareFiles, type Watch } from '../compare/compare-files.js';
import type { MmdOptions } from '../compare/mmd-options.js';
import { choiceLine, comparisonTable } from '../compare/render-comparison.js';
import { exitCodes } from '../exit-codes.js';
import { openStaticEmbedder } from '../files/open-static-embedder.js';
import type { Io } from '../io.js';
import { display } from '../run/display.js';
import { interruption } from '../signals.js';

export interface CompareCommandOptions extends MmdOptions {
  readonly real: string;
  readonly synthetic: string;
  readonly fields?: readonly string[];
  readonly vectors?: string;
  readonly sample?: number;
  readonly seed?: number;
}

/** `headwater compare`: how alike two files are, how varied each is, what repeats; `--json` prints a `Comparison`. */
export async function compare({ real, synthetic, ...figures }: CompareCommandOptions, io: Io): Promise<number> {
  const interrupted = interruption();
  const shown = progress(io);
  if (real === '-' || synthetic === '-') {
    io.err('reading standard input\n');
    // nothing else ends a wait for what may never come
    interrupted.soon.addEventListener('abort', () => process.stdin.destroy(), { once: true });
  }
  const options: CompareOptions = {
    ...figures,
    base: process.cwd(),
    openEmbedder: () => openStaticEmbedder(io, interrupted.soon),
    signal: interrupted.soon,
    watch: {
      ...shown.watch,
      chosen: (columns, plainText) => {
        const line = choiceLine(columns, plainText);
        if (line !== '') io.err(`${line}\n`);
      },
    },
  };
  try {
    const [comparison] = await compareFiles(real, [synthetic], options);
    await shown.stop();
    if (comparison === undefined) return exitCodes.failed;
    io.out(`${io.json ? JSON.stringify(comparison, null, 2) : comparisonTable([comparison])}\n`);
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
      pairs: (file, share) => tell(`${file}: ${Math.floor(100 * share)} % of pairs`),
      permutations: (file, share) => tell(`${file}: ${Math.floor(100 * share)} % of permutations`),
    },
    stop: async () => shown?.stop(),
  };
}
