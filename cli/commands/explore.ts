import { HeadwaterError } from '../../schemas/errors.js';
import { openTable } from '../../streams/inputs/open-table.js';
import { exploreFile } from '../explore/explore-file.js';
import type { Criterion, ExploredFile } from '../explore/explored-file.js';
import { readTexts } from '../explore/read-texts.js';
import { exploredTable } from '../explore/render-explored.js';
import { fileCommand } from '../files/file-command.js';
import { choiceLine } from '../files/file-text.js';
import type { Io } from '../io.js';

export interface ExploreCommandOptions {
  readonly real: string;
  readonly pick?: number;
  readonly criterion?: Criterion;
  readonly lengthScale?: number | 'median';
  /** Another name of `lengthScale`. */
  readonly bandwidth?: number | 'median';
  readonly first?: number;
  readonly by?: string;
  readonly sample?: number;
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
  return fileCommand(io, [real], async ({ tell, say, ...work }) => {
    const explored = await exploreFile(real, {
      ...figures,
      ...(typeof lengthScale === 'number' && { lengthScale }),
      ...work,
      watch: {
        chosen: (columns, plainText) => say(choiceLine('exploring', columns, plainText)),
        reading: (file, records) => tell(`${file}: ${records.toLocaleString('en-US')} records`),
        picking: (picks, of) => tell(`${picks} of ${of} picks`),
      },
    });
    if (io.json) return JSON.stringify(explored, null, 2);
    return exploredTable(explored, await textsOf(explored, figures.by, work.signal));
  });
}

/** Standard input cannot be read again. */
async function textsOf(
  { file, fields, picks }: ExploredFile,
  by: string | undefined,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, string>> {
  if (file === '-') return new Map();
  const rows = new Set(picks.map(({ index }) => index));
  return readTexts(await openTable(file, { base: process.cwd() }), rows, { fields, by }, signal);
}
