import { pull } from '../../engines/models/pull.js';
import { staticEmbedder } from '../../engines/static/static-embedder.js';
import type { Embedder } from '../../operators/embedder.js';
import { HeadwaterError } from '../../schemas/errors.js';
import { type CompareOptions, compareFiles, type Watch } from '../compare/compare-files.js';
import { choiceLine, comparisonTable } from '../compare/render-comparison.js';
import { exitCodes } from '../exit-codes.js';
import type { Io } from '../io.js';
import { display } from '../run/display.js';
import { downloads } from '../run/downloads.js';
import { interruption } from '../signals.js';

export interface CompareCommandOptions {
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
    openEmbedder: () => embedder(io, interrupted.soon),
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

/** The static embedder; its files are fetched where they are missing. Rejects as `pull` does, with another way out. */
async function embedder(io: Io, signal: AbortSignal): Promise<Embedder> {
  const shown = downloads(io);
  try {
    const model = await pull('wordllama-256', { signal, onProgress: shown.progress });
    shown.pulled(model);
    const [weights = '', tokenizer = ''] = model.files.values();
    return await staticEmbedder({ weights, tokenizer });
  } catch (cause) {
    if (!(cause instanceof HeadwaterError) || cause.code !== 'model-missing') throw cause;
    const other =
      'Or run `headwater models pull wordllama-256` where there is a network, or compare ready-made vectors with --vectors.';
    throw new HeadwaterError(cause.code, `${cause.message}\n${other}`, { cause });
  } finally {
    shown.done();
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
    },
    stop: async () => shown?.stop(),
  };
}
