import { HeadwaterError } from '../../schemas/errors.js';
import { openTable } from '../../streams/inputs/open-table.js';
import { exitCodes } from '../exit-codes.js';
import { type ExploreFileOptions, type ExploreWatch, exploreFile } from '../explore/explore-file.js';
import type { ExploredFile } from '../explore/explored-file.js';
import type { Criterion } from '../explore/pick-by-label.js';
import { readTexts } from '../explore/read-texts.js';
import { choiceLine, exploredTable } from '../explore/render-explored.js';
import { openStaticEmbedder } from '../files/open-static-embedder.js';
import type { Io } from '../io.js';
import { display } from '../run/display.js';
import { interruption } from '../signals.js';

export interface ExploreCommandOptions {
  readonly real: string;
  readonly pick?: number;
  readonly criterion?: Criterion;
  readonly lengthScale?: number | 'median';
  /** Another name of `lengthScale`. */
  readonly bandwidth?: number | 'median';
  readonly first?: number;
  readonly by?: string;
  readonly fields?: readonly string[];
  readonly vectors?: string;
  readonly seed?: number;
}

/** `headwater explore`: the order in which a Gaussian process would visit the records of a file; `--json` prints an `ExploredFile`. */
export async function explore(command: ExploreCommandOptions, io: Io): Promise<number> {
  const { real, lengthScale: named, bandwidth, ...figures } = command;
  if (named !== undefined && bandwidth !== undefined) {
    throw new HeadwaterError('recipe-invalid', '--bandwidth is another name of --length-scale: give one of them');
  }
  const lengthScale = named ?? bandwidth;
  const interrupted = interruption();
  const shown = progress(io);
  if (real === '-') {
    io.err('reading standard input\n');
    // nothing else ends a wait for what may never come
    interrupted.soon.addEventListener('abort', () => process.stdin.destroy(), { once: true });
  }
  const options: ExploreFileOptions = {
    ...figures,
    ...(typeof lengthScale === 'number' && { lengthScale }),
    base: process.cwd(),
    openEmbedder: () => openStaticEmbedder(io, interrupted.soon),
    signal: interrupted.soon,
    watch: {
      ...shown.watch,
      chosen: ({ fields, vectors, found }) => {
        const line = choiceLine(fields, vectors, found);
        if (line !== '') io.err(`${line}\n`);
      },
    },
  };
  try {
    const explored = await exploreFile(real, options);
    const texts = io.json ? new Map() : await textsOf(explored, interrupted.soon);
    await shown.stop();
    io.out(`${io.json ? JSON.stringify(explored, null, 2) : exploredTable(explored, texts)}\n`);
    return exitCodes.done;
  } catch (error) {
    await shown.stop();
    if (interrupted.soon.aborted) return exitCodes.interrupted;
    throw error;
  } finally {
    interrupted.release();
  }
}

/** Standard input cannot be read again. */
async function textsOf(
  { file, fields, picks }: ExploredFile,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, string>> {
  if (file === '-') return new Map();
  const rows = new Set(picks.map(({ index }) => index));
  return readTexts(await openTable(file, { base: process.cwd() }), rows, fields, signal);
}

/** Begins with the first record, so that it does not draw over a download. */
function progress(io: Io): { readonly watch: ExploreWatch; stop(): Promise<void> } {
  let line = '';
  let shown: ReturnType<typeof display<string>> | undefined;
  const tell = (text: string) => {
    line = text;
    shown ??= display(io, async () => line, { table: (text) => text, line: (text) => text });
  };
  return {
    watch: {
      reading: (file, records) => tell(`${file}: ${records.toLocaleString('en-US')} records`),
      picking: (picks, of) => tell(`${picks} of ${of} picks`),
    },
    stop: async () => shown?.stop(),
  };
}
